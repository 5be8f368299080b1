"""restic repositories on the control plane's side: making them, and opening them with the CP's own key.

Making one can be cut off anywhere: the row comes first (state `pending`, with its passwords), then the
repository, then the agent's key, then the state `ready`; each step looks first whether it was done before.
"""

import asyncio
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_restic.cli import Repository as Location
from sbs_restic.cli import Runner
from sbs_restic.cli.commands import cat_config, init, key_add
from sbs_restic.cli.errors import RepositoryMissingError, ResticFailedError, WrongPasswordError
from sbs_server.kit.db.locks import lock
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    Repository,
    RepositoryKind,
    RepositoryLayout,
    ResticRepository,
    ResticRepositoryState,
)
from sbs_server.repositories import half_made
from sbs_server.repositories.keys import SecretStore, new_password
from sbs_server.repositories.markers import Marker, read_marker

_TEMPLATE_NAME = ".chunker-template"


class RepositoryProblem(Exception):  # noqa: N818 - told to the user as a run's reason, by its code
    """A restic repository can't be used; trying again changes nothing until a person does."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.restic_repository_id: UUID | None = None
        """Which one it is, where that is known."""


class ResticRepositories:
    """`templates`: a folder of ours for each organization's template repository."""

    def __init__(self, database: Database, secrets: SecretStore, runner: Runner, templates: Path) -> None:
        self._database = database
        self._secrets = secrets
        self._runner = runner
        self._templates = templates

    async def ensure(self, organization_id: UUID, repository_id: UUID, agent_id: UUID) -> UUID:
        """The restic repository of an agent in a repository, made if need be. Gives back its id.

        Raises `RepositoryProblem`: the place is missing, holds something else, or is quarantined.
        """
        template = await self._template(organization_id)
        async with self._database.transaction(organization_id) as session:
            place = await session.get_one(Repository, repository_id)
            path = Path(place.path) / "agents" / agent_id.hex
            row_id = await self._row(session, organization_id, repository_id, agent_id, path)
        try:
            await asyncio.to_thread(_check_place, Path(place.path), Marker(repository_id, organization_id))
            await self._make(organization_id, row_id, template)
            await asyncio.to_thread(_check_made, path)
        except RepositoryProblem as problem:
            problem.restic_repository_id = row_id
            raise
        return row_id

    async def open(self, session: AsyncSession, restic_repository_id: UUID) -> Location:
        """The repository with the CP's key. Raises NoResultFound for one of another organization."""
        row = await session.get_one(ResticRepository, restic_repository_id)
        password = await self._secrets.get(session, row.cp_secret_id)
        return Location.local(row.path, SecretStr(password))

    async def holds_snapshot(self, path: str, restic_snapshot_id: str) -> bool:
        """Whether the snapshot's file lies in the repository."""
        if not restic_snapshot_id.isalnum():
            return False
        return await asyncio.to_thread((Path(path) / "snapshots" / restic_snapshot_id).is_file)

    async def _template(self, organization_id: UUID) -> Location:
        """The organization's template: gives all its repositories one chunker polynomial."""
        path = self._templates / organization_id.hex
        async with self._database.transaction(organization_id) as session:
            await lock(session, f"template {organization_id}")
            query = select(Repository.id).where(Repository.layout == RepositoryLayout.TEMPLATE)
            place = (await session.scalars(query)).one_or_none()
            if place is None:
                place = await _template_place(session, organization_id, path)
            row_id = await self._row(session, organization_id, place, None, path)
        await self._make(organization_id, row_id, None)
        async with self._database.transaction(organization_id) as session:
            return await self.open(session, row_id)

    async def _row(
        self,
        session: AsyncSession,
        organization_id: UUID,
        repository_id: UUID,
        agent_id: UUID | None,
        path: Path,
    ) -> UUID:
        await lock(session, f"restic repository {repository_id} {agent_id}")
        query = select(ResticRepository.id).where(
            ResticRepository.repository_id == repository_id,
            ResticRepository.agent_id.is_not_distinct_from(agent_id),
        )
        found = (await session.scalars(query)).one_or_none()
        if found is not None:
            return found
        row = ResticRepository(
            organization_id=organization_id,
            repository_id=repository_id,
            agent_id=agent_id,
            path=str(path),
            cp_secret_id=await self._secrets.put(session, organization_id, "restic.cp", new_password()),
            agent_secret_id=None
            if agent_id is None
            else await self._secrets.put(session, organization_id, "restic.agent", new_password()),
        )
        session.add(row)
        await session.flush()
        return row.id

    async def _make(self, organization_id: UUID, row_id: UUID, template: Location | None) -> None:
        async with self._database.transaction(organization_id) as session:
            # Held while restic works (about two seconds, once in a repository's life): no second one begins.
            await lock(session, f"make {row_id}")
            row = await session.get_one(ResticRepository, row_id)
            if row.state == ResticRepositoryState.QUARANTINED:
                raise RepositoryProblem("repository_quarantined", row.state_reason or "quarantined")
            if row.state == ResticRepositoryState.READY:
                return
            location = await self.open(session, row_id)
            row.restic_id = await self._initialise(location, template)
            if row.agent_secret_id is not None:
                password = SecretStr(await self._secrets.get(session, row.agent_secret_id))
                await self._add_key(location, password)
            row.state = ResticRepositoryState.READY

    async def _initialise(self, location: Location, template: Location | None) -> str:
        """Makes the repository, or finds that it was made before; gives back restic's id of it."""
        try:
            return (await cat_config.run(self._runner, location)).id
        except WrongPasswordError as error:
            raise RepositoryProblem(
                "repository_foreign", f"{location.location} holds a restic repository that is not ours"
            ) from error
        except RepositoryMissingError:
            pass
        try:
            await asyncio.to_thread(half_made.clear, Path(location.location))
            return (await init.run(self._runner, location, template=template)).id
        except (ResticFailedError, OSError) as error:
            raise await _not_written(location, error) from error

    async def _add_key(self, location: Location, password: SecretStr) -> None:
        agent = Location.local(location.location, password)
        try:
            await cat_config.run(self._runner, agent)
        except WrongPasswordError:
            try:
                await key_add.run(self._runner, location, password, user="agent", host="sbs")
            except ResticFailedError as error:
                raise await _not_written(location, error) from error


