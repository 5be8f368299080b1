"""Measured scenarios; each writes its numbers to `results/`."""
