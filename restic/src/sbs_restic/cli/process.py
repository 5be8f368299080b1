"""Run restic: one asyncio call from start to the last byte, with nothing left behind however it ends."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from sbs_restic.cli import exit_codes, messages
from sbs_restic.cli.control import ChildInputs, ProcessControl, system_control
from sbs_restic.cli.errors import Exit, ResticMissingError, ResticNotExecutableError, failure
from sbs_restic.cli.exit_codes import Outcome
from sbs_restic.cli.invocation import Document, Invocation, secret_bytes
from sbs_restic.cli.messages import Kinds
from sbs_restic.cli.streams import Collected, Conversation, Lines, OnMessage, Sink

_CHUNK_BYTES: Final = 64 * 1024
# restic waits one interval before its first line: rarer ones would tell later that it is at work. Whoever passes
# them on to somebody else keeps to a pace of his own.
_STATUS_LINES_PER_SECOND: Final = "10"
# How long the pipes may stay open after restic has ended: only a stray child of its own holds them then.
_DRAIN_S: Final = 5.0
_LOOK_S: Final = 0.5

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How restic runs on this machine.

    binary: from `find_restic`.
    cache_dir: restic's cache; None runs without one.
    temp_dir: for restic's temporary files and ours; None is the system's.
    prefix: a program that turns into restic, like ("nice", "-n", "19"). It must not fork or change the user.
    gomaxprocs: how many cores restic may use at the same time.
    env: further variables for restic. Never secrets.
    interrupt_grace_s, terminate_grace_s: patience after SIGINT and then SIGTERM, before SIGKILL. Under an upload
        limit restic finishes the packs that it is writing first: two of 16 MiB at 512 KiB/s take a minute.
    """

    binary: Path
    cache_dir: Path | None = None
    temp_dir: Path | None = None
    prefix: tuple[str, ...] = ()
    gomaxprocs: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    interrupt_grace_s: float = 30.0
    terminate_grace_s: float = 10.0


class Runner:
    """Starts restic and looks after it. Safe to use for several calls at the same time.

    Stopping: set `stop` and the call returns (or raises InterruptedRunError) when restic has ended; or cancel
    the task, which also waits until restic has ended. Cancelling once more kills it at once.
    """

    def __init__(self, settings: RunnerSettings, control: ProcessControl | None = None) -> None:
        self._settings = settings
        self._control = control or system_control()

    async def run(
        self,
        invocation: Invocation,
        *,
        kinds: Kinds = messages.NONE,
        on_message: OnMessage | None = None,
        stdout: Sink | None = None,
        stop: asyncio.Event | None = None,
    ) -> Exit:
        """Run restic to its end and say how it ended, whatever the exit code.

        kinds, on_message: which JSON lines of stdout and stderr are read as what, and who gets them.
        stdout: takes stdout instead, as bytes.
        An error raised by on_message or stdout stops restic and is raised here. restic is also stopped when there
        is no room where the repository is (it would try for a quarter of an hour): the outcome REPOSITORY_FULL.
        Raises ResticMissingError or ResticNotExecutableError when it can't be started, InvalidRequestError.
        """
        conversation = Conversation(kinds, on_message)
        sinks: tuple[Sink, Sink] = (stdout or Lines(conversation.hear), Lines(conversation.hear))
        with self._control.inputs(self._settings.temp_dir) as inputs:
            argv = await self._command_line(invocation, inputs)
            process = await self._spawn(argv, inputs)
        child = _Child(process, sinks, self._control, self._settings)
        returncode = await child.run(stop, conversation.hopeless)
        # Who asked for the end gets it as that, whatever else is wrong.
        full = None if stop is not None and stop.is_set() else conversation.storage_full
        stopped = child.stop_requested
        return Exit(
            command=invocation.name,
            returncode=returncode,
            meaning=exit_codes.interpret(returncode, stop_requested=stopped, storage_full=full is not None),
            stop_requested=stopped,
            message=full or conversation.last_words,
            diagnostics=conversation.diagnostics,
        )

    async def document(
        self, invocation: Invocation, shape: type[_T], *, stop: asyncio.Event | None = None
    ) -> _T:
        """Run a command that prints one JSON document and give it in that shape.

        Raises ResticFailedError, UnexpectedOutputError, OutputTooLargeError and what `run` raises.
        """
        collected = Collected()
        ensure_ok(await self.run(invocation, stdout=collected, stop=stop))
        return messages.parse_document(collected.data, shape, invocation.name)

    async def _command_line(self, invocation: Invocation, inputs: ChildInputs) -> list[str]:
        files = [(option, inputs.secret(secret_bytes(secret))) for option, secret in invocation.secrets]
        inputs.inherit(invocation.inherited)
        for option, pieces in invocation.documents:
            files.append((option, await _write_document(inputs, pieces)))
        cache = (
            ("--cache-dir", str(self._settings.cache_dir)) if self._settings.cache_dir else ("--no-cache",)
        )
        return [*self._settings.prefix, *invocation.command_line(str(self._settings.binary), cache, files)]

    async def _spawn(self, argv: list[str], inputs: ChildInputs) -> asyncio.subprocess.Process:
        binary = self._settings.binary
        if not binary.exists():
            raise ResticMissingError(f"{binary} is gone: install restic again")
        if not os.access(binary, os.X_OK):
            raise ResticNotExecutableError(f"{binary} is not executable any more: install restic again")
        try:
            return await self._control.spawn(argv, self._environment(), inputs, _CHUNK_BYTES)
        except OSError as error:
            raise ResticNotExecutableError(f"{argv[0]} can't be started: {error.strerror}") from error

    def _environment(self) -> dict[str, str]:
        env = {
            **self._control.environment(),
            "TZ": "UTC",
            "RESTIC_PROGRESS_FPS": _STATUS_LINES_PER_SECOND,
            **self._settings.env,
        }
        if self._settings.temp_dir:
            env["TMPDIR"] = env["TMP"] = str(self._settings.temp_dir)
        if self._settings.gomaxprocs:
            env["GOMAXPROCS"] = str(self._settings.gomaxprocs)
        return env


