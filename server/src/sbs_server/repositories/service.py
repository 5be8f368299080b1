"""Deciding about repositories: taking a folder, renaming, deleting."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.kit.db.conflicts import broken_constraint
from sbs_server.kit.errors import ConflictError, FieldProblem, InvalidError, NotFoundError, SbsError, invalid
from sbs_server.kit.http.etags import check_version
from sbs_server.kit.ids import new_id
from sbs_server.messaging import outbox
from sbs_server.models import Repository, RepositoryLayout
from sbs_server.repositories import repository as query
from sbs_server.repositories.markers import Marker
from sbs_server.repositories.paths import FIELD, Place, contains
from sbs_server.repositories.places import Places
from sbs_server.repositories.schemas import RepositoryCreate
from sbs_server.repositories.trials import Space, Step, Trial


async def create(
    session: AsyncSession, organization_id: UUID, actor: Actor, places: Places, wanted: RepositoryCreate
) -> Repository:
    """Takes the folder and writes the row. Raises InvalidError on `/path`, ConflictError on `/name`."""
    place = places.locate(wanted.path)
    await query.lock_root(session, str(place.root))
    await _check_unclaimed(session, organization_id, places, place)
    made = Repository(
        id=new_id(),
        organization_id=organization_id,
        name=wanted.name,
        kind=wanted.kind,
        layout=RepositoryLayout.PER_AGENT,
        path=str(place.path),
    )
    session.add(made)
    await _flush(session)
    await places.take(place, Marker(made.id, organization_id))
    details = {"name": made.name, "path": made.path}
    await _tell(session, made, "created")
    await record(session, organization_id, actor, "repository.created", target=_target(made), details=details)
    return made


async def test(session: AsyncSession, organization_id: UUID, places: Places, path: str) -> Trial:
    """What `create` would say to this folder, step by step. Leaves nothing behind."""
    try:
        place = places.locate(path)
        await query.lock_root(session, str(place.root))
        await _check_unclaimed(session, organization_id, places, place)
    except InvalidError as error:
        return Trial([], Step.REACH, error.fields[0], None)
    return await places.try_out(place)


async def get(session: AsyncSession, repository_id: UUID, *, lock: bool = False) -> Repository:
    """Raises NotFoundError."""
    found = await query.find(session, repository_id, lock=lock)
    if found is None:
        raise NotFoundError("request.not_found")
    return found


async def rename(
    session: AsyncSession, actor: Actor, repository_id: UUID, name: str, if_match: str
) -> Repository:
    """Raises NotFoundError, PreconditionFailedError, ConflictError on `/name`."""
    found = await get(session, repository_id, lock=True)
    check_version(if_match, found.version)
    if found.name == name:
        return found
    details = {"before": {"name": found.name}, "after": {"name": name}}
    found.name, found.version = name, found.version + 1
    await _flush(session)
    await session.refresh(found)
    organization_id = found.organization_id
    await _tell(session, found, "changed")
    await record(
        session, organization_id, actor, "repository.renamed", target=_target(found), details=details
    )
    return found


async def delete(session: AsyncSession, actor: Actor, repository_id: UUID) -> None:
    """Forgets the repository; what lies in its folder stays there. Raises NotFoundError, ConflictError."""
    found = await get(session, repository_id, lock=True)
    jobs = await query.jobs_using(session, repository_id)
    if jobs:
        raise ConflictError("repository.used_by_jobs", jobs=", ".join(jobs[:10]), count=len(jobs))
    copies = await query.count_copies(session, repository_id)
    if copies:
        raise ConflictError("repository.holds_snapshots", count=copies)
    found.deleted_at = await session.scalar(select(func.now()))
    found.version += 1
    details = {"name": found.name, "path": found.path}
    organization_id = found.organization_id
    await _tell(session, found, "deleted")
    await record(
        session, organization_id, actor, "repository.deleted", target=_target(found), details=details
    )


async def space(places: Places, found: Repository) -> Space | FieldProblem:
    """Its disk's space, or why it can't be used just now."""
    try:
        return await places.space(found.path, Marker(found.id, found.organization_id))
    except InvalidError as error:
        return error.fields[0]


async def _check_unclaimed(
    session: AsyncSession, organization_id: UUID, places: Places, place: Place
) -> None:
    """Raises InvalidError when the folder is, holds, or is part of another repository."""
    path = str(place.path)
    others = await query.living(session)
    for other in others:
        if other.path == path:
            raise invalid(FIELD, "repository.path_taken", name=other.name)
        if contains(other.path, path):
            raise invalid(FIELD, "repository.path_nested", path=other.path)
        if contains(path, other.path):
            raise invalid(FIELD, "repository.path_around", path=other.path)
    holder = await places.holder(place)
    # A mark of ours without a repository: its creation was cut off, or the repository was deleted.
    if holder is not None and holder.organization_id != organization_id:
        raise invalid(FIELD, "repository.path_claimed")


async def _tell(session: AsyncSession, found: Repository, what: str) -> None:
    data, aggregate = {"repository_id": found.id.hex}, f"repository:{found.id.hex}"
    await outbox.event(session, found.organization_id, aggregate, f"repository.{what}.v1", data)


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise _conflict(error) from error


def _conflict(error: IntegrityError) -> SbsError | IntegrityError:
    match broken_constraint(error):
        case "uq_repository_name":
            return ConflictError("repository.name_taken", FieldProblem("/name", "repository.name_taken"))
        case "uq_repository_path":
            return invalid(FIELD, "repository.path_claimed")
        case _:
            return error


def _target(found: Repository) -> tuple[str, str]:
    return ("repository", str(found.id))
