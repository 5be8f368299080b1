"""Making restic repositories on the control plane's side, with the real restic; cut off at each step."""

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from sbs_restic.cli import Repository as Location
from sbs_restic.cli import Runner
from sbs_restic.cli.commands import backup, cat_config, init, snapshots
from sbs_restic.cli.errors import WrongPasswordError
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope
from sbs_server.models import ResticRepository, ResticRepositoryState
from sbs_server.repositories import half_made
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.markers import MARKER, Marker, write_marker
from sbs_server.repositories.restic import RepositoryProblem, ResticRepositories
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.restic import restic_runner


@dataclass(frozen=True)
class Scene:
    database: Database
    secrets: SecretStore
    runner: Runner
    repositories: ResticRepositories
    tenant: Tenant
    place: Path

    async def make(self) -> ResticRepository:
        tenant = self.tenant
        row_id = await self.repositories.ensure(tenant.organization_id, tenant.repository_id, tenant.agent_id)
        return await self.row(row_id)

    async def row(self, row_id: object) -> ResticRepository:
        async with self.database.transaction(self.tenant.organization_id) as session:
            return await session.get_one(ResticRepository, row_id)

    async def password(self, row: ResticRepository, *, agent: bool) -> SecretStr:
        async with self.database.transaction(self.tenant.organization_id) as session:
            secret_id = row.agent_secret_id if agent else row.cp_secret_id
            assert secret_id is not None
            return SecretStr(await self.secrets.get(session, secret_id))


@pytest.fixture
async def scene(app_database: Database, tmp_path: Path) -> Scene:
    kek = tmp_path / "kek"
    kek.write_text(base64.b64encode(os.urandom(32)).decode())
    secrets = SecretStore(Envelope(kek))
    runner = restic_runner()
    place = tmp_path / "place"
    place.mkdir()
    tenant = await make_tenant(app_database, path=str(place))
    # The sample tenant's restic repository is a mere row: here they are made for real.
    async with app_database.transaction(tenant.organization_id) as session:
        gone = await session.get_one(ResticRepository, tenant.restic_repository_id)
        gone.agent_id = None
    write_marker(place, Marker(tenant.repository_id, tenant.organization_id))
    repositories = ResticRepositories(app_database, secrets, runner, tmp_path / "templates")
    return Scene(app_database, secrets, runner, repositories, tenant, place)


async def test_both_keys_open_the_new_repository_and_others_do_not(scene: Scene) -> None:
    row = await scene.make()
    assert row.state == ResticRepositoryState.READY
    for agent in (True, False):
        location = Location.local(row.path, await scene.password(row, agent=agent))
        assert (await cat_config.run(scene.runner, location)).id == row.restic_id
    with pytest.raises(WrongPasswordError):
        await cat_config.run(scene.runner, Location.local(row.path, SecretStr("guess")))


async def test_made_a_second_time_it_is_the_same_repository(scene: Scene) -> None:
    assert (await scene.make()).restic_id == (await scene.make()).restic_id


async def test_all_repositories_of_an_organization_share_one_chunker_polynomial(scene: Scene) -> None:
    row = await scene.make()
    template = Path(row.path).parent.parent.parent / "templates" / scene.tenant.organization_id.hex
    async with scene.database.transaction(scene.tenant.organization_id) as session:
        query = select(ResticRepository).where(ResticRepository.path == str(template))
        other = (await session.scalars(query)).one()
    first = await cat_config.run(
        scene.runner, Location.local(row.path, await scene.password(row, agent=False))
    )
    second = await cat_config.run(
        scene.runner, Location.local(other.path, await scene.password(other, agent=False))
    )
    assert first.chunker_polynomial == second.chunker_polynomial
    assert first.id != second.id


async def test_cut_off_before_the_agents_key_it_goes_on_from_there(scene: Scene) -> None:
    row = await scene.make()
    async with scene.database.transaction(scene.tenant.organization_id) as session:
        await session.execute(
            update(ResticRepository)
            .where(ResticRepository.id == row.id)
            .values(state=ResticRepositoryState.PENDING, restic_id=None)
        )
    agent_keys = [key for key in (Path(row.path) / "keys").iterdir() if not await _opens_cp(scene, row, key)]
    for key in agent_keys:
        key.unlink()
    again = await scene.make()
    assert again.restic_id == row.restic_id
    location = Location.local(again.path, await scene.password(again, agent=True))
    assert (await cat_config.run(scene.runner, location)).id == row.restic_id


