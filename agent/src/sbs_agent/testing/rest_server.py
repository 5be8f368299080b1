"""restic's REST protocol over a folder (https://restic.readthedocs.io, "REST Backend"), with a brake for tests."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_LARGE_BYTES = 2**20  # packs of trees are smaller in tests


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    kind: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


class RestStore:
    """`hold` makes uploads of data wait; `uploading` is set while one waits.

    `hold_downloads` lets one read of a large pack through and makes the others wait; `downloading` is set then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = threading.Event()
        self._free.set()
        self.uploading = threading.Event()
        self._let_through: threading.Semaphore | None = None
        self.downloading = threading.Event()

    def hold(self) -> None:
        self.uploading.clear()
        self._free.clear()

    def hold_downloads(self) -> None:
        self._let_through = threading.Semaphore(1)
        self.downloading.clear()
        self._free.clear()

    def release(self) -> None:
        self._let_through = None
        self._free.set()

    def locks(self) -> list[str]:
        return [path.name for path in (self._folder / "locks").iterdir()]

    def handle(
        self, method: str, path: str, body: Callable[[], bytes], wanted: str | None, wants_v2: bool
    ) -> Answer:
        path = path.split("?", 1)[0]
        if path.endswith("/"):
            return self._list(path.rstrip("/"), wants_v2)
        kind, _, name = path.rpartition("/")
        file = self._folder / kind / (name[:2] if kind == "data" else "") / name
        if method == "POST":
            return self._write(kind, file, body())
        if not file.exists():
            return Answer(404)
        if method == "DELETE":
            file.unlink()
            return Answer(200)
        if kind == "data" and method == "GET" and file.stat().st_size > _LARGE_BYTES:
            self._brake()
        return _read(method, file, wanted)

    def _brake(self) -> None:
        if self._let_through is not None and not self._let_through.acquire(blocking=False):
            self.downloading.set()
            self._free.wait()

    def _list(self, kind: str, wants_v2: bool) -> Answer:
        files = [path for path in (self._folder / kind).rglob("*") if path.is_file()]
        if wants_v2:
            listed = [{"name": path.name, "size": path.stat().st_size} for path in files]
            return Answer(200, json.dumps(listed).encode(), "application/vnd.x.restic.rest.v2")
        return Answer(
            200, json.dumps([path.name for path in files]).encode(), "application/vnd.x.restic.rest.v1"
        )

    def _write(self, kind: str, file: Path, data: bytes) -> Answer:
        if kind == "data":
            self.uploading.set()
            self._free.wait()
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        return Answer(200)


def _read(method: str, file: Path, wanted: str | None) -> Answer:
    data = file.read_bytes()
    if method == "HEAD":
        return Answer(200, headers={"length": str(len(data))})
    if wanted is None:
        return Answer(200, data)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    begin, end = int(first), int(last) if last else len(data) - 1
    return Answer(206, data[begin : end + 1], headers={"content_range": f"bytes {begin}-{end}/{len(data)}"})
