"""What a sandboxed process is kept from, wall by wall; a wall that this machine refuses is named, never passed over.

    walls = Walls(readable=[...], folder="/tmp/work", memory_mb=512, processes=16)
    walls.separate()          # in the supervisor: namespaces for the processes that it forks
    walls.confine()           # in the forked process: files, rights, limits, system calls
    walls.missing             # sentences for `selfimprove doctor`; empty where everything holds

Two ways lead to most walls: namespaces (as root, or in a user namespace) and, in containers that allow none, Landlock and a
system-call filter. What it is not: a virtual machine. A fault of the kernel is a way out.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from selfimprove.sandbox import linux

NOBODY = 65534
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
FILE_BYTES, FOLDER_BYTES, FOLDER_FILES, OPEN_FILES = 1 << 20, 32 << 20, 1000, 64
NAMESPACES = linux.NEWNS | linux.NEWPID | linux.NEWNET | linux.NEWIPC | linux.NEWUTS


class RefusedError(Exception):
    """Nothing may be run here: one sentence says what to do."""


@dataclass
class Walls:
    readable: list[str]
    """Absolute paths, beside Python and the system's libraries, that may be read."""
    folder: str
    """The working folder; all that may be written."""
    memory_mb: int
    processes: int
    missing: list[str] = field(default_factory=list)
    spaces: bool = False
    """Whether `separate` got namespaces."""
    new_user: bool = False
    root: bool = field(default_factory=lambda: os.geteuid() == 0)
    """Whether the supervisor is root, and the tools therefore become nobody."""

    def separate(self) -> None:
        """Puts the processes forked from here on into namespaces of their own: files, processes, network, shared memory."""
        uid, gid = os.geteuid(), os.getegid()
        with suppress(OSError):
            if self.root:
                linux.unshare(NAMESPACES)
            else:
                linux.unshare(NAMESPACES | linux.NEWUSER)
                self.new_user = True
                for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")):
                    with open(f"/proc/self/{name}", "w") as file:
                        file.write(text)
            self.spaces = True

    def confine(self) -> None:
        """Raises RefusedError when tools could not run unprivileged at all."""
        count = 0 if self.new_user else _threads_of(NOBODY if self.root else os.geteuid())
        rooted = self.spaces and self._own_root()
        os.chdir(self.folder)
        linux.prctl(linux.NO_NEW_PRIVS, 1)
        if self.root:
            self._become_nobody()
        unreadable = [path for path in (os.__file__, *self.readable) if not os.access(path, os.R_OK)]
        if self.root and not unreadable:
            with suppress(OSError):  # nobody's processes are then counted from zero, whatever else runs as nobody
                linux.unshare(linux.NEWUSER)
                count = 0
        # Tools of root's own folders: what may be seen at all is decided by the root or by Landlock, so modes need not.
        linux.keep_capabilities(linux.READ_ALL if unreadable else 0)
        landlock = 0 if rooted else self._landlock()
        self._limits(count)
        # Of the same user as its calls: none of them may look into this process.
        linux.prctl(linux.DUMPABLE, 0)
        filtered = self._filter(modes=not (rooted or self.root))
        if self.root and unreadable and not ((rooted or landlock) and filtered):
            raise RefusedError(
                f"tools must not run as root, and no other user can read {unreadable[0]}: give every user read access to it, "
                "start as another user, or allow namespaces or Landlock"
            )
        if not (self.spaces or landlock >= 6 or self.root):
            self.missing.append("a tool can end other processes of yours: neither namespaces nor Landlock 6 (Linux 6.12) here")
        if not (self.spaces or os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")):
            self.missing.append("a process that a tool starts can outlive it: no namespaces, and /proc lists no children")

    def _own_root(self) -> bool:
        """A root of its own that holds Python, libraries and tools, read-only, and an empty working folder."""
        try:
            linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
            root = self.folder
            linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID, "mode=755,size=1m")
            for path in (*_outermost([*SYSTEM, *_python(), *self.readable]), *DEVICES):
                _show(path, root)
            inner = root + self.folder
            os.makedirs(inner, exist_ok=True)
            linux.read_only(root)
            data = f"mode=700,uid={NOBODY},gid={NOBODY},size={FOLDER_BYTES},nr_inodes={FOLDER_FILES}"
            linux.mount("tmpfs", inner, "tmpfs", linux.MS_NOSUID, data)
            linux.change_root(root)
            return True
        except (OSError, KeyError):
            with suppress(OSError):
                linux.unmount(self.folder)
            return False

    def _become_nobody(self) -> None:
        try:
            os.chown(".", NOBODY, NOBODY)
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            linux.prctl(linux.KEEPCAPS, 1)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        except OSError as error:
            raise RefusedError(
                f"tools must not run as root, and this root cannot become another user ({error.strerror}): start as another "
                "user, or give it CAP_SETUID, CAP_SETGID and CAP_CHOWN"
            ) from None

    def _landlock(self) -> int:
        try:
            own = f"/proc/{os.getpid()}/task/{os.getpid()}"  # names the processes to end after a call
            return linux.restrict_files(_there([*SYSTEM, *_python(), *self.readable, own]), _there([".", *DEVICES]))
        except OSError as error:
            who = "what every user can" if self.root else "what you can"
            why = f"neither mounts of its own (Linux 5.12) nor Landlock (5.13) work here ({error})"
            self.missing.append(f"a tool can read {who}: {why}")
            return 0

    def _limits(self, count: int) -> None:
        """Hard limits: no process can raise them again. Of memory each process has its own."""
        for kind, value in (
            (resource.RLIMIT_AS, self.memory_mb << 20), (resource.RLIMIT_FSIZE, FILE_BYTES), (resource.RLIMIT_NOFILE, OPEN_FILES),
            (resource.RLIMIT_NPROC, count + self.processes), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_MSGQUEUE, 0),
        ):  # fmt: skip
            lower(kind, value)

    def _filter(self, modes: bool) -> bool:
        """`modes`: without a file tree of its own a user's tool could still change the modes of that user's files."""
        try:
            linux.deny_system_calls(modes=modes)
            return True
        except (OSError, KeyError) as error:
            if not self.spaces:
                self.missing.append(f"a tool can reach the network: neither namespaces nor system-call filters here ({error})")
            return False


def lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _python() -> list[str]:
    return [sys.prefix, sys.base_prefix, *(p for p in sys.path if os.path.isabs(p))]


def _there(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if os.path.exists(path)]


def _outermost(paths: Iterable[str]) -> list[str]:
    """Existing paths without those that lie in another one of them."""
    found: list[str] = []
    for path in sorted({os.path.abspath(p) for p in _there(paths)}, key=lambda p: p.split("/")):
        if not (found and path.startswith(found[-1] + "/")):
            found.append(path)
    return found


def _show(path: str, root: str) -> None:
    """The path at the same place below another root: links like /bin as links, all else as bind mounts."""
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path) and os.path.realpath(path).startswith("/usr/"):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    linux.mount(path, target, flags=linux.MS_BIND | linux.MS_REC)


def _threads_of(uid: int) -> int:
    """Threads that the kernel counts against a user's limit of processes."""
    count = 0
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
    return count
