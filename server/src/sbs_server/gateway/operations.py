"""The five things an agent may do, each from an allowed request to its answer."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from sbs_server.gateway.access import Act
from sbs_server.gateway.authorize import AgentIdentity, RepositoryGrant
from sbs_server.gateway.downloads import Download, parse_range
from sbs_server.gateway.errors import MissingError, RefusedError
from sbs_server.gateway.exchange import Exchange, while_connected
from sbs_server.gateway.layout import Kind, StorageRoots, Target
from sbs_server.gateway.listings import content_type, pieces
from sbs_server.gateway.locks import LockRegistry
from sbs_server.gateway.metering import Usage
from sbs_server.gateway.threads import Threads
from sbs_server.gateway.transfers import Transfer
from sbs_server.gateway.uploads import Upload, UploadTools, batch_size, receive

_OCTETS = (b"content-type", b"application/octet-stream")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of single requests; restic's largest objects are packs (--pack-size, at most 128 MiB and a header).

    A lock has less than 1 KiB. It may be added to a full storage, and to a repository of another agent.
    """

    object_bytes: int = 256 << 20
    lock_bytes: int = 64 << 10
    block_bytes: int = 1 << 20
    idle_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Call:
    """An allowed request: who, on what, with what is needed to keep track of it."""

    exchange: Exchange
    target: Target
    agent: AgentIdentity
    grant: RepositoryGrant
    transfer: Transfer
    usage: Usage
    # how many requests share the memory at its start
    running: int


class Operations:
    """Carries out what `access.decide` allowed."""

    def __init__(
        self, roots: StorageRoots, uploads: UploadTools, locks: LockRegistry, threads: Threads, limits: Limits
    ) -> None:
        self._roots = roots
        self._uploads = uploads
        self._locks = locks
        self._threads = threads
        self._limits = limits

    async def carry_out(self, act: Act, call: Call) -> None:
        """Answers the request. Raises: GatewayError, ClientGoneError."""
        if act is Act.READ_OBJECT:
            await self._read(call)
        elif act is Act.LIST_FOLDER:
            await self._list(call)
        elif act is Act.REMOVE_OWN_LOCK:
            await self._remove_lock(call)
        else:
            await self._add(call)

    async def _read(self, call: Call) -> None:
        kind, name = call.target.required_kind(), call.target.name
        download = await self._threads.run(Download.open, self._roots, call.grant, kind, name)
        try:
            span = parse_range(call.exchange.headers.get(b"range"), download.size)
            headers = [_OCTETS, (b"accept-ranges", b"bytes"), (b"content-length", b"%d" % span.length)]
            if span.partial:
                headers.append((b"content-range", b"bytes %d-%d/%d" % (span.start, span.stop - 1, span.size)))
            await call.exchange.start(206 if span.partial else 200, headers)
            if call.exchange.method == "HEAD" or not span.length:
                await call.exchange.write(b"", more=False)
                return
            async with aclosing(download.blocks(span, self._threads, self._limits.block_bytes)) as blocks:
                await self._send_blocks(call, blocks, span.length)
        finally:
            download.close()

    async def _send_blocks(self, call: Call, blocks: AsyncGenerator[bytes, None], length: int) -> None:
        sent = 0
        async with aclosing(while_connected(call.exchange, blocks)) as connected:
            async for block in connected:
                sent += len(block)
                await call.exchange.write(block, more=sent < length)
                call.usage.bytes_out += len(block)
                call.transfer.touch()
        call.usage.objects_out += 1

    async def _list(self, call: Call) -> None:
        version = content_type(call.exchange.headers.get(b"accept", b""))
        parts = pieces(self._roots, call.grant, call.target.required_kind(), version)
        try:
            piece = await self._threads.run(next, parts, None)
            await call.exchange.start(200, [(b"content-type", version)])
            while piece is not None:
                await call.exchange.write(piece, more=True)
                call.usage.bytes_out += len(piece)
                call.transfer.touch()
                piece = await self._threads.run(next, parts, None)
            await call.exchange.write(b"", more=False)
        finally:
            await self._threads.run(parts.close)

    async def _add(self, call: Call) -> None:
        kind, name = call.target.required_kind(), call.target.required_name()
        is_lock = kind is Kind.LOCKS
        size = call.exchange.content_length(self._limits.lock_bytes if is_lock else self._limits.object_bytes)
        upload = Upload(self._uploads, call.grant, kind, name, size)

        def note_maker() -> None:
            guest = None if call.grant.own else call.agent
            self._locks.record(
                call.grant.restic_repository_id, name, call.agent.agent_id, call.grant.root, guest
            )

        await receive(
            upload,
            _counted(call),
            self._threads,
            batch_bytes=batch_size(call.running),
            before_visible=note_maker if is_lock else None,
        )
        call.usage.objects_in += 1
        await call.exchange.answer(200)

    async def _remove_lock(self, call: Call) -> None:
        await self._threads.run(self._remove_own_lock, call.grant, call.agent, call.target.required_name())
        call.usage.locks_removed += 1
        await call.exchange.answer(200)

    def _remove_own_lock(self, grant: RepositoryGrant, agent: AgentIdentity, name: str) -> None:
        with self._roots.open(grant.root) as repository:
            repository.config_mode()
            if not repository.holds(Kind.LOCKS, name):
                # Gone already, the goal is reached: restic asks again when an answer was lost.
                self._locks.drop(grant.restic_repository_id, name)
                return
            if self._locks.maker(grant.restic_repository_id, name) != agent.agent_id:
                raise RefusedError(
                    "an agent may only remove locks it made itself; this one is somebody else's"
                )
            with repository.folder(Kind.LOCKS, name) as folder:
                _unlink(name, folder)
        self._locks.drop(grant.restic_repository_id, name)


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return  # a second request was faster
    except IsADirectoryError as error:
        raise MissingError("that is no lock") from error


async def _counted(call: Call) -> AsyncGenerator[bytes, None]:
    async with aclosing(call.exchange.body()) as body:
        async for chunk in body:
            call.usage.bytes_in += len(chunk)
            call.transfer.touch()
            yield chunk
