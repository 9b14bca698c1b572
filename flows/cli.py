"""The command line. Every command imports what it needs when it runs, so `--help` loads nothing heavy."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from selfimprove import __version__
from selfimprove.errors import SelfImproveError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="A self-improving training loop for tool-calling language models.",
)  # fmt: skip
config_app = typer.Typer(no_args_is_help=True, help="Look at a configuration.")
app.add_typer(config_app, name="config")
suites_app = typer.Typer(no_args_is_help=True, help="Benchmarks that models can be measured on.")
app.add_typer(suites_app, name="suites")

Settings = Annotated[list[str] | None, typer.Argument(help="Files ending in .yaml, and settings as key.path=value.")]
INTERRUPTED = 130
"""What a shell gives for a command that Ctrl-C ended."""
Folder = Annotated[Path, typer.Option(help="The runs folder.")]


def _split(words: list[str] | None) -> tuple[list[str], list[str]]:
    """Configuration files and overrides, in any order."""
    given = words or []
    return [w for w in given if "=" not in w], [w for w in given if "=" in w]


@app.command()
def run(
    settings: Settings = None,
    more: Annotated[bool, typer.Option(help="Add rounds to a run that is complete.")] = False,
) -> None:
    """Start a run, or go on with one: CONFIG [key.path=value ...]."""
    from flows.environment import prepare_prefect
    from selfimprove.config import load
    from selfimprove.doctor import check

    files, overrides = _split(settings)
    loaded = load(files or ["configs/demo.yaml"], overrides)
    config = loaded.value
    check(config, more=more)
    prepare_prefect(config.run.folder.resolve())
    from flows.improve import improve

    improve(config=",".join(files or ["configs/demo.yaml"]), run_name=config.run.name, overrides=overrides, more=more)
    _show(config.run.folder, config.run.name)


@app.command()
def control(settings: Settings = None, folder: Folder = Path("runs")) -> None:
    """Train the bootstrap on seeds alone for as many steps as the rounds did, and compare: did self-made data help?

    Takes the name of a run, or a configuration as `run` does.
    """
    from flows.environment import prepare_prefect
    from selfimprove.config import load
    from selfimprove.doctor import check
    from selfimprove.store.layout import Layout
    from selfimprove.store.starts import finished_rounds

    words, overrides = _split(settings)
    # A run's name stands for the configuration that its round 0 froze.
    files = [w if w.endswith((".yaml", ".yml")) else str(Layout.found(folder, w).round(0) / "config.yaml") for w in words]
    config = load(files or ["configs/demo.yaml"], overrides).value
    check(config, more=True)
    finished_rounds(Layout.of(config.run.folder, config.run.name))
    prepare_prefect(config.run.folder.resolve())
    from flows.control import control as run_control

    run_control(str(config.run.folder), config.run.name)
    _show(config.run.folder, config.run.name)


def _show(folder: Path, name: str) -> None:
    from selfimprove.observe.table import print_summary
    from selfimprove.store.layout import Layout

    layout = Layout.of(folder, name)
    print_summary(layout)
    home, server = layout.folder / "prefect", os.environ.get("PREFECT_API_URL", "")
    if server:
        print(f" Prefect: open {server.removesuffix('/api')}")
    elif home.exists():
        prefect = Path(sys.executable).with_name("prefect")
        print(f" Prefect: PREFECT_HOME={home} PREFECT_SERVER_ANALYTICS_ENABLED=false {prefect} server start   # then open http://127.0.0.1:4200")


@app.command()
def status(
    run: Annotated[str, typer.Argument(help="Name of a run.")],
    folder: Folder = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what a run has on disk: models, scores, decisions, seconds."""
    from selfimprove.observe.summary import summarize
    from selfimprove.store.layout import Layout

    layout = Layout.found(folder, run)
    if as_json:
        print(json.dumps(summarize(layout).model_dump(mode="json"), ensure_ascii=False))
    else:
        _show(folder, run)