async def _opens_cp(scene: Scene, row: ResticRepository, key: Path) -> bool:
    """Whether this key file is the one that the CP's password opens."""
    location = Location.local(row.path, await scene.password(row, agent=False))
    only = replace(location, extra=("--key-hint", key.name))
    aside = [other for other in key.parent.iterdir() if other != key]
    moved = [other.rename(scene.place / other.name) for other in aside]
    try:
        await cat_config.run(scene.runner, only)
    except WrongPasswordError:
        return False
    finally:
        for other in moved:
            other.rename(key.parent / other.name)
    return True


async def test_a_repository_that_is_not_ours_is_left_alone(scene: Scene) -> None:
    path = scene.place / "agents" / scene.tenant.agent_id.hex
    foreign = Location.local(path, SecretStr("theirs"))
    await init.run(scene.runner, foreign)
    with pytest.raises(RepositoryProblem) as raised:
        await scene.make()
    assert raised.value.code == "repository_foreign"
    assert await snapshots.run(scene.runner, foreign) == []


async def test_a_place_that_vanished_is_not_made_anew(scene: Scene) -> None:
    shutil.rmtree(scene.place)
    with pytest.raises(RepositoryProblem) as raised:
        await scene.make()
    assert raised.value.code == "repository_missing"
    assert not scene.place.exists()


async def test_a_place_without_our_mark_is_taken_for_an_unmounted_disk(scene: Scene) -> None:
    (scene.place / MARKER).unlink()
    with pytest.raises(RepositoryProblem, match="mounted") as raised:
        await scene.make()
    assert raised.value.code == "repository_missing"
    assert list(scene.place.iterdir()) == []


async def test_a_repository_that_is_gone_is_not_made_anew(scene: Scene) -> None:
    row = await scene.make()
    shutil.rmtree(row.path)
    with pytest.raises(RepositoryProblem) as raised:
        await scene.make()
    assert raised.value.code == "repository_missing"
    assert not Path(row.path).exists()


async def test_a_snapshot_is_held_only_if_its_file_is_there(scene: Scene, tmp_path: Path) -> None:
    row = await scene.make()
    source = tmp_path / "file"
    source.write_text("content")
    location = Location.local(row.path, await scene.password(row, agent=True))
    done = await backup.run(scene.runner, location, backup.BackupRequest(sources=(str(source),), host="test"))
    assert done.summary.snapshot_id is not None
    assert await scene.repositories.holds_snapshot(row.path, done.summary.snapshot_id)
    assert not await scene.repositories.holds_snapshot(row.path, "f" * 64)
    assert not await scene.repositories.holds_snapshot(row.path, "../config")


PAGE = 4096


@pytest.fixture
def small_disk(scene: Scene) -> Iterator[Path]:
    """The place is a disk of its own."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(scene.place)]
    subprocess.run(command, check=True)
    write_marker(scene.place, Marker(scene.tenant.repository_id, scene.tenant.organization_id))
    yield scene.place
    subprocess.run(["umount", "--lazy", str(scene.place)], check=True)


async def problem_of(scene: Scene) -> RepositoryProblem | None:
    try:
        await scene.make()
    except RepositoryProblem as problem:
        return problem
    return None


@pytest.mark.root
@pytest.mark.parametrize("pages", range(4))
async def test_a_disk_without_room_for_a_new_repository_is_told_as_full_until_there_is_room(
    scene: Scene, small_disk: Path, pages: int
) -> None:
    """However far restic gets: to its first file, to the key, to the config, to the agent's key."""
    free = os.statvfs(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - pages * PAGE))
    found = await problem_of(scene)
    assert found is not None or pages > 2, "there was no room for a key and a config"
    if found is not None:
        assert found.code == "repository_full", found
        assert found.restic_repository_id is not None
    filler.unlink()
    row = await scene.make()
    for agent in (True, False):
        location = Location.local(row.path, await scene.password(row, agent=agent))
        assert (await cat_config.run(scene.runner, location)).id == row.restic_id


@pytest.mark.root
async def test_a_place_that_is_read_only_is_not_told_as_full(scene: Scene, small_disk: Path) -> None:
    remount = await asyncio.create_subprocess_exec("mount", "-o", "remount,ro", str(small_disk))
    assert await remount.wait() == 0
    with pytest.raises(RepositoryProblem) as raised:
        await scene.make()
    assert raised.value.code == "repository_not_writable"


async def test_keys_of_a_repository_with_data_stay(tmp_path: Path) -> None:
    for name in ("keys/aa", "data/00/00", "snapshots/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    half_made.clear(tmp_path)
    assert (tmp_path / "keys" / "aa").exists()
    (tmp_path / "snapshots" / "x").unlink()
    (tmp_path / "data" / "00" / "00").unlink()
    half_made.clear(tmp_path)
    assert not (tmp_path / "keys" / "aa").exists()
