"""The head of the trainer's process group: runs the launcher and ends the whole group when its standard input closes.

    python -m selfimprove.train.watch python -m deepspeed.launcher.runner ...

The DeepSpeed launcher does not notice that whoever started it is gone: after a kill -9 of the parent it trains on.
Nothing heavy is loaded here.
"""

from __future__ import annotations

import subprocess
import sys

from selfimprove.child import end_with_parent


def main() -> int:
    end_with_parent()
    # Standard input is handed on: the ranks watch it too, should this process be the first to be killed.
    code = subprocess.run(sys.argv[1:], check=False).returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
