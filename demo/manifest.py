"""The manifest of a tree: what was there, written down before the first backup program touches it.

A text file of JSON lines. The first names the format, the tree and the user whose view it is; the last
holds the number of entries and the SHA-256 of all lines before it, so that a cut or damaged manifest is
found out and can't prove less than it should. Between them is one line for each entry in the order of
`entries.walk`. Paths, link targets, attribute names and their values are bytes and stand percent-encoded
(RFC 3986), which is exact."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast, get_args

from demo.entries import Entry, Kind, Reader, order, walk
from demo.errors import ManifestError
from demo.paths import as_bytes, decode, encode

FORMAT = 1
Json = dict[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a manifest holds. `files` and `size_bytes` count readable regular files, each name by itself."""

    entries: int
    files: int
    size_bytes: int
    unreadable: tuple[bytes, ...]


def write_manifest(root: bytes | str | Path, out: Path, reader: Reader | None = None) -> Summary:
    """Writes the manifest of the tree `root` to `out`, whole or not at all; `reader` as in `entries.walk`.

    Raises ManifestError when `root` is no folder, holds `out`, or changes meanwhile.
    """
    top = os.path.abspath(as_bytes(root))
    if not os.path.isdir(top):
        raise ManifestError(f"{os.fsdecode(top)!r} is no folder: give the root of the tree")
    if as_bytes(out.resolve()).startswith(os.path.realpath(top) + b"/"):
        raise ManifestError(f"{out} lies in the tree it is to describe: give a place outside of it")
    part = out.with_name(out.name + ".part")
    with part.open("wb") as file:
        summary = _write(file, top, reader)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)
    return summary


def _write(file: BinaryIO, top: bytes, reader: Reader | None) -> Summary:
    digest = hashlib.sha256()

    def put(line: Json) -> None:
        data = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        digest.update(data)
        file.write(data)

    put({"manifest": FORMAT, "root": encode(top), "reader_uid": None if reader is None else reader.uid})
    entries = files = size_bytes = 0
    unreadable: list[bytes] = []
    for entry in walk(top, reader):
        put(to_json(entry))
        entries += 1
        if not entry.readable:
            unreadable.append(entry.path)
        elif entry.kind == "file":
            files, size_bytes = files + 1, size_bytes + (entry.size or 0)
    put({"entries": entries, "sha256": digest.hexdigest()})
    return Summary(entries, files, size_bytes, tuple(sorted(unreadable)))


def read_manifest(source: Path) -> Iterator[Entry]:
    """The entries of a manifest, one after the other.

    Raises ManifestError for a file that is no manifest, of another format, out of order, cut or damaged.
    The last two are known only at the end: whoever stops before it has not checked the file."""
    digest = hashlib.sha256()
    count = 0
    last: tuple[bytes, ...] | None = None
    with source.open("rb") as file:
        _check_head(source, _parse(source, 1, line := file.readline()))
        digest.update(line)
        for number, line in enumerate(file, 2):
            fields = _parse(source, number, line)
            if "entries" in fields:
                return _check_tail(source, fields, count, digest.hexdigest(), file.read(1))
            entry = from_json(fields, f"{source}, line {number}")
            if last is not None and order(entry.path) <= last:
                raise ManifestError(
                    f"{source}, line {number}: {encode(entry.path)} is out of order or there twice"
                )
            last, count = order(entry.path), count + 1
            digest.update(line)
            yield entry
    raise ManifestError(f"{source} ends without its last line: it was cut")


def _check_head(source: Path, fields: Json) -> None:
    if fields.get("manifest") != FORMAT:
        raise ManifestError(f"{source} is no manifest of format {FORMAT}: make it again with this version")


def _check_tail(source: Path, fields: Json, count: int, sha256: str, rest: bytes) -> None:
    if fields != {"entries": count, "sha256": sha256} or rest:
        raise ManifestError(f"{source} is damaged: its last line does not fit the {count} entries before it")


def _parse(source: Path, number: int, line: bytes) -> Json:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ManifestError(f"{source}, line {number}: not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise ManifestError(f"{source}, line {number}: a JSON object is expected")
    return cast("Json", fields)


def to_json(entry: Entry) -> Json:
    """An entry as the fields of its line; fields that say nothing are left out."""
    fields: Json = {
        "path": encode(entry.path),
        "kind": entry.kind,
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "mtime_ns": entry.mtime_ns,
    }
    optional: Json = {
        "readable": None if entry.readable else False,
        "size": entry.size,
        "sha256": entry.sha256,
        "holes": entry.holes,
        "target": None if entry.target is None else encode(entry.target),
        "link": None if entry.link is None else encode(entry.link),
        "xattrs": {encode(name): encode(value) for name, value in entry.xattrs.items()} or None,
    }
    return fields | {name: value for name, value in optional.items() if value is not None}


def from_json(fields: Json, where: str) -> Entry:
    """The inverse of `to_json`; raises ManifestError, which says `where`, for fields it can't have made."""
    target, link = _optional(fields, "target", str, where), _optional(fields, "link", str, where)
    xattrs = cast("dict[str, str]", _optional(fields, "xattrs", dict, where) or {})
    mode = _field(fields, "mode", str, where)
    entry = Entry(
        path=decode(_field(fields, "path", str, where)),
        kind=cast("Kind", _field(fields, "kind", str, where)),
        mode=int(mode, 8) if mode.isdecimal() and not set(mode) & set("89") else -1,
        uid=_field(fields, "uid", int, where),
        gid=_field(fields, "gid", int, where),
        mtime_ns=_field(fields, "mtime_ns", int, where),
        readable=_optional(fields, "readable", bool, where) is None,
        size=_optional(fields, "size", int, where),
        sha256=_optional(fields, "sha256", str, where),
        holes=_optional(fields, "holes", bool, where),
        target=None if target is None else decode(target),
        link=None if link is None else decode(link),
        xattrs={decode(name): decode(value) for name, value in xattrs.items()},
    )
    if entry.kind not in get_args(Kind) or to_json(entry) != fields:
        raise ManifestError(f"{where}: not the fields of an entry")
    return entry


def _field(fields: Json, name: str, kind: type[T], where: str) -> T:
    value = fields.get(name)
    if not isinstance(value, kind):
        raise ManifestError(f"{where}: {name!r} must be there and be of type {kind.__name__}")
    return value


def _optional(fields: Json, name: str, kind: type[T], where: str) -> T | None:
    return None if name not in fields else _field(fields, name, kind, where)
