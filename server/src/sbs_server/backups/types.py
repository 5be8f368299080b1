"""What the backup workflow and its activities say to each other."""

from dataclasses import dataclass, field

from sbs_server.agents.order_types import CommandOutcome, Order


@dataclass(frozen=True, slots=True)
class TargetOutcome:
    restic_repository_id: str
    outcome: CommandOutcome


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What is to be done, settled before the first wait.

    `refused`: targets that can't be used now, beside others that can. `problem`: the run can't even begin.
    """

    orders: list[Order] = field(default_factory=list)
    refused: list[TargetOutcome] = field(default_factory=list)
    keep_last: int | None = None
    problem_code: str | None = None
    problem_message: str | None = None

    @property
    def restic_repository_ids(self) -> list[str]:
        return [order.restic_repository_id for order in self.orders]


@dataclass(frozen=True, slots=True)
class BackupOutcomes:
    organization_id: str
    run_id: str
    targets: list[TargetOutcome]


# Of the ticket under which retention works; the step itself asks whether it is still granted.
FORGET_PURPOSE = "forget"


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    organization_id: str
    run_id: str
    restic_repository_ids: list[str]
    keep_last: int
