"""Names from outside never become paths unchecked."""

import os
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.gateway.errors import MalformedError, MissingError, RefusedError, UnavailableError
from sbs_server.gateway.layout import Kind, StorageRoots, Target, parse_target

ID = b"0123456789abcdef0123456789abcdef"
NAME = b"ab" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repository = tmp_path / "storage" / "tenant" / "repository"
    (repository / "data" / "ab").mkdir(parents=True)
    (repository / "config").write_bytes(b"config")
    (repository / "data" / "ab" / NAME.decode()).write_bytes(b"pack")
    return repository


@pytest.fixture
def roots(tmp_path: Path, root: Path) -> StorageRoots:
    return StorageRoots([tmp_path / "storage"])


@pytest.mark.parametrize(
    ("rest", "kind", "name"),
    [
        (b"", None, None),
        (b"config", Kind.CONFIG, None),
        (b"data/", Kind.DATA, None),
        (b"locks/" + NAME, Kind.LOCKS, NAME.decode()),
    ],
)
def test_an_address_of_the_protocol_is_understood(rest: bytes, kind: Kind | None, name: str | None) -> None:
    assert parse_target(b"/restic/" + ID + b"/" + rest) == Target(UUID(hex=ID.decode()), kind, name)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/restic/" + ID,
        b"/restic/" + ID.upper() + b"/config",
        b"/restic/" + ID + b"/data/../config",
        b"/restic/" + ID + b"/data/%2e%2e/config",
        b"/restic/" + ID + b"//config",
        b"/restic/" + ID + b"/data/" + NAME.upper(),
        b"/restic/" + ID + b"/data/" + NAME + b"\n",
        b"/restic/" + ID + b"/data/" + NAME + b"/",
        b"/restic/" + ID + b"/data/" + NAME[:-1] + b"\x00",
        b"/restic/" + ID + b"/data/ab/" + NAME,
        b"/restic/" + ID + b"/tmp/" + NAME,
        b"/restic/" + ID + b"/config/",
        b"/restic/../../etc/passwd",
    ],
)
def test_every_other_address_is_refused(path: bytes) -> None:
    with pytest.raises(MalformedError, match="no such address"):
        parse_target(path)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"/", b"/restic/" + ID + b"/", b"/restic/" + ID + b"/data/"]),
)
def test_whatever_is_understood_is_spelled_in_one_way_only(tail: bytes, head: bytes) -> None:
    try:
        target = parse_target(head + tail)
    except MalformedError:
        return
    folder = (
        b"" if target.kind is None else target.kind.encode() + (b"" if target.kind is Kind.CONFIG else b"/")
    )
    name = (target.name or "").encode()
    assert head + tail == b"/restic/" + target.restic_repository_id.hex.encode() + b"/" + folder + name


def test_an_object_is_opened(roots: StorageRoots, root: Path) -> None:
    with roots.open(root) as repository:
        fd, size = repository.open_object(Kind.DATA, NAME.decode())
        assert os.read(fd, 10) == b"pack"
        assert size == 4
        os.close(fd)
        with pytest.raises(MissingError):
            repository.open_object(Kind.DATA, "cd" * 32)
        with pytest.raises(MissingError):
            repository.open_object(Kind.LOCKS, "cd" * 32)


@pytest.mark.parametrize("outside", ["/etc", "storage", "storage/../storage/x", "elsewhere"])
def test_a_repository_outside_of_the_storage_roots_is_refused(
    roots: StorageRoots, tmp_path: Path, outside: str
) -> None:
    with pytest.raises(RefusedError, match="outside"), roots.open(tmp_path / outside):
        pass


def test_a_root_may_be_a_link_but_nothing_below_it(roots: StorageRoots, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "storage")
    with StorageRoots([tmp_path / "link"]).open(tmp_path / "link/tenant/repository") as repository:
        assert repository.config_mode()
    with StorageRoots([tmp_path / "link"]).open(root) as repository:
        assert repository.config_mode()
    (tmp_path / "storage" / "other").symlink_to(root.parent)
    with (
        pytest.raises(RefusedError, match="symbolic link"),
        roots.open(tmp_path / "storage/other/repository"),
    ):
        pass


def test_a_missing_repository_is_unavailable_not_empty(roots: StorageRoots, root: Path) -> None:
    with pytest.raises(UnavailableError, match="mounted"), roots.open(root.parent / "gone"):
        pass
    (root / "config").unlink()
    with roots.open(root) as repository, pytest.raises(UnavailableError, match="no config"):
        repository.config_mode()


def test_planted_links_and_fifos_are_not_followed(roots: StorageRoots, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (root / "data" / "ab" / ("cd" * 32)).symlink_to(secret)
    (root / "locks").symlink_to(tmp_path)
    os.mkfifo(root / "data" / "ab" / ("ab" + "ef" * 31))
    with roots.open(root) as repository:
        (root / "data" / "cd").symlink_to(root / "data" / "ab")
        with pytest.raises(RefusedError, match="symbolic link"):
            repository.open_object(Kind.DATA, "cd" * 32)
        (root / "data" / "cd").unlink()
        (root / "data" / "cd").mkdir()
        (root / "data" / "cd" / ("cd" * 32)).symlink_to(secret)
        with pytest.raises(RefusedError, match="symbolic link"):
            repository.open_object(Kind.DATA, "cd" * 32)
        with pytest.raises(RefusedError, match="folder must be"):
            repository.open_object(Kind.LOCKS, NAME.decode())
        with pytest.raises(RefusedError, match="no regular file"):
            repository.open_object(Kind.DATA, "ab" + "ef" * 31)
