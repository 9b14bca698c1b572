"""The child's side of the sandbox: started by `runner.py` as a script under `python -I`, never imported.

Three processes, so that no tool shares one with what watches it:

    supervisor   makes the namespaces, runs no tool, ends everything when standard input closes (the parent is gone)
    loader       the first process inside; confines itself, loads the tool modules, starts a process for each call, watches time
    call         runs one function and writes one line; whatever it left running is ended with it

A tool module names its functions in a list called `TOOLS`.
"""

import gc
import importlib.util
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

Row = dict[str, Any]
PAGE = resource.getpagesize()
OVER_MEMORY, OVER_FILES = 3, 4


def main() -> None:
    job = json.loads(sys.stdin.buffer.readline())
    sys.path.append(job["package_root"])
    from selfimprove.sandbox import linux
    from selfimprove.sandbox.walls import Walls

    walls = Walls(job["readable"], os.getcwd(), job["memory_mb"], job["processes"])
    above = os.open("..", os.O_PATH)
    walls.separate()
    # What outlives its own parent becomes a child of this process, and is found by it.
    linux.prctl(linux.CHILD_SUBREAPER, 1)
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    loader = os.fork()
    if loader == 0:
        os.close(proc)
        os.close(above)
        _end_as(lambda: load_and_answer(job, walls))
    os.close(1)
    code = watch(loader, proc, 2 * job["memory_mb"] << 20, walls.folder)
    with suppress(ProcessLookupError):
        os.kill(loader, signal.SIGKILL)
    os.waitpid(loader, 0)
    end_children()
    # The parent removes the folder, if it lives; its name is reached from the folder above, whatever the root is now.
    with suppress(OSError):
        empty(".")
        os.rmdir(os.path.basename(walls.folder), dir_fd=above)
    os._exit(code)


def watch(loader: int, proc: int, most: int, folder: str) -> int:
    """0 when standard input closes, else why it ended before: what all processes hold together, which no limit of one bounds.

    `proc` is open because /proc is no longer there once the loader has changed the root.
    """
    while not (select.select([0], [], [], 0.1)[0] and not os.read(0, 4096)):
        if sum(memory(pid, proc) for pid in family(loader, proc)) > most:
            return OVER_MEMORY
        if full(folder):
            return OVER_FILES
    return 0


def full(folder: str) -> bool:
    """Whether more bytes or files lie below a folder than a call may have: in the machine's own file system no kernel counts."""
    from selfimprove.sandbox.walls import FOLDER_BYTES, FOLDER_FILES

    size, entries, waiting = 0, 0, [folder]
    while waiting:
        with suppress(OSError):  # gone since
            for entry in os.scandir(waiting.pop()):
                entries += 1
                size += entry.stat(follow_symlinks=False).st_size
                if size > FOLDER_BYTES or entries > FOLDER_FILES:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return False


def family(pid: int, proc: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        found += [int(word) for word in _text(f"{one}/task/{one}/children", proc).split()]
    return found


def memory(pid: int, proc: int) -> int:
    """Bytes resident in memory."""
    words = _text(f"{pid}/statm", proc).split()
    return int(words[1]) * PAGE if words else 0


def _text(path: str, proc: int) -> str:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY, dir_fd=proc)
        try:
            return os.read(descriptor, 1 << 16).decode("ascii")
        finally:
            os.close(descriptor)
    return ""


def _end_as(work: Any) -> None:
    """Nothing of a forked process may return into the code of the process that it was forked from."""
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def load_and_answer(job: Row, walls: Any) -> None:
    from selfimprove.sandbox import linux
    from selfimprove.sandbox.walls import RefusedError

    # What a tool prints must not be taken for a result: results go through a descriptor that no call has.
    results = os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(quiet, descriptor)
    try:
        walls.confine()
    except (RefusedError, OSError) as error:
        _say(results, {"refused": str(error)})
        return
    linux.prctl(linux.PDEATHSIG, signal.SIGKILL)
    linux.prctl(linux.CHILD_SUBREAPER, 1)
    functions, broken = load_all(job["modules"])
    end_children()
    _say(results, {"ready": True, "missing": walls.missing})
    gc.freeze()  # pages of what is loaded stay shared with the processes of the calls
    for call in job["calls"]:
        _say(results, run(functions, broken, call, job["seconds"], job["largest"], results.fileno()))
        if not (end_children() and empty(".")):
            return _say(results, {"again": "what the call left behind cannot be removed"})


