"""The timeline of a run: what it did, step by step, read from the rows that its parts have written.

All times are the database's. A step that has begun and not ended goes on, unless the run is over: then it broke off
with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.errors import NotFoundError
from sbs_server.kit.http.explained import explain
from sbs_server.kit.i18n import Locale
from sbs_server.models import AdmissionTicket, Command, Run, RunAttempt, RunState, RunTarget
from sbs_server.runs import repository as query
from sbs_server.runs.reasons import reason
from sbs_server.runs.schemas import RunError
from sbs_server.runs.timeline_schemas import StepCode, StepOutcome, Timeline, TimelineStep
from sbs_server.runs.waiting import BETWEEN_ATTEMPTS

_ENDS = {RunState.FAILED: StepOutcome.FAILED, RunState.CANCELLED: StepOutcome.CANCELLED}
_RESULTS = {"failed": StepOutcome.FAILED, "cancelled": StepOutcome.CANCELLED}
_FORGET = "forget"
_RETENTION_TROUBLE = "retention_"


@dataclass(frozen=True, slots=True)
class Step:
    """A step before it is put into words. `error`: the row that says why it failed."""

    code: StepCode
    began: datetime
    ended: datetime | None
    outcome: StepOutcome
    attempt: int | None = None
    restic_repository_id: UUID | None = None
    error: Run | RunAttempt | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that is written of a run."""

    run: Run
    tickets: Sequence[AdmissionTicket]
    commands: Sequence[Command]
    attempts: Sequence[RunAttempt]
    targets: Sequence[RunTarget]


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt at one target: of a row that keeps it, or of the command while it goes on."""

    attempt: int
    restic_repository_id: UUID
    moments: Sequence[tuple[StepCode, datetime | None]]
    ended: datetime | None
    outcome: StepOutcome
    error: RunAttempt | None

    @property
    def began(self) -> datetime | None:
        return next((moment for _, moment in self.moments if moment is not None), None)


async def of_run(session: AsyncSession, run_id: UUID, locale: Locale) -> Timeline:
    """Raises NotFoundError."""
    run = await session.get(Run, run_id)
    if run is None:
        raise NotFoundError("request.not_found")
    targets = await query.targets(session, run_id)
    records = Records(
        run=run,
        tickets=await query.tickets(session, run_id),
        commands=await query.commands(session, run_id),
        attempts=await query.attempts(session, run_id),
        targets=[row[0] for row in targets],
    )
    names = {row[0].restic_repository_id: (row[1], row[2]) for row in targets}
    steps = [_told(step, names, locale) for step in steps_of(records)]
    return Timeline(run_id=run_id, state=run.state, steps=steps)


def steps_of(records: Records) -> list[Step]:
    """The steps in the order in which they began. Pure."""
    order = list(StepCode)
    tries = sorted(_tries(records), key=lambda one: (str(one.restic_repository_id), one.attempt))
    steps = [
        *_beginning(records),
        *(step for one in tries for step in _of_try(one)),
        *_pauses(records, tries),
        *_recording(records, tries),
        *_retention(records),
        *_end(records.run),
    ]
    return sorted(steps, key=lambda step: (step.began, order.index(step.code)))


def _beginning(records: Records) -> Iterator[Step]:
    run, tickets = records.run, _to_work(records)
    yield _step(run, StepCode.PREPARING, run.created_at, tickets[0].enqueued_at if tickets else None)
    for ticket in tickets:
        yield _admission(run, StepCode.ADMISSION, ticket)


def _to_work(records: Records) -> list[AdmissionTicket]:
    """The first one, and those after pauses in which it was given back."""
    return [one for one in records.tickets if one.purpose != _FORGET]


def _admission(run: Run, code: StepCode, ticket: AdmissionTicket) -> Step:
    if ticket.granted_at is None and ticket.released_at is not None:
        return Step(code, ticket.enqueued_at, ticket.released_at, _ENDS.get(run.state, StepOutcome.CANCELLED))
    return _step(run, code, ticket.enqueued_at, ticket.granted_at)


def _tries(records: Records) -> Iterator[_Try]:
    kept = {(one.restic_repository_id, one.attempt) for one in records.attempts}
    for one in records.attempts:
        outcome = _RESULTS.get(one.result, StepOutcome.DONE)
        yield _Try(
            one.attempt, one.restic_repository_id, _moments(one), one.finished_at, outcome, _if_failed(one)
        )
    for command in records.commands:
        if (command.restic_repository_id, command.attempt) not in kept:
            ended, outcome = _of_command(records.run, command)
            yield _Try(command.attempt, command.restic_repository_id, _moments(command), ended, outcome, None)


def _of_command(run: Run, command: Command) -> tuple[datetime | None, StepOutcome]:
    """Of a command whose attempt is not kept: it goes on, was given up on, or ended without the agent."""
    if command.finished_at is not None:
        result = (command.outcome or {}).get("result", "failed")
        return command.finished_at, _RESULTS.get(result, StepOutcome.DONE)
    if run.finished_at is not None:
        return run.finished_at, _ENDS.get(run.state, StepOutcome.FAILED)
    return None, StepOutcome.ONGOING


def _if_failed(row: RunAttempt) -> RunAttempt | None:
    return row if row.error_code is not None else None


def _moments(row: RunAttempt | Command) -> Sequence[tuple[StepCode, datetime | None]]:
    return (
        (StepCode.ORDERED, row.ordered_at),
        (StepCode.ACCEPTED, row.accepted_at),
        (StepCode.STARTED, row.started_at),
        (StepCode.TRANSFERRING, row.first_progress_at),
    )


def _of_try(one: _Try) -> Iterator[Step]:
    """Each step lasts until the next one that has begun; the last one until the end, whose outcome it has."""
    begun = [(code, moment) for code, moment in one.moments if moment is not None]
    for (code, began), (_, ended) in pairwise(begun):
        yield Step(code, began, ended, StepOutcome.DONE, one.attempt, one.restic_repository_id)
    if begun:
        code, began = begun[-1]
        yield Step(
            code, began, one.ended, one.outcome, one.attempt, one.restic_repository_id, error=one.error
        )


def _pauses(records: Records, tries: Sequence[_Try]) -> Iterator[Step]:
    by_target: dict[UUID, list[_Try]] = {}
    for one in tries:
        by_target.setdefault(one.restic_repository_id, []).append(one)
    for target, ones in by_target.items():
        for before, after in pairwise(ones):
            if before.ended is not None and after.began is not None:
                ended = _asked_again(records, before.ended, after.began) or after.began
                yield Step(StepCode.RETRY_PAUSE, before.ended, ended, StepOutcome.DONE, after.attempt, target)
    run, last = records.run, max(tries, key=lambda one: one.attempt, default=None)
    waits = run.waiting_for in BETWEEN_ATTEMPTS and not run.state.is_final
    if waits and last is not None and last.ended is not None:
        asked = _asked_again(records, last.ended, None)
        yield Step(
            StepCode.RETRY_PAUSE,
            last.ended,
            asked,
            StepOutcome.ONGOING if asked is None else StepOutcome.DONE,
            last.attempt + 1,
            last.restic_repository_id,
        )


def _asked_again(records: Records, since: datetime, until: datetime | None) -> datetime | None:
    """When, after a pause without a ticket, the next one was asked for: that is what the run waits for then."""
    moments = (one.enqueued_at for one in _to_work(records) if one.enqueued_at > since)
    return next((moment for moment in moments if until is None or moment < until), None)


def _recording(records: Records, tries: Sequence[_Try]) -> Iterator[Step]:
    ends = [one.ended for one in tries]
    recorded = [one.recorded_at for one in records.targets if one.recorded_at is not None]
    if not tries or None in ends or records.run.waiting_for in BETWEEN_ATTEMPTS:
        return
    began = max(end for end in ends if end is not None)
    if recorded:
        yield Step(StepCode.RECORDING, began, max(began, *recorded), StepOutcome.DONE)
    elif not records.run.state.is_final:
        yield Step(StepCode.RECORDING, began, None, StepOutcome.ONGOING)


def _retention(records: Records) -> Iterator[Step]:
    run = records.run
    for ticket in records.tickets:
        if ticket.purpose != _FORGET:
            continue
        yield _admission(run, StepCode.RETENTION_ADMISSION, ticket)
        if ticket.granted_at is not None:
            failed = (run.error_code or "").startswith(_RETENTION_TROUBLE)
            step = _step(run, StepCode.RETENTION, ticket.granted_at, ticket.released_at)
            outcome = StepOutcome.FAILED if failed else step.outcome
            yield Step(StepCode.RETENTION, step.began, step.ended, outcome, error=run if failed else None)


def _end(run: Run) -> Iterator[Step]:
    if run.finished_at is not None:
        outcome = _ENDS.get(run.state, StepOutcome.DONE)
        error = run if run.error_code is not None and outcome is StepOutcome.FAILED else None
        yield Step(StepCode.FINISHED, run.finished_at, run.finished_at, outcome, error=error)


def _step(run: Run, code: StepCode, began: datetime, ended: datetime | None) -> Step:
    """A step of the run itself: it has ended, breaks off with the run, or goes on."""
    if ended is not None:
        return Step(code, began, ended, StepOutcome.DONE)
    if run.finished_at is not None:
        return Step(code, began, run.finished_at, _ENDS.get(run.state, StepOutcome.DONE))
    return Step(code, began, None, StepOutcome.ONGOING)


def _told(step: Step, names: dict[UUID, tuple[UUID, str]], locale: Locale) -> TimelineStep:
    error: RunError | None = None if step.error is None else reason(step.error, locale)
    target = step.restic_repository_id
    place = None if target is None else names.get(target)
    seconds = None if step.ended is None else max(0.0, (step.ended - step.began).total_seconds())
    return TimelineStep(
        code=step.code,
        label=explain(locale, f"timeline.{step.code.value}"),
        outcome=step.outcome,
        started_at=step.began,
        finished_at=step.ended,
        duration_s=seconds,
        attempt=step.attempt,
        restic_repository_id=target,
        repository_id=None if place is None else place[0],
        repository_name=None if place is None else place[1],
        error=error,
    )
