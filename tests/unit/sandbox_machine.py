"""Another machine, simulated: becomes what its first argument says, then runs the batch of calls that it is given.

    python tests/unit/sandbox_machine.py MACHINE '{"modules": [...], "calls": [...], "seconds": 1, "memory_mb": 256}'

MACHINE is user, container, user-without-namespaces, root-without-mounts or old-kernel. Needs root, to give it up. Prints one
JSON line: `missing` walls and `results`.
"""

import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
from selfimprove.sandbox import linux

SYS_ADMIN, CAPBSET_DROP, USER = 21, 24, 4321


def become_user() -> None:
    """Any user, who can read this Python and this test wherever they lie."""
    linux.unshare(linux.NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    for path in {Path(sys.base_prefix), Path(sys.prefix), Path(__file__).resolve().parents[2]}:
        closed = next((p for p in [*reversed(path.parents), path] if not p.stat().st_mode & 1), None)
        if closed:
            held = os.open(path, os.O_PATH)
            linux.mount("tmpfs", str(closed), "tmpfs", data="mode=755")
            path.mkdir(parents=True, exist_ok=True)
            linux.mount(f"/proc/self/fd/{held}", str(path), flags=linux.MS_BIND)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    linux.prctl(linux.DUMPABLE, 1)


def forbid_namespaces() -> None:
    """A user namespace in which nobody may make another."""
    linux.unshare(linux.NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{USER} {USER} 1"), ("gid_map", f"{USER} {USER} 1")):
        Path("/proc/self", name).write_text(text)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    linux.keep_capabilities(0)
    linux.prctl(linux.DUMPABLE, 1)


UNSHARE = {"x86_64": 272, "aarch64": 97}


def forbid(*calls: int) -> None:
    """A kernel that does not know some system calls."""
    machine = os.uname().machine
    linux.prctl(linux.NO_NEW_PRIVS, 1)
    linux.DENIED[machine], linux.DENIED_EVERYWHERE, linux.CLONE[machine] = calls, (), 1 << 29
    linux.deny_system_calls()


def main() -> None:
    machine, job = sys.argv[1], json.loads(sys.argv[2])
    if machine == "container":
        # Root as containers have it: no mounts, no namespaces.
        linux.prctl(CAPBSET_DROP, SYS_ADMIN)
        linux.keep_capabilities(0xFFFFFFFF & ~(1 << SYS_ADMIN))
    elif machine == "root-without-mounts":
        forbid(linux.MOUNT_SETATTR)
    else:
        become_user()
    if machine == "user-without-namespaces":
        forbid_namespaces()
    if machine == "old-kernel":
        forbid(linux.LANDLOCK[0], UNSHARE[os.uname().machine])
    os.environ["HOME"] = "/nowhere"
    from selfimprove.sandbox import missing_walls, run_calls

    calls = [{"name": name, "arguments": arguments} for name, arguments in job["calls"]]
    results = run_calls(job["modules"], calls, seconds=job["seconds"], memory_mb=job["memory_mb"])
    print(json.dumps({"missing": missing_walls(), "results": [[r.ok, r.value if r.ok else r.error] for r in results]}))


if __name__ == "__main__":
    main()
