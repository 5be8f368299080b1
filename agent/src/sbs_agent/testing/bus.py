"""A real nats-server with JetStream and mutual TLS, and the control plane's end of the bus."""
# ruff: noqa: S101 - test code, kept outside of the tests folder

import asyncio
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig

from sbs_agent.endings import end
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.commands import Body, Command, command_adapter
from sbs_protocol.events import CommandFinished, Event, event_adapter
from sbs_protocol.identifiers import COMMAND_STREAM, EVENT_STREAM, command_consumer, command_subject

_NATS_SERVER = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """Can be killed and started again on the same port and data."""

    def __init__(self, folder: Path, certificate: tuple[Path, Path], root: Path) -> None:
        self._folder, self._certificate, self._root = folder, certificate, root
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"tls://localhost:{self.port}"

    def start(self, *, refuse_everybody: bool = False) -> None:
        crt, key = self._certificate
        refusing = 'authorization { user: "nobody", password: "knows" }' if refuse_everybody else ""
        config = self._folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f"jetstream {{ store_dir: {self._folder}/js }}\n"
            f"tls {{ cert_file: {crt}, key_file: {key}, ca_file: {self._root}\n"
            "  verify: true, handshake_first: true }\n"
            f"{refusing}\n"
        )
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen([_NATS_SERVER, "-c", config], stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._root)
        context.load_cert_chain(*self._certificate)
        return context


class ControlSide:
    """Streams, the agent's consumer, commands out, events in."""

    def __init__(self, server: NatsServer, agent_id: UUID) -> None:
        self._server, self._agent_id = server, agent_id
        self._client: Client | None = None
        self.events: list[Event] = []
        self.messages: list[Msg] = []
        self.core: list[tuple[str, bytes]] = []
        self._reader: asyncio.Task[None] | None = None

    @property
    def jetstream(self) -> JetStreamContext:
        assert self._client is not None
        return self._client.jetstream()

    async def connect(self, *, streams: bool = True, consumer: bool = True) -> None:
        self._client = await _connected(self._server)
        if streams:
            await self.make_streams()
        if consumer:
            await self.make_consumer()
        for subject in ("hb.*", "prg.*"):
            await self._client.subscribe(subject, cb=self._hear)

    async def make_streams(self) -> None:
        await self.jetstream.add_stream(
            StreamConfig(name=COMMAND_STREAM, subjects=["cmd.*"], retention=RetentionPolicy.WORK_QUEUE)
        )
        await self.jetstream.add_stream(
            StreamConfig(name=EVENT_STREAM, subjects=["evt.>"], retention=RetentionPolicy.WORK_QUEUE)
        )
        self.read_events()

    def read_events(self) -> None:
        self._reader = asyncio.create_task(self._read())

    async def make_consumer(self) -> None:
        await self.jetstream.add_consumer(
            COMMAND_STREAM,
            ConsumerConfig(
                durable_name=command_consumer(self._agent_id),
                filter_subject=command_subject(self._agent_id),
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=30,
                mem_storage=True,
            ),
        )

    async def send(self, command_id: str, body: Body, attempt: int = 1) -> Command:
        command = Command(
            protocol=PROTOCOL_VERSION,
            command_id=command_id,
            attempt=attempt,
            issued_at=datetime.now(UTC),
            body=body,
        )
        await self.send_bytes(command_adapter.dump_json(command))
        return command

    async def send_bytes(self, data: bytes) -> None:
        await self.jetstream.publish(command_subject(self._agent_id), data)

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.body.kind == kind]

    def outcomes(self) -> list[CommandFinished]:
        return [event.body for event in self.events if isinstance(event.body, CommandFinished)]

    async def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Wait for a condition over what was heard."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - any condition, of any owner
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        if self._reader is not None:
            await end([self._reader])
        if self._client is not None:
            await self._client.close()

    async def _read(self) -> None:
        subscription = await self.jetstream.pull_subscribe("evt.>", durable="bus", stream=EVENT_STREAM)
        while True:
            try:
                messages = await subscription.fetch(10, timeout=1)
            except TimeoutError:
                continue
            for message in messages:
                await message.ack()
                self.messages.append(message)
                self.events.append(event_adapter.validate_json(message.data))

    async def _hear(self, message: Msg) -> None:
        self.core.append((message.subject, message.data))


async def _connected(server: NatsServer) -> Client:
    async def quiet(error: Exception) -> None:
        pass

    async with asyncio.timeout(20):
        while True:
            try:
                return await nats.connect(
                    server.url,
                    tls=server.tls(),
                    tls_handshake_first=True,
                    error_cb=quiet,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.05,
                )
            except (OSError, NatsError):
                await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