def _say(results: BinaryIO, row: Row) -> None:
    results.write(json.dumps(row, allow_nan=False).encode() + b"\n")
    results.flush()


def load(path: str, number: int) -> Row:
    """Function by tool name, of one module."""
    spec = importlib.util.spec_from_file_location(f"sandboxed_tools_{number}", path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {function.__name__: function for function in module.TOOLS}


def load_all(paths: list[str]) -> tuple[Row, list[str]]:
    """Functions of the modules that load, and one sentence for each that does not: it costs the others nothing."""
    functions: Row = {}
    broken: list[str] = []
    for number, path in enumerate(paths):
        try:
            functions.update(load(path, number))
        except BaseException as error:
            broken.append(f"the tool module {path} does not load: {type(error).__name__}: {error}"[:500])
    return functions, broken


def run(functions: Row, broken: list[str], call: Row, seconds: float, largest: int, results: int) -> Row:
    """The result of one call, from a process of its own, which sees neither descriptor of another result."""
    name = call["name"]
    if name not in functions:
        # What a broken module would have offered is not known, so each is a possible reason.
        return {"ok": False, "error": "; ".join([f"there is no tool named {name!r}", *broken])}
    reader, writer = os.pipe()
    try:
        process = os.fork()
    except OSError as error:
        os.close(writer)
        os.close(reader)
        return {"ok": False, "error": f"no process could be started for the call ({error})"}
    if process == 0:
        os.close(results)
        os.close(reader)
        _end_as(lambda: answer(functions[name], call["arguments"], writer, seconds))
    os.close(writer)
    try:
        return read_result(reader, seconds, largest)
    finally:
        os.close(reader)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def answer(function: Any, arguments: Row, writer: int, seconds: float) -> None:
    """In the call's process: whatever the tool raises is a result."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1,) * 2)
    try:
        row = {"ok": True, "value": function(**arguments)}
        text = json.dumps(row, allow_nan=False)
    except MemoryError:
        text = json.dumps({"ok": False, "error": "the call needs more memory than it may have"})
    except BaseException as error:
        text = json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"[:500]})
    data = memoryview(text.encode() + b"\n")
    while data:
        data = data[os.write(writer, data) :]


def read_result(reader: int, seconds: float, largest: int) -> Row:
    deadline, text = time.monotonic() + seconds, b""
    while not text.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return {"ok": False, "error": f"the call took longer than {seconds:g} s"}
        chunk = os.read(reader, 65536)
        text += chunk
        if not chunk:
            return {"ok": False, "error": "the call ended its interpreter"}
        if len(text) > largest:
            return {"ok": False, "error": f"the call's result is larger than {largest >> 10} KiB"}
    try:
        found = json.loads(text)
        if found["ok"] is True:
            return {"ok": True, "value": found["value"]}
        return {"ok": False, "error": str(found["error"])[:500]}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {"ok": False, "error": "the call wrote something that is no result"}


def end_children(seconds: float = 5.0) -> bool:
    """Ends and collects every process started from here, those that forked away too: they have become this one's children."""
    if os.getpid() == 1:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # all of the namespace but its first process, which is this one
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = children()
        for child in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        # A dead process that is not collected keeps its place in the limit of processes, so what still forks runs out of places.
        if all(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) for child in found):
            try:
                while os.waitpid(-1, 0 if os.getpid() == 1 else os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return True
        time.sleep(0.0005)
    return False


def children() -> list[int]:
    """Processes whose parent is this one. Inside a namespace one signal reaches all, and /proc, if seen, is another's."""
    me = os.getpid()
    if me == 1:
        return []
    with suppress(OSError), open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
    return []


def empty(folder: str) -> bool:
    """Whether nothing of a call is left in its folder."""
    try:
        with suppress(PermissionError):
            os.chmod(folder, 0o700)
        for name in os.listdir(folder):
            if os.path.isdir(name) and not os.path.islink(name):
                with suppress(OSError):
                    os.rmdir(name)  # an empty one goes even where its mode lets nobody look inside
                    continue
                shutil.rmtree(name)
            else:
                os.remove(name)
        return True
    except (OSError, RecursionError):
        return False


if __name__ == "__main__":
    main()
