"""The application: routers, layers around them, and what the endpoints find in `app.state`."""

import asyncio
import functools
from collections.abc import Set
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI
from valkey.asyncio import Valkey

from sbs_protocol.enrolment import Endpoints
from sbs_server.about.endpoints import API_VERSION
from sbs_server.agents.agent_endpoints import FAILED_ENROLMENTS
from sbs_server.agents.authority import AgentAuthority
from sbs_server.agents.command_secrets import CommandSecrets
from sbs_server.agents.enrolment import Enrolment
from sbs_server.api import failures, health
from sbs_server.api.document import document
from sbs_server.api.routers import ROUTERS
from sbs_server.auth.passwords import Passwords
from sbs_server.auth.service import SignIn
from sbs_server.auth.sessions import Sessions
from sbs_server.changes.feed import ChangeFeed
from sbs_server.config import Settings
from sbs_server.console.files import ConsoleFiles
from sbs_server.kit.db.session import Database
from sbs_server.kit.health import Health
from sbs_server.kit.http import problems
from sbs_server.kit.http.bodies import JsonBodies
from sbs_server.kit.http.context import RequestContext
from sbs_server.kit.http.ingress import IngressOnly
from sbs_server.kit.http.open_streams import OpenStreams
from sbs_server.kit.throttle import Throttle
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.places import Places
from sbs_server.repositories.spaces import Spaces
from sbs_server.runs.live import LiveSource
from sbs_server.snapshots.reader import SnapshotReader

_LOCAL_NAMES = frozenset({"localhost", "console.localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ApiServices:
    """What the entry point builds. `database` is that of `sbs_app`; `stopping` is set when the process is to end."""

    settings: Settings
    database: Database
    valkey: Valkey
    passwords: Passwords
    secrets: SecretStore
    authority: AgentAuthority
    places: Places
    live: LiveSource
    changes: ChangeFeed
    snapshot_reader: SnapshotReader
    stopping: asyncio.Event


def described_app() -> FastAPI:
    """The routers and their document, with nothing behind them."""
    app = FastAPI(
        title="SBS administration API",
        version=API_VERSION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect from a slash would lose the body and, behind the ingress, name the wrong host.
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(health.router)
    # Made when it is first asked for: a process that is starting has better things to do.
    app.openapi = functools.cache(functools.partial(document, app))  # type: ignore[method-assign]  # as FastAPI says
    return app


def create_app(services: ApiServices) -> FastAPI:
    """The application as it is served. `app.state` has settings, database, valkey, secrets, stopping and what is
    built of them."""
    app = described_app()
    problems.install(app)
    failures.install(app)
    _provide(app, services)
    # After all routes, and not one of them: a wrong method on a route stays 405.
    settings = services.settings
    app.router.default = ConsoleFiles(settings.console.dir, console_names(settings))
    # Innermost first: a body is read when the request is known to be ours.
    app.add_middleware(JsonBodies)
    app.add_middleware(IngressOnly, secret=settings.http.ingress_secret(), hosts=host_names(settings))
    app.add_middleware(RequestContext)
    return app


def host_names(settings: Settings) -> Set[str]:
    """Every name under which this API may be called."""
    agents = urlsplit(settings.http.agent_url).hostname
    return console_names(settings) | ({agents} if agents else set())


def console_names(settings: Settings) -> Set[str]:
    """The names under which browsers get the console."""
    configured = urlsplit(settings.http.console_url).hostname
    public = {host for name in settings.public_names for host in (name, f"console.{name}")}
    return _LOCAL_NAMES | public | ({configured} if configured else set())


def _provide(app: FastAPI, services: ApiServices) -> None:
    settings, valkey = services.settings, services.valkey
    endpoints = Endpoints(agent_url=settings.http.agent_url, nats_url=settings.http.nats_public_url)
    state = app.state
    state.settings = settings
    state.database = services.database
    state.valkey = valkey
    state.secrets = services.secrets
    state.places = services.places
    state.live = services.live
    state.changes = services.changes
    state.streams = OpenStreams()
    state.spaces = Spaces(services.places)
    state.snapshot_reader = services.snapshot_reader
    state.stopping = services.stopping
    state.health = Health("", 0, health.checks(settings, services.database, valkey))
    state.sessions = Sessions(valkey)
    state.sign_in = SignIn(services.database, services.passwords, valkey)
    state.agent_authority = services.authority
    state.enrolment = Enrolment(services.authority, endpoints)
    state.failed_enrolments = Throttle(valkey, FAILED_ENROLMENTS)
    state.command_secrets = CommandSecrets(services.secrets, settings.http.agent_url)
