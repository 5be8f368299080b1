"""Faults in the middle of backups and restores: the run goes on, and nothing is lost or doubled."""
