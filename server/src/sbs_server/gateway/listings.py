"""Lists of a folder's objects, in both forms of the protocol, a batch at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice

from sbs_server.gateway.authorize import RepositoryGrant
from sbs_server.gateway.errors import MissingError
from sbs_server.gateway.layout import OBJECT_NAME, Kind, Repository, StorageRoots

V1 = b"application/vnd.x.restic.rest.v1"
V2 = b"application/vnd.x.restic.rest.v2"
_BATCH = 500
_PREFIXES = tuple(f"{number:02x}" for number in range(256))


def content_type(accept: bytes) -> bytes:
    """The version of the answer: 2 if the client says so, else 1 (restic's documentation of the protocol)."""
    return V2 if V2 in accept else V1


def pieces(
    roots: StorageRoots, grant: RepositoryGrant, kind: Kind, version: bytes
) -> Generator[bytes, None, None]:
    """A JSON array in pieces: of names (v1) or of {name, size} (v2). Blocking.

    Only regular files with a legal name are listed, data from its 256 folders. A missing folder is an empty one
    (restic makes them as needed) as long as there is a config file; without that it is UnavailableError.
    """
    with roots.open(grant.root) as repository:
        repository.config_mode()
        separator = b"["
        for batch in _batches(_objects(repository, kind, with_size=version == V2)):
            yield separator + b",".join(batch)
            separator = b","
        yield b"]" if separator == b"," else b"[]"


def _batches(items: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _objects(repository: Repository, kind: Kind, *, with_size: bool) -> Iterator[bytes]:
    for prefix in _PREFIXES if kind is Kind.DATA else (None,):
        with suppress(MissingError), repository.folder(kind, prefix) as folder, os.scandir(folder) as entries:
            for entry in entries:
                if OBJECT_NAME.fullmatch(entry.name) and (item := _item(entry, with_size=with_size)):
                    yield item


def _item(entry: os.DirEntry[str], *, with_size: bool) -> bytes | None:
    if not with_size:
        return b'"%b"' % entry.name.encode() if entry.is_file(follow_symlinks=False) else None
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # a lock that went while we looked
    if not stat.S_ISREG(status.st_mode):
        return None
    return b'{"name":"%b","size":%d}' % (entry.name.encode(), status.st_size)
