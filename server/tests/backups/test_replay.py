"""Replay of recorded histories: a change of the order of steps without a patch marker fails here.

After a deliberate change (with `workflow.patched`), record again with
`python -m sbs_server.testing.record_histories` and keep the old files: runs that are under way follow them.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from sbs_server.backups.workflows import BackupWorkflow
from sbs_server.restores.workflows import RestoreWorkflow
from sbs_server.schedules.workflows import ScheduledJobWorkflow

HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    history = WorkflowHistory.from_json(f"run-{file.stem}", file.read_text())
    replayer = Replayer(workflows=[BackupWorkflow, RestoreWorkflow, ScheduledJobWorkflow])
    await replayer.replay_workflow(history)


def test_there_are_histories_of_every_workflow() -> None:
    found = {file.stem.split("-")[0] for file in HISTORIES}
    assert found == {"BackupWorkflow", "RestoreWorkflow", "ScheduledJobWorkflow"}
