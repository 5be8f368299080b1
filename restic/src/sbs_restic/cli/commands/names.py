"""`restic cat tree`: the exact names of what is in one folder of a snapshot.

`restic ls` prints U+FFFD for each byte of a name that is not UTF-8, so that such a file can't be asked for by what
was printed, and two of them can look the same. The tree itself has each name as Go's strconv.Quote writes it.
"""

import asyncio
import re
from typing import Final

from sbs_restic.cli.errors import UnexpectedOutputError
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import Message
from sbs_restic.cli.patterns import snapshot_path
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

_LETTERS: Final = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "\\": b"\\",
    '"': b'"',
}
_PIECE: Final = re.compile(
    r'[^\\]+|\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([abfnrtv\\"]))', re.DOTALL
)


class _Entry(Message):
    name: str
    type: str


class _Tree(Message):
    nodes: tuple[_Entry, ...] = ()


def build_args(repository: Repository, snapshot: str, folder: str | bytes) -> Invocation:
    """Give the invocation. snapshot: an id (not "latest"); folder: absolute."""
    path = snapshot_path(folder)
    what = f"{snapshot}:{path}"
    return on_repository(repository, "cat", options=("--no-lock",), operands=("tree", what))


async def run(
    runner: Runner,
    repository: Repository,
    snapshot: str,
    folder: str | bytes,
    *,
    stop: asyncio.Event | None = None,
    only_folders: bool = False,
) -> list[bytes]:
    """Give the names in the order in which `restic ls` lists the folder: the n-th is that of its n-th entry.

    only_folders: leave out what is no folder.

    Raises ResticFailedError (also when there is no such folder), UnexpectedOutputError, OutputTooLargeError.
    """
    tree = await runner.document(build_args(repository, snapshot, folder), _Tree, stop=stop)
    return [unquoted(entry.name) for entry in tree.nodes if entry.type == "dir" or not only_folders]


def unquoted(name: str) -> bytes:
    """The bytes of a name as Go's strconv.Quote writes it. Raises UnexpectedOutputError for anything else."""
    pieces: list[bytes] = []
    at = 0
    while at < len(name):
        found = _PIECE.match(name, at)
        if found is None:
            raise UnexpectedOutputError(f"restic cat tree answered something unreadable: the name {name!r}")
        pieces.append(_bytes(found))
        at = found.end()
    return b"".join(pieces)


def _bytes(piece: re.Match[str]) -> bytes:
    byte, short, long, letter = piece.groups()
    if byte is not None:
        return bytes.fromhex(byte)
    if letter is not None:
        return _LETTERS[letter]
    if short is not None or long is not None:
        return chr(int(short or long, 16)).encode("utf-8")
    return piece[0].encode("utf-8")
