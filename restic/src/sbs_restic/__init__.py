"""sbs-restic."""
