"""Answers as the API gives them, made by its own schemas: a field that it no longer has would be missed here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from typer.testing import Result

from sbs_protocol.events import BackupResult, RestoreResult
from sbs_server.agents.schemas import AgentOut, EnrolmentTokenOut, TokenState
from sbs_server.jobs.schemas import JobDetail
from sbs_server.kit.http.explained import Explained
from sbs_server.models import (
    AgentState,
    Compression,
    CopyState,
    RepositoryKind,
    RepositoryLayout,
    ResticRepositoryState,
    RunKind,
    RunState,
    RunTrigger,
)
from sbs_server.repositories.schemas import RepositoryDetail, ResticRepositoryOut
from sbs_server.runs.last import LastRun
from sbs_server.runs.schemas import RunAttemptOut, RunDetail, RunError, RunTargetOut
from sbs_server.snapshots.schemas import SnapshotCopyOut, SnapshotDetail

Json = dict[str, Any]
Answers = dict[str, Any]
"""What a test's API answers, by method and path below the organization, such as `GET /jobs`."""
Sbs = Callable[..., Result]
"""Runs `sbs` with these words."""
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AGENT, JOB, PLACE, RESTIC, RUN, SNAPSHOT, TOKEN = (UUID(int=number) for number in range(101, 108))
LAST = LastRun(
    id=RUN, job_id=JOB, state=RunState.SUCCEEDED, created_at=NOON, started_at=NOON, finished_at=NOON
)
BACKED_UP = BackupResult(
    snapshot_id="ab" * 32,
    files_new=3,
    files_changed=2,
    files_unmodified=5,
    bytes_processed=4096,
    bytes_added=1024,
)


def job(**changes: Any) -> Json:
    made = JobDetail(
        id=JOB,
        name="documents",
        sources=["/srv/documents", "/etc"],
        includes=[],
        excludes=["*.tmp"],
        agent_ids=[AGENT],
        repository_ids=[PLACE],
        cron="30 2 * * *",
        offset_s=0,
        time_zone="Europe/Berlin",
        paused=False,
        keep_last=7,
        compression=Compression.AUTO,
        version=1,
        created_at=NOON,
        updated_at=NOON,
        last_run=LAST,
        next_run_at=NOON,
        overdue_since=None,
        next_runs=[NOON, NOON + timedelta(days=1)],
        schedule_notes=[Explained(code="job.clock_skips", message="On 2027-03-28 the clocks skip 02:30.")],
    )
    return made.model_copy(update=changes).model_dump(mode="json")


def agent() -> Json:
    made = AgentOut(
        id=AGENT,
        name="mail",
        hostname="mail.example",
        os="linux",
        os_version="6.1",
        arch="x86_64",
        agent_version="0.1.0",
        protocol_version=1,
        restic_version="0.18.0",
        restic_problem=None,
        capabilities=["restore", "backup"],
        state=AgentState.REVOKED,
        connected=False,
        last_seen_at=NOON,
        revoked_at=NOON,
        certificate_not_after=NOON,
        last_backup=LAST,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )
    return made.model_dump(mode="json")


def token() -> Json:
    made = EnrolmentTokenOut(
        id=TOKEN,
        name="for laptops",
        state=TokenState.REVOKED,
        expires_at=NOON,
        max_uses=5,
        used_count=2,
        revoked_at=NOON,
        created_by=None,
        created_at=NOON,
    )
    return made.model_dump(mode="json")


def repository() -> Json:
    below = ResticRepositoryOut(
        id=RESTIC,
        agent_id=AGENT,
        agent_name="mail",
        state=ResticRepositoryState.QUARANTINED,
        state_reason="the agent fell silent",
        restic_id="cd" * 32,
        path="main/mail",
    )
    made = RepositoryDetail(
        id=PLACE,
        name="main",
        kind=RepositoryKind.LOCAL,
        layout=RepositoryLayout.PER_AGENT,
        path="/srv/storage/main",
        version=1,
        created_at=NOON,
        updated_at=NOON,
        snapshots=4,
        free_bytes=2048,
        total_bytes=4096,
        problem=Explained(code="repository.gone", message="The folder is not there.", hint="Mount its disk."),
        restic_repositories=[below],
    )
    return made.model_dump(mode="json")


def snapshot() -> Json:
    copy = SnapshotCopyOut(
        repository_id=PLACE,
        repository_name="main",
        restic_repository_id=RESTIC,
        restic_snapshot_id="ab" * 32,
        state=CopyState.PRESENT,
        forgotten_at=None,
    )
    made = SnapshotDetail(
        id=SNAPSHOT,
        dataset_id=UUID(int=9),
        job_id=JOB,
        job_name="documents",
        agent_id=AGENT,
        agent_name="mail",
        run_id=RUN,
        taken_at=NOON,
        hostname="mail.example",
        paths=["/srv/documents", "/etc"],
        files=10,
        size_bytes=4096,
        added_bytes=1024,
        complete=False,
        forgotten_at=None,
        copies=[copy],
    )
    return made.model_dump(mode="json")


def run(**changes: Any) -> Json:
    """A backup that has ended, with two attempts at its repository."""
    error = RunError(code="repository_unreachable", message="The agent could not reach it.", detail="refused")
    target = RunTargetOut(
        restic_repository_id=RESTIC,
        repository_id=PLACE,
        repository_name="main",
        state=RunState.SUCCEEDED,
        restic_snapshot_id="ab" * 32,
        error=None,
        result=BACKED_UP.model_dump(mode="json"),
    )
    attempts = [
        RunAttemptOut(
            restic_repository_id=RESTIC,
            attempt=number,
            result=result,
            error=found,
            started_at=NOON,
            finished_at=NOON + timedelta(seconds=5),
        )
        for number, result, found in ((1, "failed", error), (2, "succeeded", None))
    ]
    made = RunDetail(
        id=RUN,
        kind=RunKind.BACKUP,
        state=RunState.COMPLETED_WITH_WARNINGS,
        trigger=RunTrigger.MANUAL,
        job_id=JOB,
        job_name="documents",
        agent_id=AGENT,
        agent_name="mail",
        requested_by=None,
        scheduled_for=None,
        created_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=80),
        cancel_requested_at=None,
        attempt=2,
        warnings_total=2,
        error=None,
        result={},
        wait=None,
        snapshot_id=SNAPSHOT,
        targets=[target],
        attempts=attempts,
    )
    return made.model_copy(update=changes).model_dump(mode="json")


def restore_run(**changes: Any) -> Json:
    """A restore that has ended well, with all of its files verified."""
    result = RestoreResult(
        files_restored=8, files_skipped=1, files_failed=0, bytes_restored=4096, files_verified=8
    ).model_dump(mode="json")
    ended = {"kind": RunKind.RESTORE, "state": RunState.SUCCEEDED, "warnings_total": 0, "result": result}
    return run(**{**ended, "job_id": None, "job_name": None, "snapshot_id": None, "attempts": [], **changes})
