"""Prefect flows. Start with `round.py`: it is the algorithm."""
