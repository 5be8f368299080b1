"""The real restic through the real Traefik and the real gateway."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from sbs_server.kit.ids import new_id
from sbs_server.testing.gateway import Agent, Options, Stage, wait_for


@pytest.fixture
def owner(stage: Stage) -> Agent:
    return stage.agent()


@pytest.fixture
def repository(stage: Stage, owner: Agent) -> UUID:
    return stage.repository(owner)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(20):
        path = root / f"folder {number % 3}" / f"файл {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(number * 50_000))
    return root


def objects(path: Path) -> Iterator[Path]:
    """Every file of a repository except config."""
    return (file for file in path.rglob("*") if file.is_file() and file.name != "config")


def manifest(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in root.rglob("*")
        if file.is_file()
    }


def test_another_agent_restores_while_it_may_and_writes_nothing(
    stage: Stage, owner: Agent, repository: UUID, tree: Path, tmp_path: Path
) -> None:
    assert stage.restic(owner, repository, "backup", str(tree)).returncode == 0
    other, out = stage.agent(), tmp_path / "out"
    assert stage.restic(other, repository, "restore", "latest", "--target", str(out)).returncode != 0
    before = set(objects(stage.path(repository)))
    stage.let_restore(repository, other)
    restored = stage.restic(other, repository, "restore", "latest", "--target", str(out))
    assert restored.returncode == 0, restored.stderr
    assert manifest(out / tree.relative_to("/")) == manifest(tree)
    assert set(objects(stage.path(repository))) == before, "no lock is left either"
    refused = stage.restic(other, repository, "backup", str(tree / "folder 1"))
    assert refused.returncode != 0
    assert "403" in refused.stderr
    assert {path for path in objects(stage.path(repository)) if path.parent.name != "locks"} == before
    stage.let_restore(repository)
    assert stage.restic(other, repository, "restore", "latest", "--target", str(out)).returncode != 0
    assert stage.restic(owner, repository, "check", "--read-data").returncode == 0


def test_backup_check_and_restore_work(
    stage: Stage, owner: Agent, repository: UUID, tree: Path, tmp_path: Path
) -> None:
    assert stage.restic(owner, repository, "backup", str(tree)).returncode == 0
    assert stage.restic(owner, repository, "backup", str(tree)).returncode == 0
    assert stage.restic(owner, repository, "check", "--read-data").returncode == 0
    restored = stage.restic(owner, repository, "restore", "latest", "--target", str(tmp_path / "out"))
    assert restored.returncode == 0, restored.stderr
    assert manifest(tmp_path / "out" / tree.relative_to("/")) == manifest(tree)
    assert list((stage.path(repository) / "locks").iterdir()) == []
    assert stage.restic_locally(repository, "check", "--read-data").returncode == 0


def test_an_agent_can_not_forget_but_the_control_plane_can(
    stage: Stage, owner: Agent, repository: UUID, tree: Path
) -> None:
    assert stage.restic(owner, repository, "backup", str(tree)).returncode == 0
    before = sorted((stage.path(repository) / "snapshots").iterdir())
    refused = stage.restic(owner, repository, "forget", "latest", "--unsafe-allow-remove-all")
    # restic 0.18 ends with 0 all the same: what counts is what is still there.
    assert "403" in refused.stderr
    assert sorted((stage.path(repository) / "snapshots").iterdir()) == before
    assert stage.restic_locally(repository, "forget", before[0].name).returncode == 0
    assert list((stage.path(repository) / "snapshots").iterdir()) == []


def test_an_agent_can_not_prune_but_the_control_plane_can(
    stage: Stage, owner: Agent, repository: UUID, tree: Path
) -> None:
    assert stage.restic(owner, repository, "backup", str(tree)).returncode == 0
    snapshot = next((stage.path(repository) / "snapshots").iterdir()).name
    stage.restic_locally(repository, "forget", snapshot)
    packs = {file for file in objects(stage.path(repository)) if file.parent.parent.name == "data"}
    assert packs
    assert stage.restic(owner, repository, "prune").returncode != 0
    assert packs <= set(objects(stage.path(repository)))
    stage.restic_locally(repository, "prune")
    assert not packs & set(objects(stage.path(repository)))


def test_a_foreign_repository_is_refused_and_looks_like_none(
    stage: Stage, owner: Agent, repository: UUID, tree: Path
) -> None:
    stranger = stage.agent()
    foreign = stage.restic(stranger, repository, "snapshots")
    nowhere = stage.restic(stranger, new_id(), "snapshots")
    assert "403" in foreign.stderr
    assert foreign.returncode == nowhere.returncode != 0
    assert stage.restic(stranger, repository, "backup", str(tree)).returncode != 0
    assert stage.restic(owner, repository, "snapshots").returncode == 0


def test_a_revoked_agent_is_refused(stage: Stage, owner: Agent, repository: UUID) -> None:
    assert stage.restic(owner, repository, "snapshots").returncode == 0
    stage.revoke(owner)
    refused = stage.restic(owner, repository, "snapshots")
    assert refused.returncode != 0
    assert "403" in refused.stderr


def test_an_agent_can_not_initialise_or_change_keys(stage: Stage, owner: Agent, repository: UUID) -> None:
    empty = new_id()
    stage.grant(empty, owner, stage.storage / empty.hex)
    (stage.storage / empty.hex).mkdir()
    assert stage.restic(owner, empty, "init").returncode != 0
    assert list((stage.storage / empty.hex).iterdir()) == []
    keys = sorted((stage.path(repository) / "keys").iterdir())
    password = str(stage.folder / "password")
    assert stage.restic(owner, repository, "key", "add", "--new-password-file", password).returncode != 0
    assert sorted((stage.path(repository) / "keys").iterdir()) == keys


def test_an_agent_can_not_unlock_what_another_one_locked(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    lock = _plant_lock(stage, repository)
    assert stage.restic(owner, repository, "unlock", "--remove-all").returncode != 0
    assert lock.exists()
    stage.restic_locally(repository, "unlock", "--remove-all")
    assert not lock.exists()


def _plant_lock(stage: Stage, repository: UUID) -> Path:
    """A real lock, of a restic on the local path that waits for its input and is killed."""
    process = stage.start_restic_locally(repository, "backup", "--stdin")
    # restic's local backend writes into the same folder under a longer, temporary name first.
    whole = "[0-9a-f]" * 64
    locks = stage.path(repository) / "locks"
    wait_for(lambda: any(locks.glob(whole)), "the lock")
    process.kill()
    process.communicate()
    return next(locks.glob(whole))


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_gateway_killed_in_the_middle_leaves_nothing_and_restic_goes_on(
    new_stage: Callable[[Options], Stage], tmp_path: Path, unnamed: bool
) -> None:
    stage = new_stage(Options(unnamed=unnamed))
    stage.start_traefik()
    owner = stage.agent()
    repository = stage.repository(owner)
    (tmp_path / "big").write_bytes(os.urandom(96 << 20))
    backup = stage.start_restic(owner, repository, "--limit-upload", "24000", "backup", str(tmp_path / "big"))
    data = stage.path(repository) / "data"
    wait_for(lambda: any(data.glob("*/*")), "the first pack")
    stage.kill()
    assert all(hashlib.sha256(file.read_bytes()).hexdigest() == file.name for file in data.glob("*/*"))
    left_over = set(stage.path(repository).glob("tmp/*"))
    assert not (unnamed and left_over)
    stage.start()
    assert not left_over & set(stage.path(repository).glob("tmp/*"))
    out, error = backup.communicate(timeout=120)
    assert backup.returncode == 0, out + error
    assert list(stage.path(repository).glob("tmp/*")) == []
    assert stage.restic(owner, repository, "check", "--read-data").returncode == 0
    assert all(
        hashlib.sha256(file.read_bytes()).hexdigest() == file.name for file in objects(stage.path(repository))
    )
