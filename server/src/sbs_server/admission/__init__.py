"""Admission: who may work on which restic repository, and when."""
