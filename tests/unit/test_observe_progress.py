"""Progress in a terminal and in a log file, and what is said of the time left."""

import io
import os
import pty
import signal
import subprocess
import sys
import time

from rich.console import Console

from selfimprove.config import Config
from selfimprove.events import Note, Progress, StageFinished, StageStarted, emit
from selfimprove.observe.estimate import Estimate
from selfimprove.observe.progress import Steady, Terminal, label, planned_seconds, watching
from selfimprove.observe.words import duration


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_few_plain_lines() -> None:
    out, clock = io.StringIO(), Clock()
    terminal = Terminal(600, Console(file=out, width=100), clock)
    with terminal:
        terminal(StageStarted("generate", 1, 120))
        for second in range(61):
            clock.now = float(second)
            terminal(Progress("generate", "answers", 2 * second, 240))
        terminal(StageFinished("generate", 1, 94.0, counts={"problems": 60, "attempts": 300}))
        terminal(Note("Round 1: adopted [bold] \x1b[31m."))
    lines = out.getvalue().splitlines()
    assert lines[0] == "round 1 · generate   started, planned 120 s"
    assert lines[1] == "round 1 · generate   answers 20/240   2/s   ETA 1m50s   run 9m50s"
    assert len(lines) == 9 and lines[-2] == "round 1 · generate   spent 94 s, planned 120 s   problems 60, attempts 300"
    assert lines[-1] == "Round 1: adopted [bold]  [31m."


def test_a_reused_stage_and_work_outside_stages() -> None:
    out, clock = io.StringIO(), Clock()
    terminal = Terminal(0, Console(file=out, width=100), clock)
    terminal(StageStarted("train", 0))
    terminal(StageFinished("train", 0, 188.0, reused=True))
    clock.now = 11.0
    terminal(Progress("setup", "embedded model", 1, 3))
    terminal(Progress("setup", "embedded model", 3, 3))
    assert "bootstrap · train   was already done, in 188 s" in out.getvalue()
    assert "setup   embedded model 1/3" in out.getvalue()
    assert label("evaluate", 2, part="final") == "final · evaluate"


def test_estimates_follow_plan_and_rate() -> None:
    clock = Clock()
    estimate = Estimate(300, clock)
    estimate.start(100)
    assert estimate.stage() == 100 and estimate.run() == 300
    estimate.update(Progress("generate", "answers", 100, 200))  # on disk before: not part of the rate
    clock.now = 10.0
    estimate.update(Progress("generate", "answers", 105, 200))
    assert estimate.rate == 0.5 and estimate.stage() == 190
    estimate.update(Progress("generate", "judging", 0, 200))
    clock.now = 50.0
    estimate.update(Progress("generate", "judging", 1, 200))
    assert estimate.stage() == 50, "what the first of 200 took says little of the others: two hours would be promised"
    estimate.finish(200, reused=False)
    estimate.start(100)
    assert estimate.run() == 100 * 2 + 100, "the first stage took twice its plan, so what is to come is doubled"


def test_planned_seconds_of_a_start() -> None:
    config = Config(plan={"bootstrap/train": 100, "round/generate": 50, "round/train": 20, "final/evaluate": 30})
    assert planned_seconds(config, 2) == 270 and planned_seconds(config, 1, bootstrap=False) == 100


def test_a_terminal_that_is_gone_fails_nothing() -> None:
    tried = []

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tried.append(text)
            raise BrokenPipeError

    with watching(10, Steady(file=Gone(), width=80)):
        emit(StageStarted("generate", 1, 10))
        emit(Note("still here"))
    assert tried, "nothing was written, so nothing could fail"


def test_durations() -> None:
    assert [duration(s) for s in (-1, 42, 80, 7500)] == ["0s", "42s", "1m20s", "2h05m"]


def test_ctrl_c_leaves_the_terminal_whole() -> None:
    code = (
        "import time\nfrom selfimprove.observe.progress import *\n"
        "with watching(60):\n emit = Terminal.__call__\n"
        " from selfimprove.events import emit\n emit(StageStarted('generate', 1, 60))\n"
        " for i in range(99):\n  emit(Progress('generate', 'answers', i, 99)); time.sleep(0.1)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stderr=theirs, stdout=theirs, stdin=theirs, env=environment,
        # At a terminal Ctrl-C is heard; tests that a script started in the background have inherited that it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    os.close(theirs)
    seen, sent, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        seen += piece
        if b"answers" in seen and not sent:
            child.send_signal(signal.SIGINT)
            sent = True
        if not piece:
            break
    os.close(ours)
    assert child.wait(10) != 0 and b"answers" in seen
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l"), "the cursor is shown again"
    assert b"\x1b[2K" in seen[seen.rfind(b"answers") :], "the live line is wiped before anything else is printed"
