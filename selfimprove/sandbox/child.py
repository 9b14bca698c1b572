"""The child's side of the sandbox: started by `runner.py` as a script under `python -I`, never imported.

It reads one job from standard input, limits itself, loads the tool modules, and answers each call with one JSON line.
A tool module names its functions in a list called `TOOLS`.
"""

import importlib.util
import json
import os
import resource
import sys
from typing import Any


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


def load(paths: list[str]) -> dict[str, Any]:
    """Function by tool name."""
    functions: dict[str, Any] = {}
    for number, path in enumerate(paths):
        spec = importlib.util.spec_from_file_location(f"sandboxed_tools_{number}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        functions.update({function.__name__: function for function in module.TOOLS})
    return functions


def answer(functions: dict[str, Any], call: dict[str, Any]) -> str:
    """The result of one call as JSON; whatever a tool raises is a result, never the end of the child."""
    name = call["name"]
    if name not in functions:
        return json.dumps({"ok": False, "error": f"there is no tool named {name!r}"})
    try:
        return json.dumps({"ok": True, "value": functions[name](**call["arguments"])}, allow_nan=False)
    except MemoryError:
        return json.dumps({"ok": False, "error": "the call needs more memory than it may have"})
    except BaseException as error:
        return json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"[:500]})


def main() -> None:
    job = json.load(sys.stdin)
    # What a tool prints must not be taken for a result: results go through a descriptor of their own.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 0)
    limit(job["memory_mb"], job["cpu_seconds"])
    sys.path.append(job["package_root"])
    try:
        functions = load(job["modules"])
    except BaseException as error:
        print(
            f"a tool module does not load: {type(error).__name__}: {error}".replace("\n", " "), file=results, flush=True
        )
        return
    print("ready", file=results, flush=True)
    for call in job["calls"]:
        print(answer(functions, call), file=results, flush=True)


if __name__ == "__main__":
    main()
