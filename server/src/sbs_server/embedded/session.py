"""One run of the supervisor, from the first file to the last process."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sbs_server.config import Settings
from sbs_server.embedded import account, binaries
from sbs_server.embedded.certificates import ensure_certificates
from sbs_server.embedded.component import Component
from sbs_server.embedded.environment import write_environment
from sbs_server.embedded.errors import DataDirectoryError
from sbs_server.embedded.guard import Guard
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.orphans import SUPERVISOR, own, reap
from sbs_server.embedded.ports import assign
from sbs_server.embedded.process import identify
from sbs_server.embedded.secret_files import create_secrets
from sbs_server.embedded.state import Observer, StateBoard
from sbs_server.embedded.supervisor import Supervisor
from sbs_server.embedded.table import select
from sbs_server.kit.pki.errors import PkiError

_LOG = logging.getLogger("sbs.supervisor")
# How long `sbs down` waits for the supervisor itself: longer than the slowest component.
_STOP_TIMEOUT_S = 120.0


def open_directory(path: Path) -> DataDirectory:
    """Make the data directory and, as root, hand it to the account `sbs`. Errors: EmbeddedError."""
    os.umask(0o077)
    directory = DataDirectory(path)
    directory.require_place()
    if not account.is_root():
        directory.create()
        return directory
    owner = account.ensure_account(path)
    account.require_way(path, owner)
    directory.create()
    account.hand_over(path, owner)
    return directory


def run(
    directory: DataDirectory,
    only: Sequence[str] | None,
    observer: Observer,
    on_ready: Callable[[], None],
    *,
    lifeline: int | None = None,
) -> None:
    """Be the supervisor of `directory` until a signal ends it; when this returns, everything has ended.

    The end of `lifeline`, a descriptor, ends it too.

    As root this process becomes the account `sbs` first. Errors: EmbeddedError, ConfigurationError.
    """
    components = select(only)
    if account.is_root():
        account.become(account.ensure_account(directory.root))
        account.require_reach(directory.root, _binaries(components))
    lock = own(directory)
    try:
        _log_to(directory)
        guard = Guard(directory)
        try:
            _supervise(directory, components, observer, on_ready, lifeline)
        finally:
            guard.dismiss()
    finally:
        os.close(lock)


def _supervise(
    directory: DataDirectory,
    components: Sequence[Component],
    observer: Observer,
    on_ready: Callable[[], None],
    lifeline: int | None,
) -> None:
    run_file = directory.run / f"{SUPERVISOR}.json"
    identity = identify(os.getpid(), stop_timeout_s=_STOP_TIMEOUT_S)
    if identity is not None:
        identity.save(run_file)
    try:
        asyncio.run(_prepared(directory, components, observer, lifeline).run(on_ready))
    finally:
        run_file.unlink(missing_ok=True)


def _prepared(
    directory: DataDirectory, components: Sequence[Component], observer: Observer, lifeline: int | None
) -> Supervisor:
    """Everything that has to be there before the first component: no processes yet."""
    for name in reap(directory):
        _LOG.warning("%s was left behind by an earlier supervisor and has been stopped", name)
    settings = Settings.load(directory.root)
    create_secrets(directory)
    try:
        ensure_certificates(settings.pki.dir, settings.public_names)
    except PkiError as error:
        raise DataDirectoryError(str(error)) from error
    ports = assign(directory, settings, [port for one in components for port in one.ports])
    write_environment(directory, settings, ports)
    settings = Settings.load(directory.root)
    board = StateBoard(directory, observer)
    return Supervisor(settings, directory, ports, components, board, lifeline=lifeline)


def _binaries(components: Sequence[Component]) -> list[Path]:
    find: dict[str, Callable[[], Path]] = {
        "postgres": lambda: binaries.postgres("postgres"),
        "valkey": binaries.valkey,
        "nats": lambda: binaries.script("nats-server"),
        "temporal": lambda: binaries.script("temporal"),
        "traefik": lambda: binaries.script("traefik"),
    }
    return [find[one.name]() for one in components if one.name in find]


def _log_to(directory: DataDirectory) -> None:
    handler = logging.FileHandler(directory.log(SUPERVISOR), encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOG.handlers[:] = [handler]
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
