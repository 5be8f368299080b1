"""Masks: ours against restic's own."""

import fnmatch
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_restic.cli import Repository, Runner, check_masks
from sbs_restic.cli.commands import backup
from sbs_restic.cli.errors import InvalidPathError, InvalidPatternError
from sbs_restic.cli.messages import Message
from sbs_restic.cli.patterns import Masks, escape, escaped_line

ODD = st.sampled_from("[]*?\\$ !#^-{}\t\r\n\x85\xa0\u3000é\u0301я\udcff\udc80a.b")
NAME = st.text(ODD, min_size=1, max_size=8).filter(lambda name: name not in (".", ".."))
PATH = st.lists(NAME, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))


@given(PATH, PATH)
def test_an_escaped_path_matches_itself_and_what_is_below_it_alone(path: str, other: str) -> None:
    masks = Masks([mask]) if "\n" not in (mask := escape(path)) else None
    if masks is not None:
        assert masks.match(path)
        assert masks.match(f"{path}/below")
        assert masks.match(other) is (other == path or other.startswith(f"{path}/"))


@given(PATH)
def test_a_line_survives_what_restic_does_to_lines(path: str) -> None:
    line = escaped_line(path).decode("utf-8", "surrogateescape")
    assert line.count("\n") == 1
    stripped = line.strip()
    assert stripped == line[:-1]
    assert not stripped.startswith("#")
    assert "$" not in stripped.replace("$$", "")
    expanded = stripped.replace("$$", "$")
    assert Masks([expanded]).match(path)


@given(st.text("[]*?\\^-!/ab.", max_size=12), PATH)
def test_any_mask_is_matched_or_refused(mask: str, path: str) -> None:
    try:
        masks = Masks([mask])
    except InvalidPatternError:
        return
    assert masks.match(path) in (True, False)


@given(
    st.text("*?ab", min_size=1, max_size=6).filter(lambda mask: mask != "**"),
    st.text("ab", min_size=1, max_size=6),
)
def test_simple_masks_are_matched_as_shells_do(mask: str, name: str) -> None:
    assert Masks([mask]).match(f"/{name}") is fnmatch.fnmatchcase(name, mask)


@pytest.mark.parametrize(
    "mask", ["", "!", "[", "a[", "[]", "[^]", "[]a]", "[a-]", "[-a]", "x\\", "a/[b/c]", "a\0b"]
)
def test_masks_that_restic_refuses_are_refused(mask: str) -> None:
    with pytest.raises(InvalidPatternError, match="mask"):
        check_masks(["*.ok", mask])


@pytest.mark.parametrize("path", ["relative", "", "/a/../b", "/a//b", "//a", "/a/", "/a\0b"])
def test_what_is_no_absolute_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        escape(path)


TREE = [
    "a.txt",
    "b.TXT",
    "docs/a.txt",
    "docs/deep/er/x.log",
    "docs/[1].txt",
    "cache/x",
    "x/docs",
    "back\\slash",
    "!bang",
]
MASKS = [
    ["*.txt"],
    ["docs"],
    ["docs/deep"],
    ["docs/**/x.log"],
    ["**/deep"],
    ["[a-c]*"],
    ["[^a-c]*"],
    ["docs/\\[1].txt"],
    ["*", "!docs"],
    ["*.txt", "!a.txt"],
    ["back\\\\slash"],
    ["?/docs"],
    ["docs/"],
    ["./docs/../cache"],
    ["\\!bang"],
    ["[z-a]*"],
]


class Verbose(Message):
    action: str = ""
    item: str = ""


@pytest.fixture
def tree(folder: Path) -> Path:
    source = folder / "src"
    for name in TREE:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return source


@pytest.mark.parametrize("masks", MASKS, ids=" ".join)
async def test_our_matching_agrees_with_restic(
    masks: list[str], runner: Runner, repository: Repository, tree: Path
) -> None:
    request = backup.BackupRequest(
        sources=tuple(str(path) for path in sorted(tree.iterdir())),
        host="h",
        excludes=tuple(masks),
        dry_run=True,
    )
    kept: set[str] = set()

    def hear(message: Message) -> None:
        if isinstance(message, Verbose) and message.action == "new" and Path(message.item).is_file():
            kept.add(message.item)

    invocation = backup.build_args(repository, request)
    verbose = type(invocation)(
        command=invocation.command,
        options=(*invocation.options, "-vv"),
        secrets=invocation.secrets,
        documents=invocation.documents,
    )
    exit_ = await runner.run(verbose, kinds={"verbose_status": Verbose}, on_message=hear)
    ours = Masks(masks)
    expected = {
        str(Path(parent, name))
        for parent, _, names in os.walk(tree)
        for name in names
        if not _excluded(ours, tree, Path(parent, name))
    }
    assert kept == expected, exit_.diagnostics


def _excluded(masks: Masks, tree: Path, path: Path) -> bool:
    """As restic walks: a folder that is excluded is not looked into."""
    above = [parent for parent in path.parents if parent.is_relative_to(tree) and parent != tree]
    return any(masks.match(str(candidate)) for candidate in (*above, path))
