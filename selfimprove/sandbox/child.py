"""The child's side of the sandbox: started by `runner.py` as a script under `python -I`, never imported.

It reads one job from a file, limits itself, loads the tool modules, and answers each call with one JSON line. A tool
module names its functions in a list called `TOOLS`. Standard input carries nothing: it closes when the parent is gone,
however it died, and that ends this child and whatever its tools have started.
"""

import importlib.util
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any


def end_with_parent(pipe: int) -> None:
    """As in `selfimprove/child.py`, which is not imported here: this interpreter loads nothing of the project."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def limit(memory_mb: int, cpu_seconds: int) -> None:
    """Hard limits: the child cannot raise them again."""
    wanted = {
        resource.RLIMIT_AS: memory_mb << 20,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 1 << 20,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def load(path: str, number: int) -> dict[str, Any]:
    """Function by tool name, of one module."""
    spec = importlib.util.spec_from_file_location(f"sandboxed_tools_{number}", path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {function.__name__: function for function in module.TOOLS}


def load_all(paths: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Functions of the modules that load, and one sentence for each that does not: it costs the others nothing."""
    functions: dict[str, Any] = {}
    broken: list[str] = []
    for number, path in enumerate(paths):
        try:
            functions.update(load(path, number))
        except BaseException as error:
            broken.append(f"the tool module {path} does not load: {type(error).__name__}: {error}"[:500])
    return functions, broken


def answer(functions: dict[str, Any], broken: list[str], call: dict[str, Any]) -> str:
    """The result of one call as JSON; whatever a tool raises is a result, never the end of the child."""
    name = call["name"]
    if name not in functions:
        # What a broken module would have offered is not known, so each is a possible reason.
        return json.dumps({"ok": False, "error": "; ".join([f"there is no tool named {name!r}", *broken])})
    try:
        return json.dumps({"ok": True, "value": functions[name](**call["arguments"])}, allow_nan=False)
    except MemoryError:
        return json.dumps({"ok": False, "error": "the call needs more memory than it may have"})
    except BaseException as error:
        return json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"[:500]})


def main() -> None:
    # A descriptor that no tool knows and no process of a tool inherits.
    end_with_parent(os.dup(0))
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # What a tool prints must not be taken for a result: results go through a descriptor of their own.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 0)
    limit(job["memory_mb"], job["cpu_seconds"])
    sys.path.append(job["package_root"])
    functions, broken = load_all(job["modules"])
    print("ready", file=results, flush=True)
    for call in job["calls"]:
        print(answer(functions, broken, call), file=results, flush=True)


if __name__ == "__main__":
    main()
