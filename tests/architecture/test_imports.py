"""The shape that keeps the project workable: imports point down, and looking at it loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "vllm", "deepspeed", "prefect", "mlflow", "datasets", "peft")
STAGES = (
    "selfimprove.config", "selfimprove.generate", "selfimprove.verify", "selfimprove.select", "selfimprove.evaluate",
    "selfimprove.train", "selfimprove.engine", "selfimprove.models", "selfimprove.observe.summary", "selfimprove.doctor",
)  # fmt: skip
REPORT = "import json, sys; print(json.dumps([n for n in sys.argv[1:] if n in sys.modules]))"


def loaded(code: str) -> list[str]:
    """Heavy packages that are loaded after some code ran in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}", *HEAVY], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_imports_point_down_only() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    assert tool.exists(), "import-linter is not installed beside this Python; run `make setup`"
    done = subprocess.run([str(tool), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded("import selfimprove") == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; names = sys.argv[1:]; sys.argv[1:] = ['--help']\n"
        "from flows.cli import main\ntry: main()\nexcept SystemExit: pass\nsys.argv[1:] = names"
    )
    assert loaded(code) == []


def test_the_stages_in_the_parent_process_load_nothing_heavy() -> None:
    """One model library in the parent would cost each run its memory and seconds."""
    assert loaded("".join(f"import {module}\n" for module in STAGES)) == []


def test_a_configuration_can_be_shown_without_loading_anything_heavy() -> None:
    code = (
        "import sys; names = sys.argv[1:]; sys.argv[1:] = ['config', 'show', 'configs/demo.yaml']\n"
        "from flows.cli import main\ntry: main()\nexcept SystemExit: pass\nsys.argv[1:] = names"
    )
    assert loaded(code) == []
