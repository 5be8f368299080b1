"""`sbs api`: serves the API until SIGTERM or SIGINT, then finishes what is under way."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

import structlog
import typer
import uvicorn
import uvloop

from sbs_restic.cli import Runner, RunnerSettings, find_restic
from sbs_server.agents.authority import AgentAuthority
from sbs_server.api.app import ApiServices, create_app
from sbs_server.auth.passwords import Passwords
from sbs_server.changes.feed import ChangeFeed
from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit import cache, logging
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope, EnvelopeError
from sbs_server.kit.pki import PkiError
from sbs_server.messaging.connection import Link
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.places import Places
from sbs_server.runs.live import LiveSource
from sbs_server.snapshots.reader import SnapshotReader

log = structlog.get_logger()

_POOL = 10
# Below the supervisor's 30 s. Live views end by themselves when `stopping` is set.
_GRACE_S = 20


class _Server(uvicorn.Server):
    """uvicorn, told to stop by us: its own handlers would raise the signal again and skip our clean-up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Runs until SIGTERM or SIGINT. Exit code 2: the settings, or a file they name, can't be used."""
    try:
        settings = Settings.load(role="api")
        logging.configure(settings.log_level, role="api")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (ConfigurationError, PkiError, EnvelopeError) as error:
        typer.echo(f"sbs api: {error}", err=True)
        raise typer.Exit(2) from error


async def serve(settings: Settings) -> None:
    """Serves on `settings.http.bind` and `api_port` until the process is told to stop."""
    stopping = asyncio.Event()
    async with build(settings, stopping) as services:
        server = _Server(
            uvicorn.Config(
                create_app(services),
                host=settings.http.bind,
                port=settings.http.api_port,
                http="httptools",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # The address of a client is read from the ingress's header where it is needed.
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        _stop_on_signal(server, stopping)
        log.info("serving", bind=settings.http.bind, port=settings.http.api_port)
        await server.serve()
    log.info("stopped")


def _stop_on_signal(server: uvicorn.Server, stopping: asyncio.Event) -> None:
    def stop() -> None:
        server.force_exit = server.should_exit  # a second signal: now
        server.should_exit = True
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


@contextlib.asynccontextmanager
async def build(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[ApiServices]:
    """Everything the API needs, closed at the end. Errors: ConfigurationError, PkiError, EnvelopeError."""
    database = Database(settings.database.url("sbs_app"), pool_size=_POOL, application_name="sbs api")
    valkey = cache.connect(settings.valkey)
    link = Link(settings.nats, "control")
    places = Places(settings.storage.roots)
    linked = asyncio.create_task(link.run())
    linked.add_done_callback(_tell)
    try:
        yield ApiServices(
            settings=settings,
            database=database,
            valkey=valkey,
            passwords=Passwords(),
            secrets=SecretStore(Envelope(settings.kek_file)),
            authority=AgentAuthority(settings.pki),
            places=places,
            live=LiveSource(link, valkey),
            changes=ChangeFeed(link),
            snapshot_reader=SnapshotReader(lambda: _reading_runner(settings)),
            stopping=stopping,
        )
    finally:
        linked.cancel()
        await asyncio.wait({linked})
        places.close()
        await valkey.aclose()
        await database.close()


def _tell(linked: asyncio.Task[None]) -> None:
    """Without the bus there is no live view; all else goes on."""
    if not linked.cancelled() and linked.exception() is not None:
        log.error("the link to NATS ended", exc_info=linked.exception())


def _reading_runner(settings: Settings) -> Runner:
    """restic for listings and downloads: it writes nothing, so it may be ended quickly. Errors: ResticCliError."""
    found = find_restic(None if settings.restic_binary is None else str(settings.restic_binary))
    folder = settings.cache_dir / "restic"
    folder.mkdir(parents=True, exist_ok=True)
    return Runner(
        RunnerSettings(binary=found.path, cache_dir=folder, interrupt_grace_s=2, terminate_grace_s=2)
    )
