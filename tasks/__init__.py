"""One Prefect task a stage: the thin wrapper that gives it a name, a state and a place in the flow run's graph.

Tasks take and return small references, never data, and use no Prefect cache: a stage's own manifest says what is done.
"""

from typing import Any

from prefect.cache_policies import NO_CACHE

OPTIONS: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "retries": 0}
