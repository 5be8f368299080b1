"""The HTTP server around the application: uvicorn with httptools, tuned for few, long, large requests."""

from __future__ import annotations

import ctypes
import signal
from typing import Literal

import uvicorn

from sbs_server.gateway.app import Gateway, GatewayParts

# Longer than Traefik keeps idle connections (90 s): the side that sends requests must be the one that closes,
# or an upload meets a connection that has just been closed.
_KEEP_ALIVE_S = 120
_FINISH_UPLOADS_S = 30


# mallopt(3) of glibc: names and numbers from <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 64 << 20

Loop = Literal["asyncio", "uvloop"]


class GatewayServer:
    """Builds application and server; `run` blocks until SIGTERM or SIGINT.

    Then no new connection is taken, running requests may go on for half a minute, the rest is cut (and leaves
    nothing behind).
    """

    def __init__(self, given: GatewayParts, host: str, port: int, *, loop: Loop = "uvloop") -> None:
        """`loop` is there for the benchmark that chose it."""
        app = Gateway(given, on_failure=self._fail)
        self._failed = False
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop=loop,
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_FINISH_UPLOADS_S,
            )
        )

    def run(self) -> None:
        """Returns when the server was asked to stop and has stopped. Raises: SystemExit, if it failed."""
        # uvicorn raises the signal again when it has finished; without handlers of ours an orderly end would look
        # like a death.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        _keep_freed_memory()
        self._server.run()
        if self._failed or not self._server.started:
            raise SystemExit("the gateway failed; its log says why")

    def _fail(self) -> None:
        self._failed = True
        self._stop()

    def _stop(self) -> None:
        self._server.should_exit = True


def _keep_freed_memory() -> None:
    """Let glibc keep up to 64 MiB of freed memory instead of giving each buffer back to the system at once.

    Blocks of 256 KiB and more come and go all the time here; mapping and zeroing their pages anew each time
    cost the server 0.2 to 0.3 s of CPU for each GiB. Other C libraries have no such function and need none.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 2)
