"""Backup runs: starting them, the workflow, and what it leaves behind."""
