"""`sbs up`: in the foreground, or as a process of its own that goes on when the terminal is closed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sbs_restic.cli import ResticUnavailableError, find_restic
from sbs_server.config import Settings
from sbs_server.embedded import account
from sbs_server.embedded.component import Component
from sbs_server.embedded.errors import (
    AlreadyRunningError,
    BinaryMissingError,
    EmbeddedError,
    StartFailedError,
)
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.logs import tail
from sbs_server.embedded.orphans import SUPERVISOR, live_supervisor
from sbs_server.embedded.session import open_directory, run
from sbs_server.embedded.state import ComponentState
from sbs_server.embedded.status import status
from sbs_server.embedded.table import select
from sbs_server.embedded.terminal import Progress

Say = Callable[[str], None]
_TAIL_LINES = 20
_WITH_RESTIC = {"api", "worker"}


def up_in_foreground(data_dir: Path, only: Sequence[str] | None, say: Say) -> None:
    """Be the supervisor until Ctrl-C or SIGTERM. Errors: EmbeddedError, ConfigurationError."""
    _require_restic(data_dir, select(only))
    directory = open_directory(data_dir)
    with Progress() as progress:
        run(directory, only, progress.change, lambda: say("Ready. Ctrl-C stops everything."))


def up_detached(data_dir: Path, only: Sequence[str] | None, say: Say) -> None:
    """Start the supervisor as a process of its own and wait until all components are ready.

    Does nothing if they run already. Interrupted, it stops what it has started. Errors: EmbeddedError,
    ConfigurationError.
    """
    components = select(only)
    if live_supervisor(DataDirectory(data_dir)) is not None:
        say(_already_running(data_dir, components))
        return
    _require_restic(data_dir, components)
    directory = open_directory(data_dir)
    process, reader = _start(directory, only)
    try:
        _follow(process, reader, directory)
    except KeyboardInterrupt:
        say("Interrupted: stopping what has been started.")
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    say(f"Ready. `sbs status` shows the components, `sbs down` stops them; data and logs are in {data_dir}.")


def _already_running(data_dir: Path, components: Sequence[Component]) -> str:
    """What to say about the platform that runs. Errors: AlreadyRunningError, if it is not all that is wanted."""
    states = {row.component: row.state for row in status(data_dir).components}
    lacking = [one.name for one in components if states.get(one.name) not in {"ready", "done"}]
    if lacking:
        raise AlreadyRunningError(
            f"a supervisor already runs on {data_dir}, but not ready there: {', '.join(lacking)}; "
            "`sbs status` shows more, `sbs down` stops it"
        )
    http = Settings.load(data_dir).http
    return (
        f"Already running: console and API {http.console_url}, agents {http.agent_url}, their bus "
        f"{http.nats_public_url}. `sbs status` shows the components, `sbs down` stops them."
    )


def _require_restic(data_dir: Path, components: Sequence[Component]) -> None:
    """Says now, in one line, what else two components would say in their logs. Errors: BinaryMissingError."""
    if _WITH_RESTIC.isdisjoint(one.name for one in components):
        return
    chosen = Settings.load(data_dir).restic_binary
    try:
        find_restic(None if chosen is None else str(chosen))
    except ResticUnavailableError as error:
        raise BinaryMissingError(str(error)) from error


def _start(directory: DataDirectory, only: Sequence[str] | None) -> tuple[subprocess.Popen[bytes], int]:
    reader, writer = os.pipe()
    log = directory.log(SUPERVISOR)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    if account.is_root():
        owner = account.ensure_account(directory.root)
        os.fchown(handle, owner.pw_uid, owner.pw_gid)
    argv = [sys.executable, "-m", "sbs_server.embedded", "--data-dir", str(directory.root)]
    argv += ["--only", ",".join(only or ()), "--progress-fd", str(writer)]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=handle,
        stderr=handle,
        pass_fds=(writer,),
        start_new_session=True,
        cwd="/",
    )
    os.close(writer)
    os.close(handle)
    return process, reader


def _follow(process: subprocess.Popen[bytes], reader: int, directory: DataDirectory) -> None:
    with os.fdopen(reader, encoding="utf-8") as lines, Progress() as progress:
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if "component" in message:
                progress.change(ComponentState(**message["component"]))
            elif "error" in message:
                process.wait()
                raise _failure(message, directory)
            else:
                return
    code = process.wait()
    raise StartFailedError(SUPERVISOR, f"ended with exit code {code}", directory.log(SUPERVISOR))


def _failure(message: dict[str, Any], directory: DataDirectory) -> Exception:
    component = message["failed"]
    if component is None:
        return EmbeddedError(message["error"])
    reason = message["error"].removeprefix(f"{component}: ")
    return StartFailedError(component, reason, directory.log(component))


def last_words(error: StartFailedError) -> str:
    """The end of the failing component's log, for the terminal; empty if there is none."""
    if error.log is None or not error.log.exists():
        return ""
    lines = "\n".join(f"  {line}" for line in tail(error.log, _TAIL_LINES))
    return f"The last lines of {error.log}:\n{lines}"
