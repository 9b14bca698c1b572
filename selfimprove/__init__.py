"""selfimprove: a self-improving training loop for tool-calling language models.

Importing this package loads nothing heavy: torch, vllm and deepspeed live in child processes, prefect in `flows` and
`tasks`, mlflow in `selfimprove.observe.mlflow`.
"""

__version__ = "0.1.0"
