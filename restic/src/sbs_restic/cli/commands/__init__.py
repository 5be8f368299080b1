"""restic's commands, one module each: `build_args` says what would be called, `run` calls it."""
