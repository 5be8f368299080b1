"""What the text of a path may be."""

import posixpath
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.kit.errors import InvalidError
from sbs_server.repositories.paths import contains, locate

ROOTS = [Path("/srv/backup"), Path("/mnt/other")]
names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in {".", ".."})
anything = st.text(st.sampled_from("/.ab \0\n\\srvbackup…"), max_size=30)


def code_of(path: str) -> str:
    with pytest.raises(InvalidError) as caught:
        locate(path, ROOTS)
    (field,) = caught.value.fields
    assert field.pointer == "/path"
    return field.code


@given(st.sampled_from(ROOTS), st.lists(names, min_size=1, max_size=5))
def test_plain_folder_below_a_root_is_taken_as_it_is(root: Path, parts: list[str]) -> None:
    path = posixpath.join(str(root), *parts)
    place = locate(path, ROOTS)
    assert str(place.path) == path
    assert [str(one) for one in place.ancestors] == [
        posixpath.join(str(root), *parts[:depth]) for depth in range(1, len(parts))
    ]


@given(
    st.one_of(
        anything, st.builds("/srv/backup/{}".format, anything), st.builds("/srv/backup/{}/x".format, anything)
    )
)
def test_whatever_is_accepted_stays_below_a_root_when_it_is_resolved(path: str) -> None:
    try:
        place = locate(path, ROOTS)
    except InvalidError:
        return
    resolved = posixpath.normpath(path)
    assert resolved == str(place.path)
    assert any(contains(str(root), resolved) for root in ROOTS)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "repository.path_not_absolute"),
        ("backup/x", "repository.path_not_absolute"),
        ("C:\\backup", "repository.path_not_absolute"),
        ("/srv/backup/../etc", "repository.path_not_plain"),
        ("/srv/backup/./x", "repository.path_not_plain"),
        ("/srv/backup//x", "repository.path_not_plain"),
        ("//srv/backup/x", "repository.path_not_plain"),
        ("/srv/backup/a\nb", "repository.path_control"),
        ("/srv/backup/a\0b", "repository.path_control"),
        ("/srv/backup", "repository.path_outside_roots"),
        ("/srv/backup/", "repository.path_outside_roots"),
        ("/srv/backup2/x", "repository.path_outside_roots"),
        ("/etc", "repository.path_outside_roots"),
        ("/", "repository.path_outside_roots"),
        ("/srv/backup/" + "x" * 256, "repository.path_too_long"),
        ("/srv/backup/" + "x/" * 600, "repository.path_too_long"),
    ],
)
def test_each_wrong_path_has_its_own_code(path: str, code: str) -> None:
    assert code_of(path) == code


def test_a_root_that_is_a_link_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to("disk")
    assert locate(f"{tmp_path}/root/x", [tmp_path / "root"]).path == tmp_path / "disk" / "x"


def test_a_slash_at_the_end_changes_nothing() -> None:
    assert locate("/srv/backup/x/", ROOTS) == locate("/srv/backup/x", ROOTS)
