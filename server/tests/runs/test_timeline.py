"""The timeline of a run: its steps from what is written of it, in every state that a run may be in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update

from sbs_server.kit.ids import new_id
from sbs_server.models import (
    AdmissionTicket,
    Command,
    CommandState,
    Run,
    RunAttempt,
    RunKind,
    RunState,
    RunTarget,
    TicketState,
)
from sbs_server.runs.timeline import Records, Step, steps_of
from sbs_server.runs.timeline_schemas import StepCode, StepOutcome
from sbs_server.runs.waiting import BETWEEN_ATTEMPTS
from sbs_server.testing.api import Api
from sbs_server.testing.database import Tenant, make_tenant

START = datetime(2026, 3, 1, tzinfo=UTC)
HERE, THERE = new_id(), new_id()


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def run(state: RunState = RunState.RUNNING, **values: Any) -> Run:
    return Run(id=new_id(), kind=RunKind.BACKUP, state=state, created_at=START, **values)


def ticket(purpose: str, asked: float, granted: float | None, released: float | None) -> AdmissionTicket:
    return AdmissionTicket(
        purpose=purpose,
        enqueued_at=at(asked),
        granted_at=None if granted is None else at(granted),
        released_at=None if released is None else at(released),
    )


def attempt(number: int, *moments: float, result: str = "succeeded", where: UUID = HERE) -> RunAttempt:
    """`moments`: ordered, accepted, started, first progress, finished."""
    ordered, accepted, started, progress, finished = [at(moment) for moment in moments]
    return RunAttempt(
        restic_repository_id=where,
        attempt=number,
        result=result,
        error_code="repository_unreachable" if result == "failed" else None,
        ordered_at=ordered,
        accepted_at=accepted,
        started_at=started,
        first_progress_at=progress,
        finished_at=finished,
    )


def records(of: Run, **parts: Any) -> Records:
    return Records(of, **{"tickets": [], "commands": [], "attempts": [], "targets": [], **parts})


def told(steps: list[Step]) -> list[tuple[str, float, float | None, str]]:
    """Code, begin and end in seconds, outcome."""
    return [
        (
            step.code.value,
            (step.began - START).total_seconds(),
            None if step.ended is None else (step.ended - START).total_seconds(),
            step.outcome.value,
        )
        for step in steps
    ]


def test_run_that_went_well_has_every_step() -> None:
    done = run(RunState.SUCCEEDED, finished_at=at(30))
    steps = steps_of(
        records(
            done,
            tickets=[ticket("backup", 1, 3, 21), ticket("forget", 21, 22, 29)],
            attempts=[attempt(1, 4, 5, 6, 8, 18)],
            targets=[RunTarget(restic_repository_id=HERE, recorded_at=at(20))],
        )
    )
    assert told(steps) == [
        ("preparing", 0, 1, "done"),
        ("admission", 1, 3, "done"),
        ("ordered", 4, 5, "done"),
        ("accepted", 5, 6, "done"),
        ("started", 6, 8, "done"),
        ("transferring", 8, 18, "done"),
        ("recording", 18, 20, "done"),
        ("retention_admission", 21, 22, "done"),
        ("retention", 22, 29, "done"),
        ("finished", 30, 30, "done"),
    ]


def test_run_that_gave_its_ticket_back_waits_for_its_turn_again() -> None:
    paused = records(
        run(state=RunState.WAITING, waiting_for="repository_full"),
        tickets=[ticket("backup", 1, 2, 8)],
        attempts=[attempt(1, 3, 4, 5, 6, 7, result="failed")],
    )
    assert told(steps_of(paused))[-1] == ("retry_pause", 7, None, "ongoing")
    paused.tickets.append(ticket("backup.2", 37, None, None))  # type: ignore[attr-defined]  # it is a list
    assert told(steps_of(paused))[-2:] == [
        ("retry_pause", 7, 37, "done"),
        ("admission", 37, None, "ongoing"),
    ]
    going_on = records(
        run(),
        tickets=[ticket("backup", 1, 2, 8), ticket("backup.2", 37, 40, None)],
        attempts=[
            attempt(1, 3, 4, 5, 6, 7, result="failed"),
            attempt(2, 41, 42, 43, 44, 50),
        ],
    )
    told_now = told(steps_of(going_on))
    assert told_now[:2] == [("preparing", 0, 1, "done"), ("admission", 1, 2, "done")]
    at_pause = told_now.index(("retry_pause", 7, 37, "done"))
    assert told_now[at_pause + 1 : at_pause + 3] == [
        ("admission", 37, 40, "done"),
        ("ordered", 41, 42, "done"),
    ]


def test_failed_attempt_says_why_and_is_followed_by_a_pause() -> None:
    steps = steps_of(
        records(
            run(),
            tickets=[ticket("backup", 1, 2, None)],
            attempts=[attempt(1, 3, 4, 5, 6, 7, result="failed")],
            commands=[command(attempt=2, ordered_at=at(12))],
        )
    )
    failed = next(step for step in steps if step.outcome is StepOutcome.FAILED)
    assert (failed.code, failed.attempt, failed.restic_repository_id) == (StepCode.TRANSFERRING, 1, HERE)
    assert isinstance(failed.error, RunAttempt)
    assert told(steps)[-2:] == [("retry_pause", 7, 12, "done"), ("ordered", 12, None, "ongoing")]


def command(**values: Any) -> Command:
    return Command(
        **{
            "restic_repository_id": HERE,
            "attempt": 1,
            "state": CommandState.OPEN,
            "ordered_at": at(3),
            **values,
        }
    )


@pytest.mark.parametrize("reason", BETWEEN_ATTEMPTS)
def test_pause_that_goes_on_is_told(reason: str) -> None:
    steps = steps_of(
        records(
            run(RunState.WAITING, waiting_for=reason),
            tickets=[ticket("backup", 1, 2, None)],
            attempts=[attempt(1, 3, 4, 5, 6, 7, result="failed")],
            commands=[command(finished_at=at(7), outcome={"result": "failed"})],
        )
    )
    assert told(steps)[-1] == ("retry_pause", 7, None, "ongoing")
    assert steps[-1].attempt == 2


def test_what_goes_on_has_no_end() -> None:
    assert told(steps_of(records(run(RunState.WAITING)))) == [("preparing", 0, None, "ongoing")]
    waits = records(run(RunState.WAITING), tickets=[ticket("backup", 1, None, None)])
    assert told(steps_of(waits))[-1] == ("admission", 1, None, "ongoing")
    for moments, last in (
        ({}, "ordered"),
        ({"accepted_at": at(4)}, "accepted"),
        ({"accepted_at": at(4), "started_at": at(5)}, "started"),
        ({"accepted_at": at(4), "started_at": at(5), "first_progress_at": at(6)}, "transferring"),
    ):
        going = records(run(), tickets=[ticket("backup", 1, 2, None)], commands=[command(**moments)])
        code, _, ended, outcome = told(steps_of(going))[-1]
        assert (code, ended, outcome) == (last, None, "ongoing")


def test_targets_go_on_side_by_side_and_recording_waits_for_all() -> None:
    ended = attempt(1, 3, 4, 5, 6, 7)
    parts = {"tickets": [ticket("backup", 1, 2, None)], "attempts": [ended]}
    both = records(run(), **parts, commands=[command(restic_repository_id=THERE, accepted_at=at(4))])
    assert StepCode.RECORDING not in {step.code for step in steps_of(both)}
    assert {step.restic_repository_id for step in steps_of(both)} == {None, HERE, THERE}
    assert told(steps_of(records(run(), **parts)))[-1] == ("recording", 7, None, "ongoing")


def test_run_that_broke_off_leaves_nothing_going_on() -> None:
    lost = run(RunState.FAILED, finished_at=at(9), error_code="workflow_lost")
    for parts in (
        {},
        {"tickets": [ticket("backup", 1, None, 9)]},
        {"tickets": [ticket("backup", 1, None, None)]},
        {"tickets": [ticket("backup", 1, 2, 9)], "commands": [command(state=CommandState.ABANDONED)]},
    ):
        steps = steps_of(records(lost, **parts))
        assert all(step.ended is not None for step in steps)
        assert steps[-1].code is StepCode.FINISHED
        assert steps[-1].error is lost
        assert {step.outcome for step in steps[-2:]} == {StepOutcome.FAILED}


def test_cancelled_run_is_told_as_cancelled() -> None:
    gone = run(RunState.CANCELLED, finished_at=at(9))
    steps = steps_of(
        records(
            gone,
            tickets=[ticket("backup", 1, 2, 8)],
            commands=[command(finished_at=at(7), outcome={"result": "cancelled"})],
        )
    )
    assert [(step.code.value, step.outcome.value) for step in steps[-2:]] == [
        ("ordered", "cancelled"),
        ("finished", "cancelled"),
    ]


def test_retention_that_failed_is_told_there() -> None:
    done = run(RunState.COMPLETED_WITH_WARNINGS, finished_at=at(30), error_code="retention_failed")
    steps = steps_of(records(done, tickets=[ticket("backup", 1, 3, 20), ticket("forget", 21, 22, 29)]))
    (retention,) = [step for step in steps if step.code is StepCode.RETENTION]
    assert (retention.outcome, retention.error) == (StepOutcome.FAILED, done)
    assert steps[-1].outcome is StepOutcome.DONE


def test_attempts_of_an_older_version_have_fewer_steps() -> None:
    old = RunAttempt(
        restic_repository_id=HERE, attempt=1, result="succeeded", started_at=at(5), finished_at=at(9)
    )
    steps = steps_of(records(run(RunState.SUCCEEDED, finished_at=at(10)), attempts=[old]))
    assert ("started", 5, 9, "done") in told(steps)


async def _fill(api: Api, tenant: Tenant) -> None:
    own = {"organization_id": tenant.organization_id, "run_id": tenant.run_id}
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(RunTarget(**own, restic_repository_id=tenant.restic_repository_id))
        session.add(
            AdmissionTicket(
                **own,
                purpose="backup",
                workflow_id="w",
                state=TicketState.GRANTED,
                enqueued_at=func.now(),
                granted_at=func.now(),
            )
        )
        session.add(
            RunAttempt(
                **own,
                restic_repository_id=tenant.restic_repository_id,
                attempt=1,
                result="failed",
                error_code="no_space",
                error_message="full",
                ordered_at=func.now(),
                finished_at=func.now(),
            )
        )
        await session.flush()
        await session.execute(
            update(Run).where(Run.id == tenant.run_id).values(state=RunState.RUNNING, waiting_for="retry")
        )


async def test_timeline_is_told_with_names_and_in_the_readers_language(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    await _fill(api, tenant)
    reader = await api.person(organization_id=tenant.organization_id, locale="ru")
    answer = await reader.client.get(f"{reader.root}/runs/{tenant.run_id}/timeline")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["run_id"], found["state"]) == (str(tenant.run_id), "running")
    steps = {step["code"]: step for step in found["steps"]}
    assert list(steps) == ["preparing", "admission", "ordered", "retry_pause"]
    assert steps["ordered"]["repository_name"] == "place"
    assert (steps["ordered"]["error"]["code"], steps["ordered"]["error"]["detail"]) == ("no_space", "full")
    assert steps["preparing"]["label"]["message"] == "Подготовка"
    assert steps["preparing"]["duration_s"] >= 0
    assert steps["retry_pause"]["finished_at"] is None


async def test_run_that_does_not_exist_has_no_timeline(api: Api) -> None:
    person = await api.person()
    answer = await person.client.get(f"{person.root}/runs/{new_id()}/timeline")
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")
