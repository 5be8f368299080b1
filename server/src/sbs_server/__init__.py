"""sbs-server."""
