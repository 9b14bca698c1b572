"""The typed description of a run.

    config = load(["configs/base.yaml", "configs/demo.yaml"], ["train.batch=4"])
    config.value.train.batch, config.origin["train.batch"]
"""

from selfimprove.config.load import Loaded, load, render, settings
from selfimprove.config.model import Config

__all__ = ["Config", "Loaded", "load", "render", "settings"]
