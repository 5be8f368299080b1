"""What can go wrong on one machine; every message says what, where, and what would be right.

The tree:

    EmbeddedError
    ├── AlreadyRunningError     another supervisor has the data directory
    ├── AccountError            the system account can't be made, or can't reach what it needs
    ├── DataDirectoryError      the data directory can't be used
    ├── BinaryMissingError      a server binary is not installed
    ├── PortTakenError          a port is in use by something else
    ├── UnknownComponentError   a name that is not in the table of components
    └── StartFailedError        a component did not become ready
"""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(Exception):
    """Base of everything the single-machine mode raises; `str()` is fit for a terminal."""


class AlreadyRunningError(EmbeddedError):
    """Another supervisor holds the lock of the data directory."""


class AccountError(EmbeddedError):
    """The unprivileged system account is missing, or can't reach a path it needs."""


class DataDirectoryError(EmbeddedError):
    """The data directory, or something in it, can't be used."""


class BinaryMissingError(EmbeddedError):
    """A server binary is not installed."""


class PortTakenError(EmbeddedError):
    """A port is in use."""


class UnknownComponentError(EmbeddedError):
    """A component's name is not in the table."""


class StartFailedError(EmbeddedError):
    """A component did not become ready; `log` is where its last words are."""

    def __init__(self, component: str, reason: str, log: Path | None) -> None:
        super().__init__(f"{component}: {reason}")
        self.component = component
        self.reason = reason
        self.log = log
