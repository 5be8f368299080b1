"""The superuser's connection."""

from sbs_server.testing.superuser import superuser

__all__ = ["superuser"]
