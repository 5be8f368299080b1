"""The flow of a backup with time skipped: the real workflow, stand-ins for its steps."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from sbs_server.agents.order_types import CommandOutcome, Trouble
from sbs_server.backups.types import BackupPlan, TargetOutcome
from sbs_server.backups.workflows import BackupWorkflow
from sbs_server.embedded import binaries
from sbs_server.kit.workflows import RunRef
from sbs_server.restores.types import RestorePlan
from sbs_server.restores.workflows import RestoreWorkflow
from sbs_server.runs.types import RunEnd
from sbs_server.testing.workflows import ORGANIZATION, RUN, TARGET, Platform, order_for, succeeded

WHOLE_BACKUP = [
    "prepare",
    "request backup",
    "order",
    "record",
    "release backup",
    "request forget alone",
    "forget",
    "release forget",
    "finish",
]
RESTARTED = CommandOutcome(result="failed", problem=Trouble("agent_restarted", "restarted", retryable=True))
FULL = CommandOutcome(result="failed", problem=Trouble("repository_full", "no room", retryable=True))
SILENT = ApplicationError("nothing was heard", type="agent_silent", non_retryable=True)
REFUSED = CommandOutcome(result="failed", problem=Trouble("source_missing", "no source", retryable=False))


@pytest.fixture(scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    server = str(binaries.script("temporal-test-server"))
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=server) as environment:
        yield environment


async def _start(
    environment: WorkflowEnvironment, queue: str, workflow: type
) -> WorkflowHandle[object, RunEnd]:
    name = workflow.__name__
    return await environment.client.start_workflow(
        name, RunRef(ORGANIZATION, RUN), id=f"run-{uuid.uuid4().hex}", task_queue=queue, result_type=RunEnd
    )


def _worker(environment: WorkflowEnvironment, platform: Platform, queue: str) -> Worker:
    workflows = [BackupWorkflow, RestoreWorkflow]
    return Worker(environment.client, task_queue=queue, workflows=workflows, activities=platform.activities())


async def _run(
    environment: WorkflowEnvironment, platform: Platform, workflow: type = BackupWorkflow
) -> RunEnd:
    queue = uuid.uuid4().hex
    async with _worker(environment, platform, queue):
        end: RunEnd = await (await _start(environment, queue, workflow)).result()
        return end


async def test_a_backup_goes_from_admission_to_retention(environment: WorkflowEnvironment) -> None:
    platform = Platform()
    assert (await _run(environment, platform)).state == "succeeded"
    assert platform.calls == WHOLE_BACKUP


async def test_a_passing_failure_is_repeated_with_the_next_number(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[RESTARTED, RESTARTED, succeeded()])
    await _run(environment, platform)
    assert platform.attempts == [1, 2, 3]
    assert platform.calls.count("note retry") == 2


async def test_a_lasting_failure_is_not_repeated(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[REFUSED], end=RunEnd("failed", False, "source_missing", "no source"))
    assert (await _run(environment, platform)).error_code == "source_missing"
    assert platform.attempts == [1]


async def test_attempts_end_at_five(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[RESTARTED], end=RunEnd("failed", False, "agent_restarted", "restarted"))
    await _run(environment, platform)
    assert platform.attempts == [1, 2, 3, 4, 5]


async def test_somebody_has_time_to_make_room_in_a_full_repository(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[FULL, FULL, FULL, FULL, FULL, FULL, succeeded()])
    assert (await _run(environment, platform)).state == "succeeded"
    assert [retry.pause_s for retry in platform.retries] == [30, 90, 270, 600, 600, 600]
    assert {retry.code for retry in platform.retries} == {"repository_full"}


async def test_while_it_waits_for_room_a_run_has_no_ticket(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[FULL, FULL, succeeded()])
    assert (await _run(environment, platform)).state == "succeeded"
    assert platform.calls[:9] == [
        "prepare",
        "request backup",
        "order",
        "note retry",
        "release backup",
        "request backup.2",
        "order",
        "note retry",
        "release backup.2",
    ]
    assert platform.calls[9:13] == ["request backup.3", "order", "record", "release backup.3"]


async def test_a_restore_that_waits_for_room_has_no_ticket_either(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[FULL, succeeded()])
    await _run(environment, platform, RestoreWorkflow)
    assert platform.calls[1:6] == [
        "request restore",
        "order",
        "note retry",
        "release restore",
        "request restore.2",
    ]
    assert platform.calls[-3:] == ["record restore", "release restore.2", "finish"]


async def test_a_run_keeps_its_ticket_between_other_attempts(environment: WorkflowEnvironment) -> None:
    platform = Platform(answers=[RESTARTED, succeeded()])
    await _run(environment, platform)
    assert platform.calls.count("release backup") == 1
    assert "request backup.2" not in platform.calls


async def test_the_ticket_is_kept_while_another_target_is_at_work(environment: WorkflowEnvironment) -> None:
    """One target is full at once; the other one is at work until long after, and then waits for nothing."""
    roomy = "f" * 32
    platform = Platform(answers_of={TARGET: [FULL, succeeded()], roomy: [RESTARTED, RESTARTED, succeeded()]})
    platform.plan = replace(platform.plan, orders=[order_for(), order_for(roomy)])
    await _run(environment, platform)
    assert platform.attempts.count(3) == 1
    # The other one was done after its pauses of 5 and 15 s, the full one still waited for its 30 s to be over.
    given_back = platform.calls.index("release backup")
    assert platform.calls[:given_back].count("order") == 4
    assert platform.calls[given_back + 1 : given_back + 4] == ["request backup.2", "order", "record"]
    assert platform.calls[given_back + 4] == "release backup.2"


async def test_cancelled_while_it_asks_again_it_gives_the_place_up(environment: WorkflowEnvironment) -> None:
    platform, queue = Platform(answers=[FULL], end=RunEnd("cancelled")), uuid.uuid4().hex
    with environment.auto_time_skipping_disabled():
        async with _worker(environment, platform, queue):
            handle = await _start(environment, queue, BackupWorkflow)
            while "release backup" not in platform.calls:
                await handle.describe()
            platform.admit_at_once = False
            await environment.sleep(40)
            while "request backup.2" not in platform.calls:
                await handle.describe()
            await handle.signal("cancel")
            await handle.result()
    assert platform.attempts == [1]
    assert platform.calls[-3:] == ["record", "release backup.2", "finish"]


async def test_a_repository_that_stays_full_ends_the_run_after_ten_attempts(
    environment: WorkflowEnvironment,
) -> None:
    platform = Platform(answers=[FULL], end=RunEnd("failed", False, "repository_full", "no room"))
    assert (await _run(environment, platform)).error_code == "repository_full"
    assert platform.attempts == list(range(1, 11))


@pytest.mark.parametrize("end", [RunEnd("failed"), RunEnd("partial"), RunEnd("cancelled")])
async def test_nothing_is_forgotten_after_a_run_that_lacks_a_snapshot(
    environment: WorkflowEnvironment, end: RunEnd
) -> None:
    platform = Platform(end=end)
    await _run(environment, platform)
    assert "forget" not in platform.calls
    assert platform.calls[-1] == "finish"


async def test_nothing_is_forgotten_without_a_policy(environment: WorkflowEnvironment) -> None:
    platform = Platform()
    platform.plan = replace(platform.plan, keep_last=None)
    await _run(environment, platform)
    assert "request forget alone" not in platform.calls


async def test_a_plan_that_cant_begin_ends_the_run_with_its_reason(environment: WorkflowEnvironment) -> None:
    platform = Platform(plan=BackupPlan(problem_code="repository_missing", problem_message="gone"))
    await _run(environment, platform)
    assert platform.finished == RunEnd("failed", False, "repository_missing", "gone")
    assert platform.calls == ["prepare", "finish"]


async def test_a_run_waits_for_its_ticket_and_looks_again_by_itself(environment: WorkflowEnvironment) -> None:
    platform, queue = Platform(admit_at_once=False), uuid.uuid4().hex
    platform.plan = replace(platform.plan, keep_last=None)
    async with _worker(environment, platform, queue):
        handle = await _start(environment, queue, BackupWorkflow)
        await environment.sleep(600)
        assert "order" not in platform.calls
        assert platform.calls.count("request backup") > 2
        platform.admit_at_once = True
        await handle.result()
    assert platform.calls[-3:] == ["record", "release backup", "finish"]


async def test_a_signal_admits(environment: WorkflowEnvironment) -> None:
    platform, queue = Platform(admit_at_once=False), uuid.uuid4().hex
    platform.plan = replace(platform.plan, keep_last=None)
    async with _worker(environment, platform, queue):
        handle = await _start(environment, queue, BackupWorkflow)
        await handle.signal("admitted", "backup")
        await handle.result()
    assert platform.calls.count("request backup") == 1


async def test_cancelled_while_it_waits_for_its_ticket_it_gives_the_place_up(
    environment: WorkflowEnvironment,
) -> None:
    platform, queue = Platform(admit_at_once=False), uuid.uuid4().hex
    async with _worker(environment, platform, queue):
        handle = await _start(environment, queue, BackupWorkflow)
        await handle.signal("cancel")
        end = await handle.result()
    assert end.state == "cancelled"
    assert platform.calls == ["prepare", "request backup", "release backup", "finish"]


async def test_cancelled_between_two_attempts_there_is_no_further_one(
    environment: WorkflowEnvironment,
) -> None:
    platform, queue = Platform(answers=[RESTARTED], end=RunEnd("cancelled")), uuid.uuid4().hex
    with environment.auto_time_skipping_disabled():
        async with _worker(environment, platform, queue):
            handle = await _start(environment, queue, BackupWorkflow)
            while "note retry" not in platform.calls:
                await handle.describe()
            await handle.signal("cancel")
            await handle.result()
    assert platform.attempts == [1]


async def test_a_restore_asks_for_a_shared_ticket_and_gives_it_back(environment: WorkflowEnvironment) -> None:
    platform = Platform()
    await _run(environment, platform, RestoreWorkflow)
    expected = ["prepare restore", "request restore", "order", "record restore", "release restore", "finish"]
    assert platform.calls == expected


async def test_a_restore_of_a_forgotten_snapshot_fails_with_the_reason(
    environment: WorkflowEnvironment,
) -> None:
    platform = Platform(restore_plan=RestorePlan(None, "snapshot_missing", "forgotten"))
    end = await _run(environment, platform, RestoreWorkflow)
    assert (end.state, end.error_code) == ("failed", "snapshot_missing")


@pytest.mark.parametrize("workflow", [BackupWorkflow, RestoreWorkflow])
async def test_a_silent_agents_command_is_given_up_on_before_the_ticket_is_free(
    environment: WorkflowEnvironment, workflow: type
) -> None:
    platform = Platform(answers=[SILENT], end=RunEnd("failed", False, "agent_silent", "nothing was heard"))
    await _run(environment, platform, workflow)
    given_up = platform.calls.index("abandon agent_silent")
    assert any(call.startswith("release") for call in platform.calls[given_up:])
    assert not any(call.startswith("release") for call in platform.calls[:given_up])


@pytest.mark.parametrize("step", ["prepare", "record"])
async def test_a_step_that_fails_for_good_ends_the_run_visibly(
    environment: WorkflowEnvironment, step: str
) -> None:
    platform = Platform(broken={step})
    assert (await _run(environment, platform)).error_code == "internal"
    assert platform.finished == RunEnd("failed", False, "internal", "internal error (KeyError)")
    assert ("release backup" in platform.calls) == ("request backup" in platform.calls)


async def test_a_restore_that_can_not_be_prepared_ends_visibly(environment: WorkflowEnvironment) -> None:
    platform = Platform(broken={"prepare restore"})
    assert (await _run(environment, platform, RestoreWorkflow)).error_code == "internal"
    assert platform.calls[-1] == "finish"


async def test_retention_that_fails_leaves_the_backup_good(environment: WorkflowEnvironment) -> None:
    platform = Platform(broken={"forget"})
    end = await _run(environment, platform)
    assert (end.state, end.error_code) == ("completed_with_warnings", "retention_failed")
    assert platform.calls[-2:] == ["release forget", "finish"]


async def test_a_target_that_can_not_be_used_does_not_keep_the_others_from_their_backup(
    environment: WorkflowEnvironment,
) -> None:
    platform = Platform()
    refused = TargetOutcome("f" * 32, CommandOutcome.failed("repository_missing", "not mounted"))
    platform.plan = replace(platform.plan, refused=[refused])
    await _run(environment, platform)
    assert platform.outcomes is not None
    assert platform.outcomes.targets[0] == refused
    assert platform.outcomes.targets[1].outcome.has_snapshot


async def test_cancelled_after_the_backup_nothing_is_forgotten(environment: WorkflowEnvironment) -> None:
    """The forget ticket may be granted at the very moment at which somebody cancels."""
    platform, queue = Platform(hold_forget=asyncio.Event()), uuid.uuid4().hex
    with environment.auto_time_skipping_disabled():
        async with _worker(environment, platform, queue):
            handle = await _start(environment, queue, BackupWorkflow)
            while "request forget alone" not in platform.calls:
                await handle.describe()
            await handle.signal("cancel")
            assert platform.hold_forget is not None
            platform.hold_forget.set()
            assert (await handle.result()).state == "succeeded"
    assert "forget" not in platform.calls
    assert platform.calls[-2:] == ["release forget", "finish"]
