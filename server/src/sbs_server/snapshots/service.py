"""Deciding about snapshots: which copy is read, and how its files are shown."""

from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_restic.cli.messages import Node
from sbs_server.kit.errors import ConflictError, NotFoundError
from sbs_server.repositories.keys import SecretStore
from sbs_server.snapshots import repository as query
from sbs_server.snapshots.paths import UNREADABLE
from sbs_server.snapshots.reader import OpenCopy
from sbs_server.snapshots.schemas import FileEntry, SnapshotCopyOut, SnapshotDetail, SnapshotOut

# Go's os.FileMode keeps these three apart from the permission bits; POSIX has them next to them.
_GO_BITS = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))


async def detail(session: AsyncSession, snapshot_id: UUID) -> SnapshotDetail:
    """Raises NotFoundError."""
    found = await _named(session, snapshot_id)
    copies = [
        SnapshotCopyOut(
            repository_id=repository.id,
            repository_name=repository.name,
            restic_repository_id=below.id,
            restic_snapshot_id=copy.restic_snapshot_id,
            state=copy.state,
            forgotten_at=copy.forgotten_at,
        )
        for copy, below, repository in await query.copies(session, snapshot_id)
    ]
    return SnapshotDetail(**snapshot_out(found).model_dump(), copies=copies)


async def open_copy(session: AsyncSession, secrets: SecretStore, snapshot_id: UUID) -> OpenCopy:
    """The first copy that can be read. Raises NotFoundError, ConflictError when there is none."""
    await _named(session, snapshot_id)
    for copy, below, _ in await query.copies(session, snapshot_id):
        if query.is_present(copy, below):
            password = await secrets.get(session, below.cp_secret_id)
            return OpenCopy(below.path, SecretStr(password), copy.restic_snapshot_id)
    raise ConflictError("snapshot.no_copy")


def snapshot_out(row: query.NamedSnapshot) -> SnapshotOut:
    """A snapshot as lists show it."""
    found, agent_name, job_id, job_name = row
    return SnapshotOut(
        id=found.id,
        dataset_id=found.dataset_id,
        job_id=job_id,
        job_name=job_name,
        agent_id=found.agent_id,
        agent_name=agent_name,
        run_id=found.run_id,
        taken_at=found.taken_at,
        hostname=found.hostname,
        paths=found.paths,
        files=found.files,
        size_bytes=found.size_bytes,
        added_bytes=found.added_bytes,
        complete=found.complete,
        forgotten_at=found.forgotten_at,
    )


def entry(node: Node) -> FileEntry:
    """A file as restic's listing has it."""
    mode = node.mode & 0o777
    for go_bit, posix_bit in _GO_BITS:
        mode |= posix_bit if node.mode & go_bit else 0
    return FileEntry.model_validate(
        {
            "name": node.name,
            "path": node.path,
            "type": node.type,
            "size_bytes": node.size,
            "modified_at": node.mtime,
            "mode": f"{mode:04o}",
            "addressable": UNREADABLE not in node.path,
        }
    )


async def _named(session: AsyncSession, snapshot_id: UUID) -> query.NamedSnapshot:
    found = await query.named(session, snapshot_id)
    if found is None:
        raise NotFoundError("request.not_found")
    return found
