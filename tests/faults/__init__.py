"""Processes killed, networks cut: the run goes on, and nothing is lost or doubled."""
