"""The gateway as an ASGI application: who asks, what for, is it allowed, do it, count it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.types import Receive, Scope, Send

from sbs_server.gateway.access import decide
from sbs_server.gateway.authorize import AgentIdentity, Authorizer, CertificateReader, IngressGuard
from sbs_server.gateway.errors import (
    GatewayError,
    MalformedError,
    RefusedError,
    StorageTroubleError,
    UnavailableError,
)
from sbs_server.gateway.exchange import ClientGoneError, Exchange
from sbs_server.gateway.layout import StorageRoots, parse_target
from sbs_server.gateway.locks import GuestLock, LockRegistry
from sbs_server.gateway.metering import Meter
from sbs_server.gateway.operations import Call, Limits, Operations
from sbs_server.gateway.room import FileSystemRoom, Room
from sbs_server.gateway.state import GatewayState
from sbs_server.gateway.temporary import TemporaryFiles
from sbs_server.gateway.threads import Threads
from sbs_server.gateway.transfers import Transfers
from sbs_server.gateway.uploads import UploadTools

_log = structlog.get_logger("sbs.gateway")
_METER_EVERY_S = 60.0
_SWEEP_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What the entry point has to provide."""

    authorizer: Authorizer
    ingress: IngressGuard
    certificates: CertificateReader
    roots: StorageRoots
    state: GatewayState
    threads: Threads
    limits: Limits
    room: Room
    temporary: TemporaryFiles


def parts(
    *,
    authorizer: Authorizer,
    ingress: IngressGuard,
    certificates: CertificateReader,
    roots: StorageRoots,
    state: GatewayState,
    limits: Limits | None = None,
    room: Room | None = None,
    temporary: TemporaryFiles | None = None,
) -> GatewayParts:
    """`GatewayParts` with what is usual for the rest."""
    return GatewayParts(
        authorizer,
        ingress,
        certificates,
        roots,
        state,
        Threads(),
        limits or Limits(),
        room or FileSystemRoom(),
        temporary or TemporaryFiles(state),
    )


