"""Finding the binary."""

from pathlib import Path

import pytest

from sbs_restic.cli import Located, find_restic
from sbs_restic.cli.errors import ResticMissingError, ResticNotExecutableError, ResticTooOldError
from sbs_restic.cli.locate import OLDEST, Source


def program(path: Path, says: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


OLD = "restic 0.14.0 compiled with go1.19.8 on linux/amd64"
NEW = (
    '{"message_type":"version","version":"0.19.1","go_version":"go1.24.4","go_os":"linux","go_arch":"amd64"}'
)


def test_the_real_one_is_new_enough(restic: Located) -> None:
    found = find_restic(str(restic.path))
    assert found.source is Source.EXPLICIT
    assert found.version[:2] >= OLDEST
    assert found.version_text.startswith("0.")


def test_the_explicit_one_is_taken_alone(tmp_path: Path) -> None:
    old = program(tmp_path / "old", OLD)
    good = program(tmp_path / "bin" / "restic", NEW)
    with pytest.raises(ResticTooOldError, match=r"restic 0\.14\.0.*0\.18 or newer"):
        find_restic(str(old), [good], search_path=str(good.parent))
    with pytest.raises(ResticMissingError, match="does not exist"):
        find_restic(str(tmp_path / "nowhere"), [good])


def test_an_old_one_on_the_path_hides_no_newer_one_behind_it(tmp_path: Path) -> None:
    old = program(tmp_path / "a" / "restic", OLD)
    new = program(tmp_path / "b" / "restic", NEW)
    found = find_restic(search_path=f"{old.parent}:{new.parent}")
    assert (found.path, found.version, found.source) == (new, (0, 19, 1), Source.SEARCH_PATH)


def test_extra_places_come_last_as_file_or_folder(tmp_path: Path) -> None:
    new = program(tmp_path / "restic", NEW)
    assert find_restic(extra=[tmp_path], search_path="").path == new
    assert find_restic(extra=[new], search_path="").source is Source.EXTRA


def test_nothing_found_says_where_was_looked(tmp_path: Path) -> None:
    with pytest.raises(ResticMissingError, match=f"{tmp_path}.*SBS_RESTIC"):
        find_restic(extra=[tmp_path], search_path="")


@pytest.mark.parametrize(("says", "code"), [("hello", 0), ("", 0), (OLD, 1)])
def test_another_program_is_not_taken_for_restic(says: str, code: int, tmp_path: Path) -> None:
    with pytest.raises(ResticNotExecutableError, match="does not answer like restic"):
        find_restic(str(program(tmp_path / "x", says, code)))


def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    plain = tmp_path / "restic"
    plain.write_text("text")
    with pytest.raises(ResticNotExecutableError, match="not an executable file"):
        find_restic(str(plain))
    plain.write_bytes(b"\x7fELF broken")
    plain.chmod(0o755)
    with pytest.raises(ResticNotExecutableError, match="can't be run"):
        find_restic(str(plain))
    with pytest.raises(ResticNotExecutableError, match="not an executable file"):
        find_restic(str(tmp_path))
