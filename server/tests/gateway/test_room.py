"""How much is promised to uploads that are still on their way."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from sbs_server.gateway.authorize import RepositoryGrant
from sbs_server.gateway.errors import UnavailableError
from sbs_server.gateway.layout import Kind, Repository, StorageRoots
from sbs_server.gateway.room import FileSystemRoom, Reservation

MIB = 1 << 20


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "config").touch()
    with StorageRoots([tmp_path]).open(tmp_path / "repository") as opened:
        yield opened


def reserve(
    room: FileSystemRoom, repository: Repository, of: int, size_bytes: int, kind: Kind = Kind.DATA
) -> Reservation:
    return room.reserve(RepositoryGrant(UUID(int=of), Path("/"), own=True), repository, kind, size_bytes)


def test_what_is_announced_and_does_not_come_leaves_room_for_others(repository: Repository) -> None:
    room = FileSystemRoom(most_promised_bytes=10 * MIB)
    announced = [reserve(room, repository, 1, 3 * MIB) for _ in range(3)]
    with pytest.raises(UnavailableError, match="announced"):
        reserve(room, repository, 1, 3 * MIB)
    reserve(room, repository, 2, 3 * MIB)
    # A restore from it has to lock it all the same.
    reserve(room, repository, 1, 2 * MIB, Kind.LOCKS).release()
    announced[0].used(2 * MIB)
    reserve(room, repository, 1, 2 * MIB)


def test_what_is_over_makes_room_again_and_is_counted_once(repository: Repository) -> None:
    room = FileSystemRoom(most_promised_bytes=10 * MIB)
    for _ in range(5):
        reservation = reserve(room, repository, 1, 9 * MIB)
        reservation.used(4 * MIB)
        reservation.release()
        reservation.release()
    first = reserve(room, repository, 1, 9 * MIB)
    with pytest.raises(UnavailableError):
        reserve(room, repository, 1, 9 * MIB)
    first.release()


def test_one_object_fits_however_large_it_is(repository: Repository) -> None:
    reserve(FileSystemRoom(most_promised_bytes=MIB), repository, 1, 2 * MIB)


def test_three_restics_with_the_largest_packs_work_side_by_side(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the machine of the test has free."""
    plenty = SimpleNamespace(f_bavail=1 << 30, f_frsize=4096, f_blocks=1 << 30)
    monkeypatch.setattr(os, "fstatvfs", lambda _: plenty)
    room = FileSystemRoom()
    for _ in range(3 * 5):
        reserve(room, repository, 1, 129 * MIB)
