"""The fixtures of a real repository."""

from sbs_server.testing.archive import archive, person, tenant

__all__ = ["archive", "person", "tenant"]
