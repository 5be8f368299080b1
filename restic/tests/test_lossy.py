"""From restic's approximate names back to the real ones."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sbs_restic.cli import resolve_lossy_path
from sbs_restic.cli.lossy import lossy


def make(folder: Path, *names: bytes) -> bytes:
    for name in names:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return os.fsencode(folder)


def test_a_valid_name_is_itself_even_if_it_is_gone() -> None:
    assert resolve_lossy_path("/gone/имя") == "/gone/имя".encode()


def test_the_only_match_is_found_at_any_depth(tmp_path: Path) -> None:
    base = make(tmp_path, b"caf\xe9/sub/\xff.txt", b"cafe/x")
    assert resolve_lossy_path(f"{tmp_path}/caf\ufffd/sub/\ufffd.txt") == base + b"/caf\xe9/sub/\xff.txt"


def test_two_matches_are_none(tmp_path: Path) -> None:
    make(tmp_path, b"\xe9", b"\xe8")
    assert resolve_lossy_path(f"{tmp_path}/\ufffd") is None


def test_a_name_that_really_holds_the_replacement_character_counts(tmp_path: Path) -> None:
    base = make(tmp_path, "\ufffd".encode())
    assert resolve_lossy_path(f"{tmp_path}/\ufffd") == base + "/\ufffd".encode()
    make(tmp_path, b"\xff")
    assert resolve_lossy_path(f"{tmp_path}/\ufffd") is None


def test_of_two_folders_the_one_that_has_the_file_is_meant(tmp_path: Path) -> None:
    base = make(tmp_path, b"\xe9/here", b"\xe8/there")
    assert resolve_lossy_path(f"{tmp_path}/\ufffd/here") == base + b"/\xe9/here"


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert resolve_lossy_path(f"{tmp_path}/none/\ufffd") is None


@given(st.binary(min_size=1))
def test_each_bad_byte_is_one_replacement_character(name: bytes) -> None:
    """As Go decodes: one for each byte, where Python's "replace" takes several bytes together."""
    text = lossy(name)
    text.encode("utf-8")
    bad = name.decode("utf-8", "surrogateescape")
    assert len(text) == len(bad)
