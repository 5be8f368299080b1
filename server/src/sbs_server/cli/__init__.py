"""The administrator's command line: a client of the public API and nothing else."""
