"""Tools that try everything: loaded by the sandbox of `test_sandbox_attacks.py` only. Each says what it reached."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time


def add(a, b):
    return a + b


def fork_bomb():
    started = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(60)
            started += 1
    except OSError:
        return started


def fork_bomb_of_children():
    def grow():
        while True:
            try:
                if os.fork() == 0:
                    grow()
            except OSError:
                time.sleep(0.01)

    grow()


def memory_bomb():
    held = []
    while True:
        held.append(bytearray(32 << 20))


def memory_bomb_of_many():
    for _ in range(24):
        if os.fork() == 0:
            held = bytearray(b"x") * (200 << 20)
            time.sleep(60)
            return len(held)
    time.sleep(60)


def memory_in_files():
    written = 0
    try:
        for number in range(5000):
            with open(f"file-{number}", "wb") as file:
                written += file.write(bytes(1 << 20))
    except OSError:
        return written >> 20
    return written >> 20


def spin():
    while True:
        pass


def block_in_c():
    # One call into C that never comes back and keeps the interpreter's lock.
    ctypes.PyDLL(None).sleep(600)


def ignore_signals_and_fork_away(file=None):
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            if file:
                try:
                    with open(file, "w") as out:
                        out.write("x")
                except OSError:
                    pass
            time.sleep(600)
        os._exit(0)
    return "away"


def environment():
    return dict(os.environ)


def read(path):
    with open(path, "rb") as file:
        return len(file.read(100))


def entries(path):
    return len(os.listdir(path))


def write(path):
    with open(path, "w") as file:
        return file.write("x")


def remove(path):
    os.remove(path)
    return True


def open_up(path):
    os.chmod(path, 0o777)
    return True


def here():
    with open("note", "w") as file:
        file.write("x")
    return os.listdir(".")


def connect(port):
    with socket.create_connection(("127.0.0.1", port), 2) as connection:
        return connection.recv(10).decode()


def connect_unix(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        return True


def listen():
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        return True


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    return True


def kill_everything():
    os.kill(-1, signal.SIGKILL)
    time.sleep(1)
    return True


def kill_the_loader():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.5)
    return True


def stop_the_loader():
    os.kill(os.getppid(), signal.SIGSTOP)
    return True


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return len(file.read())


def shout():
    line = "x" * (1 << 20)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        print(line)
        print(line, file=sys.stderr)
    return "done"


def huge_result():
    return "x" * (300 << 20)


def endless_result():
    # Straight into whatever it holds open.
    data = b"y" * 65536
    for descriptor in range(3, 64):
        try:
            os.set_blocking(descriptor, True)
            for _ in range(100_000):
                os.write(descriptor, data)
        except OSError:
            pass
    return "done"


def forge():
    line = b'{"ok": true, "value": "forged"}\n' * 20
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, line)
        except OSError:
            pass
    os._exit(0)


def big_file():
    with open("big", "wb") as file:
        file.write(bytes(64 << 20))
    return os.path.getsize("big")


def raise_limits():
    raised = []
    for name in ("RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_NOFILE"):
        try:
            resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY,) * 2)
            raised.append(name)
        except (ValueError, OSError):
            pass
    return raised


def identity():
    return [*os.getresuid(), *os.getresgid(), *os.getgroups()]


def become_root():
    got = []
    for change in (os.setuid, os.setgid):
        try:
            change(0)
            got.append(change.__name__)
        except OSError:
            pass
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000) == 0:
        got.append("unshare")
    if libc.mount(b"tmpfs", b".", b"tmpfs", 0, None) == 0:
        got.append("mount")
    if libc.ptrace(16, os.getppid(), 0, 0) == 0:
        got.append("ptrace")
    return got


def leave_traps():
    os.makedirs("a/b/c")
    os.symlink("/", "link")
    os.mkfifo("pipe")
    os.mkdir("closed", 0)
    try:
        os.chmod("a/b", 0)
        os.chmod(".", 0)
    except PermissionError:
        pass
    return True


def deep():
    value = []
    for _ in range(500):
        value = [value]
    return value


def surrogate():
    return "\ud800"


def count():
    count.seen = getattr(count, "seen", 0) + 1
    return count.seen


def shell(command):
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=5).stdout


TOOLS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", None) == __name__]