def ensure_ok(exit_: Exit) -> Exit:
    """Give it back when restic succeeded. Raises the ResticFailedError that stands for anything else."""
    if exit_.outcome is not Outcome.OK:
        raise failure(exit_)
    return exit_


async def _write_document(inputs: ChildInputs, pieces: Document) -> str:
    """Write in a thread (a document may come from a walk over many folders), and never leave it running."""
    abandoned = threading.Event()

    def until_abandoned() -> Iterator[bytes]:
        for piece in pieces():
            if abandoned.is_set():
                return
            yield piece

    writing = asyncio.ensure_future(asyncio.to_thread(lambda: inputs.document(until_abandoned())))
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        abandoned.set()
        await asyncio.wait([writing])
        raise


class _Child:
    """A running restic: its two streams, its end, and the ways to bring that about."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        sinks: tuple[Sink, Sink],
        control: ProcessControl,
        settings: RunnerSettings,
    ) -> None:
        self._process = process
        self._control = control
        self._settings = settings
        self._hurry = asyncio.Event()
        self._failed = asyncio.Event()
        self._error: Exception | None = None
        self._takers_at_work = 0
        self.stop_requested = False
        streams = (process.stdout, process.stderr)
        self._exited = asyncio.ensure_future(_end_of(process))
        self._pumps = [
            asyncio.ensure_future(self._pump(stream, sink))
            for stream, sink in zip(streams, sinks, strict=True)
            if stream is not None
        ]

    async def run(self, *stops: asyncio.Event | None) -> int:
        try:
            if not await self._ended_before(*stops, self._failed):
                self.stop_requested = True
                await self._bring_down()
            await self._drain()
        except BaseException:
            # Cancelled. Whoever took our messages has gone; restic may still be writing.
            await self._despite_cancellation(self._abandon())
            raise
        if self._error is not None:
            raise self._error
        return self._exited.result()

    async def _ended_before(self, *events: asyncio.Event | None, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - no error
        """Wait for the process's end, one of the events or the timeout; say whether it has ended."""
        waits = [asyncio.ensure_future(event.wait()) for event in events if event is not None]
        try:
            await asyncio.wait([self._exited, *waits], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._exited.done()

    async def _bring_down(self) -> None:
        for ask, patience in (
            (self._control.interrupt, self._settings.interrupt_grace_s),
            (self._control.terminate, self._settings.terminate_grace_s),
        ):
            if self._hurry.is_set():
                break
            ask(self._process)
            if await self._ended_before(self._hurry, timeout=patience):
                return
        self._control.kill(self._process)
        await self._exited

    async def _drain(self) -> None:
        """Wait for the streams' ends. A slow taker may take its time; a stray holder of the pipes may not."""
        open_, killed = set(self._pumps), False
        while open_:
            _, open_ = await asyncio.wait(open_, timeout=_DRAIN_S)
            if not open_ or (self._takers_at_work and not self.stop_requested):
                continue
            if killed:  # the holder has a session of its own: let go of the pipes
                await _cancel_all(open_)
                self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
                return
            self._control.kill(self._process)
            killed = True

    async def _abandon(self) -> None:
        await _cancel_all(self._pumps)
        # Somebody has to read on, or restic can't even say goodbye.
        self._pumps = [
            asyncio.ensure_future(_discard(stream))
            for stream in (self._process.stdout, self._process.stderr)
            if stream is not None
        ]
        self.stop_requested = True
        await self._bring_down()
        await self._drain()

    async def _despite_cancellation(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                self._hurry.set()
        await task

    async def _pump(self, stream: asyncio.StreamReader, sink: Sink) -> None:
        try:
            while chunk := await stream.read(_CHUNK_BYTES):
                self._takers_at_work += 1
                try:
                    await sink.feed(chunk)
                finally:
                    self._takers_at_work -= 1
            await sink.close()
        except Exception as error:  # noqa: BLE001 - whatever the taker raises is raised to our caller
            self._error = self._error or error
            self._failed.set()
            await _discard(stream)


async def _end_of(process: asyncio.subprocess.Process) -> int:
    """Give the return code. `wait` alone also waits for the pipes, which a stray child may hold for ever."""
    waiting = asyncio.ensure_future(process.wait())
    try:
        while process.returncode is None:
            await asyncio.wait([waiting], timeout=_LOOK_S)
    finally:
        waiting.cancel()
    return process.returncode


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK_BYTES):
        pass


async def _cancel_all(tasks: Iterable[asyncio.Future[None]]) -> None:
    for task in (all_ := list(tasks)):
        task.cancel()
    await asyncio.gather(*all_, return_exceptions=True)
