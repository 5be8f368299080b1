"""Which connections each agent has now, as far as this process has heard."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Connection:
    """A client connection: the NATS server's id, and the client's number there (never used again)."""

    server_id: str
    client_id: int


class LiveConnections:
    """Fed by the callout, by the server's connect and disconnect events, and corrected by each sweep."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of_agent: dict[UUID, dict[Connection, float]] = {}
        self._ended: dict[Connection, float] = {}

    def now(self) -> float:
        """For `replace`."""
        return self._clock()

    def add(self, agent_id: UUID, connection: Connection) -> None:
        self._of_agent.setdefault(agent_id, {})[connection] = self._clock()

    def remove(self, agent_id: UUID, connection: Connection) -> bool:
        """Whether the agent has no other connection left."""
        self._ended[connection] = self._clock()
        left = self._of_agent.get(agent_id, {})
        left.pop(connection, None)
        if not left:
            self._of_agent.pop(agent_id, None)
        return not left

    def of(self, agent_id: UUID) -> frozenset[Connection]:
        return frozenset(self._of_agent.get(agent_id, ()))

    def replace(self, found: Iterable[tuple[UUID, Connection]], asked_at: float) -> None:
        """What the servers themselves said, all of it, when asked at `asked_at`.

        The answers take a moment to come, so what was heard since then is newer than they are.
        """
        since = [
            (agent_id, connection)
            for agent_id, connections in self._of_agent.items()
            for connection, added_at in connections.items()
            if added_at >= asked_at
        ]
        self._ended = {connection: at for connection, at in self._ended.items() if at >= asked_at}
        self._of_agent = {}
        for agent_id, connection in (*found, *since):
            if connection not in self._ended:
                self.add(agent_id, connection)
