"""Retention: which snapshots are kept, and forgetting the others."""
