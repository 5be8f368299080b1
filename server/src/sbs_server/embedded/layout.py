"""The data directory: its folders, their modes, and the lock that makes one supervisor its owner."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from sbs_server.embedded.errors import AlreadyRunningError, DataDirectoryError

# What other accounts of the machine may look at: the CA's public half, addresses, pids. Nothing else.
_FOLDERS: dict[str, int] = {
    "secrets": 0o700,
    "secrets/nats": 0o700,
    "pki": 0o755,
    "pki/services": 0o700,
    "postgres": 0o700,
    "temporal": 0o700,
    "nats": 0o700,
    "valkey": 0o700,
    "traefik": 0o700,
    "traefik/dynamic": 0o700,
    "gateway": 0o700,
    "logs": 0o750,
    "run": 0o755,
    "storage": 0o700,
    "cache": 0o700,
}


class DataDirectory:
    """Paths below one data directory, and the few ways to write there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock_file = root / "lock"
        self.ports_file = root / "ports.json"
        self.env_file = root / "sbs.env"
        self.secrets = root / "secrets"
        self.pki = root / "pki"
        self.logs = root / "logs"
        self.run = root / "run"
        self.state_file = self.run / "state.json"

    def folder(self, name: str) -> Path:
        """The folder of a component."""
        return self.root / name

    def log(self, component: str) -> Path:
        """The log file of a component."""
        return self.logs / f"{component}.log"

    def require_place(self) -> None:
        """Check that it is there, or can be made, before anything is. Errors: DataDirectoryError."""
        try:
            nearest = next(path for path in (self.root, *self.root.parents) if path.exists())
        except OSError as error:
            raise _unusable(self.root, f"{error.filename}: {error.strerror}") from error
        if not nearest.is_dir():
            raise _unusable(self.root, f"{nearest} is not a folder")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise _unusable(self.root, f"{nearest} is not writable for you")

    def create(self) -> None:
        """Make every folder, with its mode. Errors: DataDirectoryError."""
        try:
            if not self.root.exists():
                self.root.mkdir(parents=True, mode=0o755)
                self.root.chmod(0o755)
            for name, mode in _FOLDERS.items():
                path = self.root / name
                path.mkdir(exist_ok=True)
                path.chmod(mode)
        except OSError as error:
            raise _unusable(self.root, f"{error.strerror} ({error.filename})") from error

    def lock(self) -> int:
        """Become the owner of the directory; returns the descriptor to keep open.

        Errors: AlreadyRunningError, DataDirectoryError.
        """
        try:
            handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DataDirectoryError(f"lock file {self.lock_file}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise AlreadyRunningError(
                f"a supervisor already runs on {self.root}; `sbs status` shows it, `sbs down` stops it, "
                "SBS_DATA_DIR chooses another data directory"
            ) from error
        return handle


def _unusable(root: Path, why: str) -> DataDirectoryError:
    return DataDirectoryError(
        f"data directory {root}: {why}; choose another one with SBS_DATA_DIR or make this one writable"
    )


def write_file(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace `path` at once (never half-written, never readable for others in between)."""
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`, or None if there is no such file. Errors: DataDirectoryError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataDirectoryError(f"{path} can't be read: {error}; remove it and try again") from error
    if not isinstance(value, dict):
        raise DataDirectoryError(f"{path} does not hold a JSON object; remove it and try again")
    return value
