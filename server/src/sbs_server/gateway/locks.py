"""Which agent made which lock.

restic locks a repository by adding a small file and removing it at the end. An agent may remove its own locks and
nobody else's, so their maker is kept durably: the row is written before the lock becomes visible and removed after
the lock is gone. A crash between leaves at worst a row without a lock, which the sweep takes away.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from sbs_server.gateway.errors import GatewayError
from sbs_server.gateway.layout import Kind, StorageRoots
from sbs_server.gateway.state import GatewayState


class LockRegistry:
    """Blocking; call it from worker threads."""

    def __init__(self, state: GatewayState, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def record(self, restic_repository_id: UUID, name: str, agent_id: UUID, root: Path) -> None:
        """Make `agent_id` the maker of a lock that is about to appear.

        The first maker stays: whoever sends another agent's lock a second time must not come to own it.
        """
        row = (restic_repository_id.hex, name, agent_id.hex, str(root), self._clock())
        with self._state.transaction() as database:
            database.execute("INSERT OR IGNORE INTO agent_lock VALUES (?, ?, ?, ?, ?)", row)

    def maker(self, restic_repository_id: UUID, name: str) -> UUID | None:
        """The agent that made the lock; None if no agent did (the control plane's own, for example)."""
        with self._state.transaction() as database:
            row = database.execute(
                "SELECT agent FROM agent_lock WHERE restic_repository = ? AND name = ?",
                (restic_repository_id.hex, name),
            ).fetchone()
        return UUID(hex=row[0]) if row else None

    def drop(self, restic_repository_id: UUID, name: str) -> None:
        """The lock is gone; without effect if there is no row."""
        with self._state.transaction() as database:
            database.execute(
                "DELETE FROM agent_lock WHERE restic_repository = ? AND name = ?",
                (restic_repository_id.hex, name),
            )

    def sweep(self, roots: StorageRoots, *, older_than_s: float) -> int:
        """Drop the rows of locks that vanished otherwise (the control plane's unlock); returns how many.

        `older_than_s` leaves rows alone whose lock may just be about to appear. Rows of repositories that can't be
        reached now stay: their storage may only be away for a while.
        """
        with self._state.transaction() as database:
            rows = database.execute(
                "SELECT restic_repository, name, root FROM agent_lock WHERE made_at <= ?",
                (self._clock() - older_than_s,),
            ).fetchall()
        vanished = [
            (repository, name) for repository, name, root in rows if _is_gone(roots, Path(root), name)
        ]
        for repository, name in vanished:
            self.drop(UUID(hex=repository), name)
        return len(vanished)


def _is_gone(roots: StorageRoots, root: Path, name: str) -> bool:
    try:
        with roots.open(root) as repository:
            repository.config_mode()
            return not repository.holds(Kind.LOCKS, name)
    except (GatewayError, OSError):
        return False
