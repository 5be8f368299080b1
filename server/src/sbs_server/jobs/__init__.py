"""Jobs: what to back up, where to, and when."""
