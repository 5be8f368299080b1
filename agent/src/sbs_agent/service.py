"""`sbs-agent run`: puts the parts together and runs them until the system says stop."""

import asyncio
import secrets
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from sbs_agent import __version__
from sbs_agent.commands import Tools, carry_out
from sbs_agent.commands.restore_leftovers import remove_leftovers
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.endings import end
from sbs_agent.errors import StateError
from sbs_agent.executor import Executor
from sbs_agent.journal import Journal, Key
from sbs_agent.keys import utc_now
from sbs_agent.pace import Pace
from sbs_agent.platform import platform
from sbs_agent.presence import Presence
from sbs_agent.renew import keep_renewed
from sbs_agent.reporting import Reporter
from sbs_agent.repository_access import RepositoryAccess
from sbs_agent.restic_binary import ResticBinary
from sbs_agent.session import Session
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.events import Heartbeat, Hello, Progress
from sbs_restic.cli.errors import ResticUnavailableError

log = structlog.get_logger(__name__)

CAPABILITIES = ["backup.run", "restore.run", "command.cancel", "paths.raw"]
_STOP_PATIENCE_SECONDS = 17.0
_LAST_EVENTS_LOOKS, _LAST_EVENTS_PAUSE_SECONDS = 30, 0.05
_MOST_UNFINISHED = 1000
_PRUNE_SECONDS = 24 * 3600.0


@dataclass(slots=True)
class Agent:
    """What the session talks to: commands in, facts about this machine out."""

    executor: Executor
    journal: Journal
    restic: ResticBinary
    boot_id: str

    def deliver(self, message: bytes) -> None:
        self.executor.deliver(message)

    async def hello(self) -> Hello:
        system = platform.describe()
        version, problem = await asyncio.to_thread(self._restic_version)
        if problem is not None:
            log.warning("restic can't be used: no backup and no restore until it can", problem=problem)
        return Hello(
            protocol=PROTOCOL_VERSION,
            agent_version=__version__,
            capabilities=CAPABILITIES,
            hostname=system.hostname,
            os=system.os,
            os_version=system.os_version,
            arch=system.arch,
            restic_version=version,
            restic_problem=problem,
            boot_id=self.boot_id,
            open_commands=self.journal.for_hello(),
            unfinished_restores=self.journal.unfinished_restores(_MOST_UNFINISHED),
        )

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(
            protocol=PROTOCOL_VERSION, boot_id=self.boot_id, active_commands=self.executor.active()
        )

    def _restic_version(self) -> tuple[str | None, str | None]:
        try:
            return self.restic.find().version_text, None
        except ResticUnavailableError as error:
            return None, str(error)


async def run(state: StateDirectory, pid: int, pace: Pace | None = None) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        NotEnrolledError, StateLockedError, StateDamagedError: before anything was started.
        StateError: the journal can't be written; nothing is taken from the bus that could not be kept.
    """
    identity = state.identity()
    state.create()
    with platform.exclusive_lock(state.lock_file):
        stop = _stop_signal(asyncio.get_running_loop())
        try:
            await _run(state, identity, Presence(pid), pace or Pace(), stop)
        except sqlite3.Error as error:
            raise StateError(
                f"the journal {state.journal_file} cannot be used any more ({error})",
                "free space, check the disk, run: sbs-agent doctor",
            ) from error


async def _run(
    state: StateDirectory, identity: Identity, presence: Presence, pace: Pace, stop: asyncio.Event
) -> None:
    event_waits = asyncio.Event()
    journal = Journal(state.journal_file, event_waits.set)
    restic = ResticBinary.from_environment(state)
    access = RepositoryAccess(state, identity, pace)
    never = _never_restored_to(state)
    tools = Tools(access.open, access.unreachable, restic.runner, journal, never, (state.cache,))

    async def publish(progress: Progress) -> None:
        presence.progress(progress)
        await session.publish_progress(progress)

    def reporter(key: Key) -> Reporter:
        return Reporter(key, journal, publish, pace.progress)

    tidy = asyncio.Event()
    executor = Executor(journal, presence, lambda job: carry_out(job, tools), reporter, cancelled=tidy.set)
    agent = Agent(executor, journal, restic, secrets.token_hex(8))
    session = Session(state, identity, journal, presence, pace, agent, event_waits)
    log.info("started", version=__version__, agent_id=identity.agent_id.hex, state=str(state.path))
    try:
        executor.recover()
        async with _background(
            session.run(),
            keep_renewed(state, identity, pace, session.reconnect),
            presence.write_now_and_then(state.status_file, pace.status_file),
            _prune(journal, tidy),
        ) as failed:
            await _first(stop.wait(), failed)
            log.info("stopping")
            await executor.stop(_STOP_PATIENCE_SECONDS)
            await _drain(journal, presence)
    finally:
        presence.offline("stopped")
        presence.write(state.status_file)
        journal.close()
        log.info("stopped")


@asynccontextmanager
async def _background(*work: Coroutine[None, None, None]) -> AsyncIterator["asyncio.Future[None]"]:
    """Run these beside the body; yields what is done when one of them ends, which none of them should."""
    tasks = [asyncio.create_task(w) for w in work]
    failed = asyncio.ensure_future(_any(tasks))
    try:
        yield failed
    finally:
        await end([failed, *tasks])
    for task in tasks:
        if not task.cancelled():
            task.result()  # a task of these ends only by a mistake, which must be seen


async def _any(tasks: "list[asyncio.Task[None]]") -> None:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _first(stop: Coroutine[None, None, bool], failed: "asyncio.Future[None]") -> None:
    waiting = asyncio.ensure_future(stop)
    both: set[asyncio.Future[Any]] = {waiting, failed}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _drain(journal: Journal, presence: Presence) -> None:
    """A moment for the last events; what does not leave now leaves after the next start."""
    for _ in range(_LAST_EVENTS_LOOKS):
        if not presence.status.online or not journal.waiting_events():
            return
        await asyncio.sleep(_LAST_EVENTS_PAUSE_SECONDS)


async def _prune(journal: Journal, tidy: asyncio.Event) -> None:
    """Once a day, and whenever something was cancelled that may have left files in a target."""
    while True:
        tidy.clear()
        await remove_leftovers(journal, utc_now())
        journal.prune(utc_now())
        with suppress(TimeoutError):
            async with asyncio.timeout(_PRUNE_SECONDS):
                await tidy.wait()


def _never_restored_to(state: StateDirectory) -> tuple[Path, ...]:
    """Also not into our own state: a restored journal or key would be obeyed."""
    return (*platform.forbidden_targets(), state.path)


def _stop_signal(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set on SIGTERM and SIGINT. `signal.signal` and not the loop's own way: Windows has only this one."""
    stop = asyncio.Event()

    def ask(number: int, _frame: object) -> None:
        log.info("asked to stop", signal=signal.Signals(number).name)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop
