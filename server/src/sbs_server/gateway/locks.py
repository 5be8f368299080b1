"""Which agent made which lock.

restic locks a repository by adding a small file and removing it at the end. An agent may remove its own locks and
nobody else's, so their maker is kept durably: the row is written before the lock becomes visible and removed after
the lock is gone. A crash between leaves at worst a row without a lock, which the sweep takes away.

An agent that restores from another one's repository is a guest there. What locks it leaves are removed when it may
not come in any more: nobody else would, and the owner's repository must not fill up with them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sbs_server.gateway.authorize import AgentIdentity
from sbs_server.gateway.errors import GatewayError, RefusedError
from sbs_server.gateway.layout import Kind, StorageRoots
from sbs_server.gateway.state import GatewayState

# restic refreshes a lock every five minutes, by a new one, and takes one for dead after half an hour.
_LIVE_S = 1800.0
# Of one agent in one repository. restic has one for each command, and two while it refreshes.
_MOST_LIVE = 16


@dataclass(frozen=True, slots=True)
class GuestLock:
    """A lock in a repository that was another agent's, and the identity whose grant it was made under."""

    restic_repository_id: UUID
    name: str
    root: Path
    guest: AgentIdentity


class LockRegistry:
    """Blocking; call it from worker threads."""

    def __init__(self, state: GatewayState, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def record(
        self,
        restic_repository_id: UUID,
        name: str,
        agent_id: UUID,
        root: Path,
        guest: AgentIdentity | None = None,
    ) -> None:
        """Make `agent_id` the maker of a lock that is about to appear. `guest`: who it is, if only to restore.

        The first maker stays: whoever sends another agent's lock a second time must not come to own it.

        Raises: RefusedError, when the agent has too many live locks there.
        """
        key, now = (restic_repository_id.hex, name), self._clock()
        with self._state.transaction() as database:
            (live,) = database.execute(
                "SELECT count(*) FROM agent_lock WHERE restic_repository = ? AND name <> ? AND agent = ?"
                " AND made_at > ?",
                (*key, agent_id.hex, now - _LIVE_S),
            ).fetchone()
            if live >= _MOST_LIVE:
                raise RefusedError(f"this agent has {live} locks in this repository: as many as it may have")
            row = (*key, agent_id.hex, str(root), now)
            is_new = database.execute("INSERT OR IGNORE INTO agent_lock VALUES (?, ?, ?, ?, ?)", row).rowcount
            if guest is not None and is_new:
                identity = (guest.organization_id.hex, guest.serial, guest.not_after.timestamp())
                database.execute(
                    "INSERT OR REPLACE INTO guest_lock VALUES (?, ?, ?, ?, ?)", (*key, *identity)
                )

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
        key = (restic_repository_id.hex, name)
        with self._state.transaction() as database:
            database.execute("DELETE FROM agent_lock WHERE restic_repository = ? AND name = ?", key)
            database.execute("DELETE FROM guest_lock WHERE restic_repository = ? AND name = ?", key)

    def of_guests(self, *, older_than_s: float) -> list[GuestLock]:
        """The locks whose makers have to be asked about: may they still come in? None that is only being made."""
        with self._state.transaction() as database:
            rows = database.execute(
                "SELECT g.restic_repository, g.name, a.root, g.organization, a.agent, g.serial, g.not_after"
                " FROM guest_lock g JOIN agent_lock a USING (restic_repository, name) WHERE a.made_at <= ?",
                (self._clock() - older_than_s,),
            ).fetchall()
        return [
            GuestLock(
                UUID(hex=repository),
                name,
                Path(root),
                AgentIdentity(
                    UUID(hex=organization), UUID(hex=agent), serial, datetime.fromtimestamp(not_after, UTC)
                ),
            )
            for repository, name, root, organization, agent, serial, not_after in rows
        ]

    def remove(self, roots: StorageRoots, lock: GuestLock) -> None:
        """Takes it out of the repository. Raises: GatewayError, OSError, if that can't be reached now."""
        with roots.open(lock.root) as repository:
            repository.config_mode()
            if repository.holds(Kind.LOCKS, lock.name):
                with (
                    repository.folder(Kind.LOCKS, lock.name) as folder,
                    contextlib.suppress(FileNotFoundError),
                ):
                    os.unlink(lock.name, dir_fd=folder)
        self.drop(lock.restic_repository_id, lock.name)

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
