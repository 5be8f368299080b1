"""Snapshots: points in time, and what is in them."""