async def _not_written(location: Location, error: Exception) -> RepositoryProblem:
    """restic's exit code says nothing of the disk, and its words are nothing to decide by."""
    full = await asyncio.to_thread(half_made.has_no_room, Path(location.location))
    code = "repository_full" if full else "repository_not_writable"
    return RepositoryProblem(code, f"{location.location}: {error}")


def _check_place(folder: Path, ours: Marker) -> None:
    """The folder has our mark. An unmounted disk has not: writing there would fill the mount point."""
    try:
        found = read_marker(folder)
    except OSError as error:
        raise RepositoryProblem("repository_missing", f"{folder} can't be read: {error.strerror}") from error
    if found is None:
        text = f"the repository's mark is not in {folder}: is its file system mounted?"
        raise RepositoryProblem("repository_missing", text)
    if found != ours:
        raise RepositoryProblem("repository_foreign", f"{folder} has the mark of another repository")


def _check_made(path: Path) -> None:
    """A repository that was ready and is gone is a loss to be told, never made anew in silence."""
    if not (path / "config").is_file():
        text = f"the restic repository that was in {path} is gone; nothing was written"
        raise RepositoryProblem("repository_missing", text)


async def _template_place(session: AsyncSession, organization_id: UUID, path: Path) -> UUID:
    place_id = new_id()
    await session.execute(
        insert(Repository).values(
            id=place_id,
            organization_id=organization_id,
            name=_TEMPLATE_NAME,
            kind=RepositoryKind.LOCAL,
            layout=RepositoryLayout.TEMPLATE,
            path=str(path),
        )
    )
    return place_id
