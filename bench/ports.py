"""Ports of servers that a benchmark starts by itself."""

import socket
from subprocess import Popen

from bench.errors import BenchError
from demo.waiting import until

_LISTEN_S = 30


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: Popen[bytes]) -> None:
    """Until the process listens there. Errors: BenchError, if it ends first; DemoError, if it takes too long."""

    def listens() -> bool | None:
        if process.poll() is not None:
            raise BenchError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return None
        return True

    until(listens, _LISTEN_S, f"{process.args!r} to listen on port {port}", pause_s=0.02)
