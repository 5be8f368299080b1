"""Places for backups and the restic repositories in them."""
