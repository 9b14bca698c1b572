"""Hypothesis here: no deadline (machines are shared), no database of failures, the same examples every time."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("selfimprove", deadline=None, database=None, derandomize=True, max_examples=60)
settings.load_profile("selfimprove")
