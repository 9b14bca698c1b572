"""Generation: requests in, completions out, by a model that lives in worker children.

    with open_engine(config.engine, model_dir, log_dir) as engine:
        for completion in engine.complete(requests): ...

    complete_to_file(lambda: open_engine(...), requests, path, stage="generate", what="answers")   # resumable
"""

from selfimprove.engine.open import open_engine
from selfimprove.engine.protocol import Engine
from selfimprove.engine.stream import complete_to_file

__all__ = ["Engine", "complete_to_file", "open_engine"]
