"""Exact names out of a snapshot, which restic's listing does not show."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_restic.cli import Repository, Runner
from sbs_restic.cli.commands import backup, ls, names
from sbs_restic.cli.errors import CommandFailedError, UnexpectedOutputError
from sbs_restic.cli.lossy import lossy
from sbs_restic.cli.messages import Node

ODD = (
    b"caf\xe9",
    b"caf\xe8",
    "caf\ufffd".encode(),
    b'q"\\\n\x01\x7f',
    "é\u2028\U0001f511".encode(),
    b"plain",
)


async def test_names_come_exactly_and_in_the_order_of_the_listing(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    source = os.fsencode(folder) + b"/s\xff"
    Path(os.fsdecode(source)).mkdir()
    for name in ODD:
        Path(os.fsdecode(source + b"/" + name)).write_text("x")
    request = backup.BackupRequest(sources=(source,), host="machine")
    snapshot = (await backup.run(runner, repository, request)).summary.snapshot_id
    found = await names.run(runner, repository, snapshot, source)
    assert sorted(found) == sorted(ODD)
    listed: list[Node] = []
    await ls.run(runner, repository, snapshot, source, listed.append)
    assert [lossy(name) for name in found] == [node.name for node in listed]


async def test_a_folder_that_is_not_there_is_an_error(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    (folder / "a").write_text("x")
    request = backup.BackupRequest(sources=(str(folder / "a"),), host="machine")
    snapshot = (await backup.run(runner, repository, request)).summary.snapshot_id
    with pytest.raises(CommandFailedError):
        await names.run(runner, repository, snapshot, "/no/such")


@given(st.binary().map(lambda name: name.replace(b"\0", b"")))
def test_any_bytes_come_back_from_how_go_quotes_them(name: bytes) -> None:
    text = (
        name.decode("utf-8", "surrogateescape").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    )
    quoted = "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)
    assert names.unquoted(quoted) == name


@pytest.mark.parametrize(
    ("quoted", "name"),
    [(r"\a\b\f\r\t\v", b"\a\b\f\r\t\v"), (r"\u2028\U0001f511\x00", "\u2028\U0001f511\0".encode())],
)
def test_each_escape_of_go_is_known(quoted: str, name: bytes) -> None:
    assert names.unquoted(quoted) == name


@pytest.mark.parametrize("quoted", ["\\", "\\q", "\\x1", "a\\u12"])
def test_what_go_does_not_write_is_refused(quoted: str) -> None:
    with pytest.raises(UnexpectedOutputError):
        names.unquoted(quoted)
