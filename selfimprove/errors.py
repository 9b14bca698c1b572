"""One exception for each boundary. Every message is one sentence that says what is wrong and what to do about it.

A fault of the machine is an exception; a bad sample never is: it becomes a row with a reason.
"""


class SelfImproveError(Exception):
    """Base of everything this project raises on purpose; the command line prints it as one line and exits with 2."""


class ConfigError(SelfImproveError):
    """A configuration that cannot be used: unknown key, wrong type, a combination that contradicts itself."""


class DataError(SelfImproveError):
    """An input file that cannot be used; the message names the file and, where there is one, the line."""


class StoreError(SelfImproveError):
    """The runs folder cannot be written, is locked by another process, or holds something else than it should."""


class ToolError(SelfImproveError):
    """A tool definition or a tool function that cannot be used."""


class ModelError(SelfImproveError):
    """A model that cannot be found, converted, loaded or exported."""


class EngineError(SelfImproveError):
    """A generation engine that could not start or died; the message ends with its last log lines."""


class VerifyError(SelfImproveError):
    """A verifier that cannot be trusted: it failed its own test, or its judge cannot be used."""


class TrainError(SelfImproveError):
    """A training process that could not start, died or was refused; the message names its log."""


class DivergedError(TrainError):
    """A training that was stopped because it made the model worse: a verdict on its challenger, not a fault of the machine."""


class MachineError(SelfImproveError):
    """The machine lacks something that the run needs: memory, disk, a port, a package."""
