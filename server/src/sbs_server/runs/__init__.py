"""Runs: what was started, how far it is, what became of it."""
