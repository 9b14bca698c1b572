"""Environment of Prefect for a command of ours: set before `import prefect`, and only where the user has not set it.

With PREFECT_API_URL set the runs go to that server. Without it Prefect starts its ephemeral server, whose data is kept in
the runs folder, so that `prefect server start` with the same home shows them later.
"""

from __future__ import annotations

import os
from pathlib import Path


def prefect_environment(folder: Path) -> dict[str, str]:
    """Settings for a runs folder."""
    home = folder / "prefect"
    return {
        "PREFECT_HOME": str(home),
        # 17 to 25 s on two busy cores; the default limit of 20 s would fail the flow.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        # What a flow logs goes to the server; on the terminal our own one sentence stands for Prefect's traceback.
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_CLI_COLORS": "false",
        "DO_NOT_TRACK": "1",
    }


def prepare_prefect(folder: Path) -> None:
    """Call before anything imports prefect. A home whose folder exists keeps blocks from being registered at every start."""
    for name, value in prefect_environment(folder).items():
        os.environ.setdefault(name, value)
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