class Gateway:
    """The application; its lifespan sweeps what a killed one left behind, and runs the watch."""

    def __init__(self, given: GatewayParts, *, on_failure: Callable[[], None]) -> None:
        """`on_failure` is called if a background task dies: without the watch no revocation acts, so the process
        has to end (and be restarted by its supervisor)."""
        self._given = given
        self._on_failure = on_failure
        self._locks = LockRegistry(given.state)
        self._meter = Meter()
        self._transfers = Transfers(given.authorizer, idle_limit_s=given.limits.idle_s)
        tools = UploadTools(given.roots, given.temporary, given.room)
        self._operations = Operations(given.roots, tools, self._locks, given.threads, given.limits)
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            exchange = Exchange(scope, receive, send)
            if exchange.raw_path in (b"/healthz", b"/readyz"):
                await self._health(exchange)
            else:
                await self._serve(exchange)

    async def _serve(self, exchange: Exchange) -> None:
        try:
            exchange.check_headers()
            self._given.ingress.check(exchange.headers)
            agent = self._given.certificates.identify(exchange.headers)
        except GatewayError as error:
            _log.warning("gateway.refused", method=exchange.method, reason=str(error), status=error.status)
            await exchange.refuse(error)
            return
        await self._serve_agent(exchange, agent)

    async def _serve_agent(self, exchange: Exchange, agent: AgentIdentity) -> None:
        restic_repository_id = UUID(int=0)
        try:
            target = parse_target(exchange.raw_path)
            restic_repository_id = target.restic_repository_id
            with self._transfers.running(agent, restic_repository_id) as transfer:
                grant = await self._given.authorizer.restic_repository(restic_repository_id, agent)
                act = decide(exchange.method, target, exchange.query, own=grant.own)
                usage = self._meter.of(restic_repository_id, agent.agent_id)
                call = Call(exchange, target, agent, grant, transfer, usage, len(self._transfers))
                await self._operations.carry_out(act, call)
        except ClientGoneError:
            _log.info("gateway.client_gone", agent_id=agent.agent_id.hex, method=exchange.method)
        except GatewayError as error:
            await self._refuse(exchange, agent, restic_repository_id, error)
        except OSError as error:
            trouble = StorageTroubleError(f"the storage failed: {error.strerror}")
            await self._refuse(exchange, agent, restic_repository_id, trouble)

    async def _refuse(
        self, exchange: Exchange, agent: AgentIdentity, restic_repository_id: UUID, error: GatewayError
    ) -> None:
        self._meter.of(restic_repository_id, agent.agent_id).refusals[error.code] += 1
        # 404 is everyday life (restic looks for a config before it initialises); the rest is worth a line.
        log = _log.info if error.status == 404 else _log.warning
        log(
            "gateway.refused",
            agent_id=agent.agent_id.hex,
            organization_id=agent.organization_id.hex,
            restic_repository_id=restic_repository_id.hex,
            method=exchange.method,
            path=exchange.raw_path.decode("ascii", "replace")[:200],
            status=error.status,
            code=error.code,
            reason=str(error),
        )
        if not exchange.started:
            await exchange.refuse(error)
        # Else: the head of the answer is out. Coming back without completing it makes the server close the
        # connection, and the client sees a broken transfer instead of a short object.

    async def _health(self, exchange: Exchange) -> None:
        try:
            if exchange.method not in ("GET", "HEAD"):
                raise MalformedError("health is asked for with GET")
            if exchange.raw_path == b"/readyz":
                await self._check_ready()
        except GatewayError as error:
            await exchange.refuse(error)
            return
        await exchange.answer(200, [(b"content-type", b"text/plain")], b"ok\n")

    async def _check_ready(self) -> None:
        if not self._background or any(task.done() for task in self._background):
            raise UnavailableError("the gateway is starting or stopping")
        unusable = await self._given.threads.run(self._given.roots.unusable)
        if unusable:
            raise UnavailableError(f"storage folders can't be used: {', '.join(map(str, unusable))}")
        await self._given.authorizer.ready()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._begin()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _begin(self) -> None:
        given = self._given
        files = await given.threads.run(given.temporary.sweep, given.roots)
        locks = await given.threads.run(self._locks.sweep, given.roots, older_than_s=0.0)
        _log.info("gateway.started", swept_files=files, swept_locks=locks)
        for task in (self._transfers.watch(), self._report(), self._sweep_locks()):
            self._background.append(self._watched(task))

    async def _end(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._log_usage()
        await self._given.authorizer.close()
        self._given.threads.close()
        self._given.state.close()

    def _watched(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._check_background)
        return task

    def _check_background(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("gateway.background_failed", exc_info=error)
            self._on_failure()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_METER_EVERY_S)
            self._log_usage()

    def _log_usage(self) -> None:
        for restic_repository_id, agent_id, usage in self._meter.drain_moved():
            _log.info(
                "gateway.usage",
                restic_repository_id=restic_repository_id.hex,
                agent_id=agent_id.hex,
                bytes_in=usage.bytes_in,
                bytes_out=usage.bytes_out,
                objects_in=usage.objects_in,
                objects_out=usage.objects_out,
                locks_removed=usage.locks_removed,
                refusals=dict(usage.refusals),
            )

    async def _sweep_locks(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            given = self._given
            await given.threads.run(self._locks.sweep, given.roots, older_than_s=_SWEEP_EVERY_S)
            await sweep_guests(self._locks, given, older_than_s=_SWEEP_EVERY_S)


async def sweep_guests(locks: LockRegistry, given: GatewayParts, *, older_than_s: float) -> int:
    """Removes the locks of agents that only restored from a repository and may not any more; returns how many.

    What can't be found out or reached now is left to the next time.
    """
    removed = 0
    for lock in await given.threads.run(locks.of_guests, older_than_s=older_than_s):
        try:
            await given.authorizer.restic_repository(lock.restic_repository_id, lock.guest)
        except RefusedError:
            removed += await _remove(locks, given, lock)
        except GatewayError as error:
            _log.warning("gateway.guest_lock_left", reason=str(error))
    return removed


async def _remove(locks: LockRegistry, given: GatewayParts, lock: GuestLock) -> bool:
    found = {"restic_repository_id": lock.restic_repository_id.hex, "agent_id": lock.guest.agent_id.hex}
    try:
        await given.threads.run(locks.remove, given.roots, lock)
    except (GatewayError, OSError) as error:
        _log.warning("gateway.guest_lock_left", **found, reason=str(error))
        return False
    _log.info("gateway.guest_lock_removed", **found)
    return True
