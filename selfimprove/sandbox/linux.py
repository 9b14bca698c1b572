"""The calls of Linux that Python does not offer, through ctypes: each raises OSError, as `os` does.

    unshare(NEWNET); mount("tmpfs", folder, "tmpfs"); restrict_files(readable, writable); deny_system_calls()

What it is not: a policy. What is asked for, in which order and what happens where it is refused: `walls.py`.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from errno import EACCES, ENOSYS

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID = 4096, 16384, 1 << 18, 2
PDEATHSIG, DUMPABLE, KEEPCAPS, SECCOMP, CHILD_SUBREAPER, NO_NEW_PRIVS = 1, 4, 8, 22, 36, 38
READ_ALL = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: the modes of files do not bind."""
# The same number on every architecture, like all system calls since 2019.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR, LANDLOCK = 442, (444, 445, 446)

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(number: int, what: str, *arguments: object) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def prctl(option: int, *values: int) -> None:
    _checked(_libc.prctl(option, *(ctypes.c_ulong(v) for v in (*values, 0, 0, 0, 0)[:4])), "prctl")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    _checked(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()), "mount")


def unmount(target: str) -> None:
    _checked(_libc.umount2(target.encode(), 2), "umount2")


def read_only(folder: str) -> None:
    """Everything mounted below a folder, itself included (Linux 5.12)."""
    attributes = struct.pack("4Q", 1 | MS_NOSUID, 0, 0, 0)
    recursive, here = 0x8000, -100
    _call(MOUNT_SETATTR, "mount_setattr", ctypes.c_int(here), folder.encode(), ctypes.c_uint(recursive), attributes,
          ctypes.c_size_t(len(attributes)))  # fmt: skip


def change_root(folder: str) -> None:
    """The folder, a mount point, becomes the root, and nothing of the old one can be reached any more."""
    os.chdir(folder)
    _call(PIVOT_ROOT[os.uname().machine], "pivot_root", b".", b".")
    unmount(".")
    os.chdir("/")


def keep_capabilities(wanted: int) -> None:
    """No others than these from here on, and of these only what the process has (a bit mask; 0 drops all)."""
    header, held = struct.pack("Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, held), "capget")
    kept = struct.unpack("6I", held.raw)[1] & wanted
    _checked(_libc.capset(header, struct.pack("6I", kept, kept, 0, 0, 0, 0)), "capset")


def restrict_files(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Landlock (Linux 5.13): no other path can be opened from here on. Returns its version; 6 also keeps signals inside."""
    create, add, restrict = LANDLOCK
    version = _call(create, "landlock", None, ctypes.c_size_t(0), ctypes.c_uint(1))
    everything = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    attributes = struct.pack("3Q", everything, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _call(create, "landlock", attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    reading, of_files = 0b1101, 0b1100000000000111  # execute, read file, read folder; and what applies to a file at all
    for paths, rights in ((readable, reading), (writable, everything)):
        for path in paths:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights if os.path.isdir(path) else rights & of_files
            rule = struct.pack("=Qi", allowed & everything, descriptor)
            _call(add, "landlock", ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint(0))
            os.close(descriptor)
    _call(restrict, "landlock", ctypes.c_int(rules), ctypes.c_uint(0))
    os.close(rules)
    return version


# What a tool never needs: sockets (a socketpair stays possible), other processes' memory, new namespaces and mounts, kernel keys,
# shared memory that outlives its process, and interfaces whose only use here would be an attack on the kernel.
DENIED = {
    "x86_64": (41, 29, 64, 68, 101, 155, 165, 166, 246, 248, 249, 250, 272, 298, 304, 308, 310, 311, 321, 323),
    "aarch64": (198, 194, 190, 186, 117, 41, 40, 39, 104, 217, 218, 219, 97, 241, 265, 268, 270, 271, 280, 282),
}
MODES = {
    "x86_64": (90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280),
    "aarch64": (52, 53, 54, 55, 5, 6, 7, 14, 15, 16, 88),
}
MODES_EVERYWHERE = (452, 463, 466)
"""Modes, owners, times and attributes of files, on which Landlock has no say."""
DENIED_EVERYWHERE = (425, 428, 429, 430, 431, 432, 438, 442)
CLONE, CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def deny_system_calls(*, modes: bool = False) -> None:
    """A seccomp filter: a denied call fails with EACCES; changes of files' `modes` too, where asked. Needs NO_NEW_PRIVS;
    KeyError on another architecture."""
    machine = os.uname().machine
    denied = (*DENIED[machine], *DENIED_EVERYWHERE, *((*MODES[machine], *MODES_EVERYWHERE) if modes else ()))
    load, equal, above, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    kill, allow, deny, absent = 0x80000000, 0x7FFF0000, 0x50000 | EACCES, 0x50000 | ENOSYS
    program = [
        (load, 0, 0, 4), (equal, 1, 0, AUDIT_ARCH[machine]), (give, 0, 0, kill),
        (load, 0, 0, 0), (above, 0, 1, 0x40000000), (give, 0, 0, deny),  # the second set of numbers of x86 (x32)
        (equal, 0, 1, CLONE3), (give, 0, 0, absent),  # its flags lie in memory that a filter cannot read; libc then uses clone
        *(row for number in denied for row in ((equal, 0, 1, number), (give, 0, 0, deny))),
        (equal, 0, 3, CLONE[machine]), (load, 0, 0, 16), (bits, 0, 1, NEWUSER), (give, 0, 0, deny),
        (give, 0, 0, allow),
    ]  # fmt: skip
    rows = b"".join(struct.pack("HBBI", *row) for row in program)
    buffer = ctypes.create_string_buffer(rows, len(rows))
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    _checked(_libc.prctl(SECCOMP, ctypes.c_ulong(2), filter_, ctypes.c_ulong(0), ctypes.c_ulong(0)), "seccomp")
