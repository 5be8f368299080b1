"""The application behind a real HTTP server, for what a connection shows: streams, and how they end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import uvicorn

from sbs_server.auth.caller import CSRF_HEADER
from sbs_server.auth.sessions import COOKIE
from sbs_server.kit.http.headers import INGRESS
from sbs_server.testing.api import Api, Person


async def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Waits for something that tells nobody when it comes about."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


class _Server(uvicorn.Server):
    """Leaves signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(api: Api) -> AsyncIterator[str]:
    """The application on a port of its own; gives the address."""
    config = uvicorn.Config(
        api.app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False, http="httptools"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        await task


@contextlib.asynccontextmanager
async def over_http(api: Api, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that person's session over a real connection, by way of the ingress."""
    headers = {
        INGRESS: api.services.settings.http.ingress_secret(),
        CSRF_HEADER: person.client.headers[CSRF_HEADER],
        # The cookie is for HTTPS only, so the jar would keep it back.
        "Cookie": f"{COOKIE}={person.client.cookies[COOKIE]}",
    }
    async with (
        serving(api) as address,
        httpx.AsyncClient(base_url=address, headers=headers, timeout=120) as client,
    ):
        yield client
