"""Ours and what a user would pick instead, side by side on the same weights: `python -m engine.bench`."""
