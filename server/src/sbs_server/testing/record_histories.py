"""Records workflow histories for the replay tests: `python -m sbs_server.testing.record_histories FOLDER`.

Runs every workflow against Temporal's dev server with stand-ins for the steps. Existing files are left alone:
they stand for runs of older versions that are still under way somewhere.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from sbs_server.agents.order_types import CommandOutcome, Trouble
from sbs_server.backups.workflows import BackupWorkflow
from sbs_server.embedded import binaries
from sbs_server.kit.workflows import RunRef
from sbs_server.restores.workflows import RestoreWorkflow
from sbs_server.runs.types import RunEnd
from sbs_server.schedules.activities import Slot
from sbs_server.schedules.workflows import ScheduledJob, ScheduledJobWorkflow
from sbs_server.testing.workflows import ORGANIZATION, RUN, Platform, succeeded

_FULL = CommandOutcome(result="failed", problem=Trouble("repository_full", "no room", retryable=True))
Handle = WorkflowHandle[object, object]
_QUEUE = "record"
_RESTARTED = CommandOutcome(result="failed", problem=Trouble("agent_restarted", "restarted", retryable=True))


@activity.defn(name="schedules.start_due")
async def _start_due(_: Slot) -> int:
    return 1


async def _record(client: Client, platform: Platform, workflow: str, given: object, act: _Act | None) -> str:
    activities = [*platform.activities(), _start_due]
    workflows = [BackupWorkflow, RestoreWorkflow, ScheduledJobWorkflow]
    async with Worker(client, task_queue=_QUEUE, workflows=workflows, activities=activities):
        handle: Handle = await client.start_workflow(workflow, given, id=f"run-{RUN}", task_queue=_QUEUE)
        if act is not None:
            await act(handle)
        await handle.result()
        return (await handle.fetch_history()).to_json()


_Act = Callable[[Handle], Awaitable[None]]


async def _admit(handle: Handle) -> None:
    await handle.signal("admitted", "backup")


async def _cancel(handle: Handle) -> None:
    await handle.signal("cancel")


async def main(folder: Path) -> None:
    ref, no_forget = RunRef(ORGANIZATION, RUN), RunEnd("succeeded", False)
    scenes: dict[str, tuple[Platform, object, _Act | None]] = {
        "BackupWorkflow-whole": (Platform(), ref, None),
        "BackupWorkflow-retried": (Platform(answers=[_RESTARTED, succeeded()]), ref, None),
        "BackupWorkflow-full": (Platform(answers=[_FULL, succeeded()]), ref, None),
        "BackupWorkflow-waited": (Platform(admit_at_once=False, end=no_forget), ref, _admit),
        "BackupWorkflow-cancelled": (Platform(admit_at_once=False), ref, _cancel),
        "RestoreWorkflow-whole": (Platform(), ref, None),
        "RestoreWorkflow-full": (Platform(answers=[_FULL, succeeded()]), ref, None),
        "ScheduledJobWorkflow-whole": (Platform(), ScheduledJob(ORGANIZATION, RUN), None),
    }
    server = str(binaries.script("temporal"))
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=server) as environment:
        for name, (platform, given, act) in scenes.items():
            file = folder / f"{name}.json"
            if not file.exists():
                workflow = name.split("-", maxsplit=1)[0]
                file.write_text(await _record(environment.client, platform, workflow, given, act))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)
