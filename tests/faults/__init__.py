"""Processes killed in the middle of a backup: the run goes on, and nothing is lost or doubled."""
