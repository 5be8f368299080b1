"""Stand-ins for activities, under their registered names, to test the flow of workflows with time skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from sbs_server.admission.types import TicketRef, TicketRequest
from sbs_server.agents.order_types import Abandonment, CommandOutcome, Order, Retry
from sbs_server.backups.types import BackupOutcomes, BackupPlan, ForgetRequest
from sbs_server.kit.workflows import RunRef
from sbs_server.restores.types import RestoreOutcome, RestorePlan
from sbs_server.runs.types import Finish, RunEnd

ORGANIZATION, RUN, AGENT, TARGET = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)


def order_for(target: str = TARGET) -> Order:
    return Order(ORGANIZATION, RUN, AGENT, target, f"{RUN}.backup.{target}", {"kind": "backup.run"})


def succeeded() -> CommandOutcome:
    return CommandOutcome(result="succeeded", backup={"snapshot_id": "e" * 64})


@dataclass
class Platform:
    """Answers the activities' calls and writes them down, in order."""

    plan: BackupPlan = field(default_factory=lambda: BackupPlan([order_for()], keep_last=3))
    restore_plan: RestorePlan = field(default_factory=lambda: RestorePlan(order_for()))
    answers: list[CommandOutcome | ApplicationError] = field(default_factory=lambda: [succeeded()])
    answers_of: dict[str, list[CommandOutcome | ApplicationError]] = field(default_factory=dict)
    """Of single targets, instead of `answers`."""
    end: RunEnd = field(default_factory=lambda: RunEnd("succeeded", True))
    admit_at_once: bool = True
    calls: list[str] = field(default_factory=list)
    finished: RunEnd | None = None
    attempts: list[int] = field(default_factory=list)
    retries: list[Retry] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Steps that fail for good, as a mistake of ours would have them do."""
    outcomes: BackupOutcomes | None = None
    hold_forget: asyncio.Event | None = None
    """What asks for the ticket to forget is answered when this is set."""

    def activities(self) -> list[Callable[..., Any]]:
        return [*self._admission(), *self._orders(), *self._steps()]

    def _admission(self) -> list[Callable[..., Any]]:
        @activity.defn(name="admission.request")
        async def request(asked: TicketRequest) -> bool:
            self.calls.append(f"request {asked.purpose}{' alone' if asked.exclusive else ''}")
            if asked.exclusive and self.hold_forget is not None:
                await self.hold_forget.wait()
            return self.admit_at_once

        @activity.defn(name="admission.release")
        async def release(ref: TicketRef) -> None:
            self.calls.append(f"release {ref.purpose}")

        return [request, release]

    def _orders(self) -> list[Callable[..., Any]]:
        @activity.defn(name="agents.order")
        async def order(given: Order) -> CommandOutcome:
            self.calls.append("order")
            self.attempts.append(given.attempt)
            answers = self.answers_of.get(given.restic_repository_id, self.answers)
            answer = answers[min(given.attempt, len(answers)) - 1]
            if isinstance(answer, ApplicationError):
                raise answer
            return answer

        @activity.defn(name="agents.cancel")
        async def cancel(_: Order) -> None:
            self.calls.append("cancel")

        @activity.defn(name="agents.note_retry")
        async def note_retry(given: Retry) -> None:
            self.calls.append("note retry")
            self.retries.append(given)

        @activity.defn(name="agents.abandon")
        async def abandon(given: Abandonment) -> None:
            self.calls.append(f"abandon {given.trouble.code}")

        return [order, cancel, note_retry, abandon]

    def _steps(self) -> list[Callable[..., Any]]:
        @activity.defn(name="backups.prepare")
        async def prepare(_: RunRef) -> BackupPlan:
            self._call("prepare")
            return self.plan

        @activity.defn(name="backups.record")
        async def record(given: BackupOutcomes) -> RunEnd:
            self._call("record")
            self.outcomes = given
            return self.end

        @activity.defn(name="retention.forget")
        async def forget(_: ForgetRequest) -> int:
            self._call("forget")
            return 0

        @activity.defn(name="backups.finish")
        async def finish(given: Finish) -> None:
            self.calls.append("finish")
            self.finished = given.end

        @activity.defn(name="restores.prepare")
        async def prepare_restore(_: RunRef) -> RestorePlan:
            self._call("prepare restore")
            return self.restore_plan

        @activity.defn(name="restores.record")
        async def record_restore(_: RestoreOutcome) -> RunEnd:
            self.calls.append("record restore")
            return self.end

        return [prepare, record, forget, finish, prepare_restore, record_restore]

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.broken:
            raise ApplicationError("internal error (KeyError)", type="internal", non_retryable=True)
