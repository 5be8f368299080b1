"""What workflows and activities say to each other about admission."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """One ticket of a run. `exclusive`: nobody else may work on these restic repositories meanwhile."""

    organization_id: str
    run_id: str
    purpose: str  # backup, restore, forget; backup.2 where one was given back in between
    restic_repository_ids: list[str]
    exclusive: bool


@dataclass(frozen=True, slots=True)
class TicketRef:
    organization_id: str
    run_id: str
    purpose: str
