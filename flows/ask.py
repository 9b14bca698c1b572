"""One question to one model: what `selfimprove ask` prints."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import open_engine
from selfimprove.engine.settings import longest
from selfimprove.errors import EngineError
from selfimprove.models import check_model, resolve_model
from selfimprove.records import Request, Sample
from selfimprove.subtasks import use
from selfimprove.tools.pool import read_pool

KINDS = ("transformers", "vllm")


def answer(query: str, model: str, tools: Path, engine: str, folder: Path) -> dict[str, Any]:
    """`calls` is a list of {name, arguments}; `abstain` is null or the reason; `text` is what the model wrote."""
    if engine not in KINDS:
        raise EngineError(f"there is no engine {engine!r}; use one of {', '.join(KINDS)}")
    pool = read_pool(tools)
    path = resolve_model(model, folder.resolve() / "models").resolve()
    check_model(path)
    offered = tuple(e.tool for e in pool.entries.values())
    request = Request(id="ask", messages=use.prompt(Sample(id="ask", query=query, tools=offered)), tools=offered, max_tokens=256)
    config = EngineConfig(kind=cast(Literal["transformers", "vllm"], engine), max_model_len=longest(path))
    with TemporaryDirectory() as logs, open_engine(config, path, Path(logs)) as opened:
        completion = next(iter(opened.complete([request])))
    if completion.finish == "too_long":
        raise EngineError(f"{tools}: these tools and the query need more than {config.max_model_len} tokens; offer fewer tools")
    parsed = use.parse(completion.text, {tool.name: tool for tool in offered})
    found = parsed.answer
    return {
        "calls": [c.model_dump(mode="json") for c in found.calls] if found else [],
        "abstain": found.abstain if found else f"unparsed: {parsed.problem}", "text": completion.text,
    }  # fmt: skip
