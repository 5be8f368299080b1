"""What the restore workflow and its activities say to each other."""

from dataclasses import dataclass

from sbs_server.agents.order_types import CommandOutcome, Order


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """`order` is None when the restore can't begin; the problem says why."""

    order: Order | None = None
    problem_code: str | None = None
    problem_message: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    organization_id: str
    run_id: str
    restic_repository_id: str
    outcome: CommandOutcome
