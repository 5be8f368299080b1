"""Places, trees and users that the tests of the demonstration share."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.manifest import write_manifest
from demo.tests.samples import NOBODY, Acting, Owner, Proof, small_tree
from demo.tree import remove_tree


@pytest.fixture(scope="session")
def owner() -> Owner:
    """This user, or nobody where this user is root."""
    return Owner(NOBODY, NOBODY) if os.geteuid() == 0 else Owner(os.geteuid(), os.getegid())


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach, other than pytest's own ones; removed with whatever is locked in it."""
    folder = Path(tempfile.mkdtemp(prefix="sbs-demo-test-"))
    folder.chmod(0o755)
    yield folder
    remove_tree(folder)


@pytest.fixture(scope="session")
def acting() -> Acting:
    """Lets this process be the ordinary user for a while, by effective ids; nothing to do where it is already."""

    @contextmanager
    def as_user(user: Owner) -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        groups, gid = os.getgroups(), os.getegid()
        os.setgroups([user.gid])
        os.setegid(user.gid)
        os.seteuid(user.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(gid)
            os.setgroups(groups)

    return as_user


@pytest.fixture
def proof(place: Path, owner: Owner) -> Proof:
    """A small tree, its manifest, and its twin without the unreadable ones."""
    small_tree(place / "source", owner)
    write_manifest(place / "source", place / "manifest", owner.reader)
    twin = small_tree(place / "restored", owner)
    for name in twin.unreadable:
        remove_tree(twin.path(name)) if os.path.isdir(twin.path(name)) else os.unlink(twin.path(name))
    moment = twin.mtime_ns(b"unreadable")
    os.utime(twin.path(b"unreadable"), ns=(moment, moment))
    return Proof(place / "manifest", place / "restored")
