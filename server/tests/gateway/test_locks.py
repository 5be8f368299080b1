"""Locks: an agent removes its own, after a crash of the gateway too, and nobody else's."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from sbs_server.gateway.app import parts, sweep_guests
from sbs_server.gateway.authorize import CertificateReader, IngressGuard
from sbs_server.gateway.errors import RefusedError
from sbs_server.gateway.layout import StorageRoots
from sbs_server.gateway.locks import LockRegistry
from sbs_server.gateway.state import GatewayState, StateInUseError
from sbs_server.testing.gateway import Agent, Options, Stage
from sbs_server.testing.gateway_process import FileAuthorizer

AGENT, OTHER, REPOSITORY = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture(scope="module")
def owner(stage: Stage) -> Agent:
    return stage.agent()


@pytest.fixture
def repository(stage: Stage, owner: Agent) -> UUID:
    return stage.repository(owner)


def make_lock(stage: Stage, agent: Agent, repository: UUID) -> str:
    content = os.urandom(150)
    name = hashlib.sha256(content).hexdigest()
    answer = httpx.post(stage.url(repository, f"locks/{name}"), headers=agent.headers, content=content)
    assert answer.status_code == 200
    return name


def delete(stage: Stage, agent: Agent, repository: UUID, name: str) -> int:
    return httpx.delete(stage.url(repository, f"locks/{name}"), headers=agent.headers).status_code


def lock_file(stage: Stage, repository: UUID, name: str) -> Path:
    return stage.path(repository) / "locks" / name


def test_an_agent_removes_its_own_lock_and_may_ask_twice(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    name = make_lock(stage, owner, repository)
    assert lock_file(stage, repository, name).exists()
    assert delete(stage, owner, repository, name) == 200
    assert not lock_file(stage, repository, name).exists()
    assert delete(stage, owner, repository, name) == 200


def test_the_control_planes_lock_stays(stage: Stage, owner: Agent, repository: UUID) -> None:
    name = hashlib.sha256(b"lock").hexdigest()
    lock_file(stage, repository, name).write_bytes(b"lock")
    assert delete(stage, owner, repository, name) == 403
    # Sending the same content does not make it one's own.
    again = httpx.post(stage.url(repository, f"locks/{name}"), headers=owner.headers, content=b"lock")
    assert again.status_code == 200
    assert delete(stage, owner, repository, name) == 403
    assert lock_file(stage, repository, name).exists()


def test_a_lock_of_another_agent_of_a_shared_repository_stays(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    name = make_lock(stage, owner, repository)
    second = stage.agent()
    path = stage.path(repository)
    stage.grant(repository, second, path)
    assert delete(stage, second, repository, name) == 403
    assert lock_file(stage, repository, name).exists()
    stage.grant(repository, owner, path)
    assert delete(stage, owner, repository, name) == 200


def test_a_killed_gateway_still_knows_who_made_a_lock(new_stage: Callable[[Options], Stage]) -> None:
    stage = new_stage(Options())
    owner, second = stage.agent(), stage.agent()
    repository = stage.repository(owner)
    name = make_lock(stage, owner, repository)
    stage.kill()
    stage.start()
    path = stage.path(repository)
    stage.grant(repository, second, path)
    assert delete(stage, second, repository, name) == 403
    stage.grant(repository, owner, path)
    assert delete(stage, owner, repository, name) == 200
    assert not lock_file(stage, repository, name).exists()


def post_lock(stage: Stage, agent: Agent, repository: UUID, size_bytes: int = 150) -> int:
    content = os.urandom(size_bytes)
    url = stage.url(repository, f"locks/{hashlib.sha256(content).hexdigest()}")
    return httpx.post(url, headers=agent.headers, content=content).status_code


def test_a_lock_is_small(stage: Stage, owner: Agent, repository: UUID) -> None:
    assert post_lock(stage, owner, repository, 64 << 10) == 200
    assert post_lock(stage, owner, repository, (64 << 10) + 1) == 413


def test_each_agent_has_so_many_locks_in_a_repository_and_no_more(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    guest = stage.agent()
    stage.let_restore(repository, guest)
    names = [make_lock(stage, guest, repository) for _ in range(16)]
    # restic gives up at once on that, and says why.
    assert post_lock(stage, guest, repository) == 403
    assert len(list((stage.path(repository) / "locks").iterdir())) == 16
    assert post_lock(stage, owner, repository) == 200
    assert delete(stage, guest, repository, names[0]) == 200
    assert post_lock(stage, guest, repository) == 200


async def test_locks_of_a_guest_go_when_it_may_not_come_in_any_more(
    new_stage: Callable[[Options], Stage],
) -> None:
    stage = new_stage(Options())
    owner, guest = stage.agent(), stage.agent()
    repository = stage.repository(owner)
    stage.let_restore(repository, guest)
    own, foreign = make_lock(stage, owner, repository), make_lock(stage, guest, repository)
    stage.stop()
    given = parts(
        authorizer=FileAuthorizer(stage.folder / "grants.json"),
        ingress=IngressGuard(""),
        certificates=CertificateReader([]),
        roots=StorageRoots([stage.storage]),
        state=GatewayState(stage.folder / "state"),
    )
    locks = LockRegistry(given.state)
    assert await sweep_guests(locks, given, older_than_s=0) == 0
    assert lock_file(stage, repository, foreign).exists()
    stage.let_restore(repository)
    assert await sweep_guests(locks, given, older_than_s=3600) == 0
    assert await sweep_guests(locks, given, older_than_s=0) == 1
    assert not lock_file(stage, repository, foreign).exists()
    assert lock_file(stage, repository, own).exists()
    assert (locks.maker(repository, own), locks.maker(repository, foreign)) == (owner.agent_id, None)
    assert await sweep_guests(locks, given, older_than_s=0) == 0
    given.threads.close()
    given.state.close()


def test_locks_of_a_restic_that_died_long_ago_are_in_nobodys_way(state: GatewayState, root: Path) -> None:
    now = 1000.0
    locks = LockRegistry(state, lambda: now)
    for number in range(16):
        locks.record(REPOSITORY, f"{number:064x}", AGENT, root)
    with pytest.raises(RefusedError, match="16 locks"):
        locks.record(REPOSITORY, "a" * 64, AGENT, root)
    now += 1801
    locks.record(REPOSITORY, "a" * 64, AGENT, root)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[GatewayState]:
    opened = GatewayState(tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "storage" / "repository" / "locks").mkdir(parents=True)
    (tmp_path / "storage" / "repository" / "config").touch()
    return tmp_path / "storage" / "repository"


def test_the_first_maker_is_known_until_the_lock_is_dropped(state: GatewayState, root: Path) -> None:
    locks = LockRegistry(state)
    assert locks.maker(REPOSITORY, "a" * 64) is None
    locks.record(REPOSITORY, "a" * 64, AGENT, root)
    assert locks.maker(REPOSITORY, "a" * 64) == AGENT
    assert locks.maker(UUID(int=9), "a" * 64) is None
    locks.record(REPOSITORY, "a" * 64, OTHER, root)
    assert locks.maker(REPOSITORY, "a" * 64) == AGENT
    locks.drop(REPOSITORY, "a" * 64)
    locks.drop(REPOSITORY, "a" * 64)
    assert locks.maker(REPOSITORY, "a" * 64) is None


def test_the_sweep_drops_vanished_locks_only(state: GatewayState, root: Path) -> None:
    now = 1000.0
    locks = LockRegistry(state, lambda: now)
    for name in ("a" * 64, "b" * 64):
        locks.record(REPOSITORY, name, AGENT, root)
    (root / "locks" / ("a" * 64)).touch()
    away = root.parent / "not mounted"
    locks.record(REPOSITORY, "c" * 64, AGENT, away)
    roots = StorageRoots([root.parent])
    assert locks.sweep(roots, older_than_s=10) == 0
    now = 1011.0
    assert locks.sweep(roots, older_than_s=10) == 1
    assert locks.maker(REPOSITORY, "a" * 64) == AGENT
    assert locks.maker(REPOSITORY, "b" * 64) is None
    assert locks.maker(REPOSITORY, "c" * 64) == AGENT


def test_a_second_gateway_on_the_same_state_is_refused(state: GatewayState, tmp_path: Path) -> None:
    del state
    with pytest.raises(StateInUseError, match="another gateway"):
        GatewayState(tmp_path / "state")