@app.command()
def ask(
    query: Annotated[str, typer.Argument(help="What a user says.")],
    model: Annotated[str, typer.Option(help="A model directory, a hub id, or `embedded`.")],
    tools: Annotated[Path, typer.Option(help="Tool definitions, JSON Lines.")],
    engine: Annotated[str, typer.Option(help="transformers (starts in seconds) or vllm.")] = "transformers",
    folder: Folder = Path("runs"),
) -> None:
    """Ask a model one question; prints one JSON line {calls, abstain, text}."""
    from flows.ask import answer

    print(json.dumps(answer(query, model, tools, engine, folder), ensure_ascii=False))


@suites_app.command("list")
def suites_list(folder: Folder = Path("runs")) -> None:
    """The project's own suites and the registered ones, with their categories."""
    from flows.suite import listed
    from selfimprove.observe.scores import suite_line

    for card in listed(folder):
        print(suite_line(card))


@suites_app.command("add")
def suites_add(
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    source: Annotated[Path, typer.Option("--from", help="Items as JSON Lines, or the folder of an unpacked bfcl-eval.")],
    folder: Folder = Path("runs"),
    replace: Annotated[bool, typer.Option(help="Replace a suite of that name.")] = False,
) -> None:
    """Register a suite under FOLDER/suites, so that `evaluate --suite NAME` finds it."""
    from flows.suite import add
    from selfimprove.observe.scores import suite_line

    print(suite_line(add(name, source, folder, replace)))


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="A model directory, a hub id, or `embedded`.")],
    suite: Annotated[str, typer.Option(help="NAME, NAME:category,... or FILE.jsonl.")],
    out: Annotated[Path, typer.Option(help="Folder for outputs.jsonl and results.json; the same command goes on in it.")],
    settings: Settings = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many items, categories in their shares (0: all).")] = 0,
    engine: Annotated[str, typer.Option(help="vllm or transformers (engine.kind).")] = "",
    make: Annotated[bool, typer.Option(help="Also let the model make tools for each query, and judge them.")] = False,
    allow_shared: Annotated[bool, typer.Option(help="Measure although queries or tools were trained.")] = False,
    folder: Folder = Path("runs"),
) -> None:
    """Measure one model on one suite."""
    from flows.suite import Wanted
    from flows.suite import evaluate as run_evaluation
    from selfimprove.config import load
    from selfimprove.observe.scores import print_results

    files, overrides = _split(settings)
    loaded = load(files, [*overrides, *([f"engine.kind={engine}"] if engine else [])])
    print_results(run_evaluation(Wanted(model, suite, out, limit, make, allow_shared), loaded, folder), out)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="RUN/MODEL, such as demo/champion, or the --out folder of an evaluation.")],
    b: Annotated[str, typer.Argument(help="What it is compared with.")],
    suite: Annotated[str, typer.Option(help="gate, test, canaries or general, for models of a run.")] = "gate",
    folder: Folder = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the ids of all items that flipped.")] = False,
) -> None:
    """Compare two models on the same items: overall, by category, and what flipped."""
    from flows.champion import compare as compare_models
    from selfimprove.observe.scores import print_comparison

    found = compare_models(a, b, suite, folder)
    if as_json:
        print(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
    else:
        print_comparison(found.overall, found.categories, found.groups, found.differences)


@app.command()
def promote(
    run: Annotated[str, typer.Argument(help="Name of a run.")],
    model: Annotated[str, typer.Argument(help="base, bootstrap, a round such as round-002, or a model directory.")],
    folder: Folder = Path("runs"),
) -> None:
    """Make a model the champion by hand: the next round starts from it and has to beat it."""
    from flows.champion import adopt

    print(adopt(run, model, folder))


@app.command()
def rollback(
    run: Annotated[str, typer.Argument(help="Name of a run.")],
    to: Annotated[str, typer.Option(help="An earlier champion (default: the one before).")] = "",
    folder: Folder = Path("runs"),
) -> None:
    """Go back to an earlier champion; the history keeps both."""
    from flows.champion import go_back

    print(go_back(run, to, folder))


@app.command()
def doctor(
    settings: Settings = None,
    model: Annotated[str | None, typer.Option(help="Try template, parser and masks of this model on each other.")] = None,
    folder: Folder = Path("runs"),
) -> None:
    """Check machine, packages, model, memory and disk for a configuration, before any work; or a model's language alone."""
    if model:
        from selfimprove.chat.doctor import examine_model
        from selfimprove.models import resolve_model

        for line in examine_model(resolve_model(model, folder.resolve() / "models")):
            print(line)
        if not settings:
            return
    from selfimprove.config import load
    from selfimprove.doctor import check

    files, overrides = _split(settings)
    for line in check(load(files or ["configs/demo.yaml"], overrides).value):
        print(line)


@app.command()
def verify(
    rows: Annotated[
        Path | None, typer.Argument(help="Rows to judge, JSON Lines (--self-test: labelled problems; default: the seeds).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the verdicts (--self-test: the errors) go, JSON Lines.")] = None,
    layers: Annotated[str, typer.Option(help="Layers, as a,b (default: every rule layer).")] = "",
    profile: Annotated[str, typer.Option(help="Equality of calls: strict, training or bfcl-like.")] = "training",
    pool: Annotated[Path | None, typer.Option(help="Tool definitions with `module` keys, for the layer execution.")] = None,
    report: Annotated[bool, typer.Option(help="Print what each layer did.")] = False,
    self_test: Annotated[bool, typer.Option(help="Test the verifier itself.")] = False,
) -> None:
    """Judge answers in a file, one verdict a row, or test the verifier itself; no model is needed."""
    from selfimprove.errors import DataError
    from selfimprove.tools.canonical import PROFILES
    from selfimprove.tools.pool import modules_of, read_pool
    from selfimprove.verify.layers import RULES
    from selfimprove.verify.stream import chosen_layers, render, verify_file

    if self_test:
        from selfimprove.config.model import SelfTest
        from selfimprove.verify.selftest.command import run_command

        print(run_command(chosen_layers(layers) if layers else RULES, rows, out, SelfTest()))
        return
    if rows is None or out is None:
        raise DataError("verify needs a file of rows and --out FILE, or --self-test")
    if profile not in PROFILES:
        raise DataError(f"--profile: there is no profile {profile!r}; profiles are {', '.join(PROFILES)}")
    chosen = chosen_layers(layers) if layers else RULES
    if "execution" in chosen and pool is None:
        raise DataError("--layers: execution runs tools; give their definitions with `module` keys as --pool FILE")
    summary = verify_file(
        rows, out, layers=chosen, profile=profile,
        modules=modules_of(read_pool(pool), pool.parent) if pool else None,
    )  # fmt: skip
    print(render(summary) if report else render(summary).splitlines()[0])


@app.command()
def reverify(
    run: Annotated[str, typer.Argument(help="Name of a run.")],
    layers: Annotated[str, typer.Option(help="Layers, as a,b (default: those of each round).")] = "",
    folder: Folder = Path("runs"),
) -> None:
    """Judge a run's stored attempts again, without a model, and say what would have changed."""
    from selfimprove.store.layout import Layout
    from selfimprove.verify.reverify import render
    from selfimprove.verify.reverify import reverify as again
    from selfimprove.verify.stream import chosen_layers

    print(render(again(Layout.found(folder, run), chosen_layers(layers, stored=True) if layers else None)))


@config_app.command("show")
def config_show(settings: Settings = None) -> None:
    """Print the resolved configuration and where each value came from."""
    from selfimprove.config import load, render

    files, overrides = _split(settings)
    print(render(load(files, overrides)))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """One sentence for what we refuse, exit code 2; Ctrl-C ends with 130 and says how to go on."""
    try:
        # Typer turns Ctrl-C into this return value; what a command returns is None.
        code = app(standalone_mode=False)
    except SelfImproveError as error:
        _end(str(error), 2)
    except OSError as error:
        from selfimprove.store.jsonl import write_error

        _end(str(write_error(Path(error.filename or "."), error)), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        # Click's usage errors carry their own sentence; anything else is a fault of ours and keeps its traceback.
        show = getattr(error, "format_message", None)
        if show is None:
            raise
        _end(show(), 2)
    if code == INTERRUPTED:
        _end("interrupted; the same command goes on from here", INTERRUPTED)
    sys.exit(code)


def _end(sentence: str, code: int) -> NoReturn:
    print(f"selfimprove: {sentence}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
