"""Processes that an earlier supervisor left behind, found by the files it wrote about them."""

from __future__ import annotations

import time

from sbs_server.embedded.errors import AlreadyRunningError
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.process import ProcessIdentity, stop_processes

SUPERVISOR = "supervisor"
_STATE = "state"
# Longer than the slowest component takes to stop.
_GUARD_S = 90.0
_POLL_S = 0.1


def live_supervisor(directory: DataDirectory) -> ProcessIdentity | None:
    """The supervisor that runs on the directory now, if one does."""
    identity = ProcessIdentity.load(directory.run / f"{SUPERVISOR}.json")
    return identity if identity is not None and identity.process() is not None else None


def own(directory: DataDirectory) -> int:
    """Become the owner of the directory; returns the lock's descriptor, to keep open.

    While the guard of a killed supervisor is still stopping what that one left, this waits (blocking).
    Errors: AlreadyRunningError, DataDirectoryError.
    """
    deadline = time.monotonic() + _GUARD_S
    while True:
        try:
            return directory.lock()
        except AlreadyRunningError:
            if live_supervisor(directory) is not None or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def left_behind(directory: DataDirectory) -> dict[str, ProcessIdentity]:
    """Component name -> process, for every run file whose pid, start time and executable still fit."""
    found = {}
    for path in sorted(directory.run.glob("*.json")):
        if path.stem in {SUPERVISOR, _STATE}:
            continue
        identity = ProcessIdentity.load(path)
        if identity is not None and identity.process() is not None:
            found[path.stem] = identity
    return found


def reap(directory: DataDirectory) -> list[str]:
    """Stop what was left behind and remove the run files; returns the names of what was still alive.

    Only the owner of the data directory's lock may call this. Errors: PermissionError.
    """
    orphans = left_behind(directory)
    stop_processes(list(orphans.values()))
    for path in directory.run.glob("*.json"):
        if path.stem not in {SUPERVISOR, _STATE}:
            path.unlink(missing_ok=True)
    return sorted(orphans)
