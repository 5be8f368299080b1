"""What a person is told when the control plane is not where the agent looks: the address, why, and what to do."""

import asyncio
import errno
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from sbs_agent.config import StateDirectory
from sbs_agent.reach import address_of, explain
from sbs_agent.testing.pki import Authority
from sbs_agent.testing.site import Site

RAW = ("Errno", "peer closed", "Error:", "ssl.c", "Multiple exceptions", "attempts failed", "/agent/v1")
Serve = Callable[[socket.socket], None]


def _closes(connection: socket.socket) -> None:
    connection.close()


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _speaks_plain_http(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    connection.close()


@contextmanager
def _listening(serve: Serve) -> Iterator[int]:
    """The port of a server that does this with each connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def loop() -> None:
            with suppress(OSError):
                while True:
                    serve(server.accept()[0])

        threading.Thread(target=loop, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _over_tls(authority: Authority, folder: Path, answer: bytes) -> Serve:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.server_files(folder))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1000)
            encrypted.sendall(answer)

    return serve


def _enrol(site: Site, state: StateDirectory, port: int) -> str:
    """The one line that a failed enrolment prints."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sbs_agent", "enrol", f"localhost:{port}"),
            *("--token-file", "-", "--state-dir", str(state.path)),
        ],
        input=site.plane.new_token(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert not [word for word in RAW if word in done.stderr], done.stderr
    assert f"https://localhost:{port}" in done.stderr
    assert ";" in done.stderr, "it does not say what would be right"
    return done.stderr


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (
            _closes,
            "closed the connection before it let this agent in; check that this is the control plane's",
        ),
        (
            _resets,
            "closed the connection before it let this agent in; check that this is the control plane's",
        ),
        (_speaks_plain_http, "does not speak TLS: another service listens there; give the control plane's"),
    ],
)
def test_enrolling_at_something_that_is_no_control_plane(
    site: Site, state: StateDirectory, serve: Serve, said: str
) -> None:
    with _listening(serve) as port:
        assert said in _enrol(site, state, port)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", "before its answer was complete"),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "does not answer as a control plane does (404",
        ),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "no control plane is up behind"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "does not answer as a control plane does"),
    ],
)
def test_enrolling_at_another_web_server(
    site: Site, state: StateDirectory, authority: Authority, tmp_path: Path, answer: bytes, said: str
) -> None:
    with _listening(_over_tls(authority, tmp_path, answer)) as port:
        assert said in _enrol(site, state, port)


def test_enrolling_where_nothing_listens(site: Site, state: StateDirectory) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert "it refuses connections, so nothing listens there; check host and port" in _enrol(
        site, state, port
    )


def test_doctor_and_run_name_the_address_in_the_same_words(enrolled: StateDirectory, site: Site) -> None:
    site.servers.close()
    for command in (["doctor"], ["run", "--log", "json"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "sbs_agent", *command, "--state-dir", str(enrolled.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = next(line for line in process.stdout if "cannot be reached" in line)
        process.terminate()
        process.stdout.close()
        process.wait(60)
        assert "cannot be reached: it refuses connections, so nothing listens there" in said
        assert not [word for word in RAW if word in said], said
        assert "//localhost:" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        # As asyncio tells it when a name has two addresses.
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0),"
                " [Errno 111] Connect call failed ('127.0.0.1', 1)"
            ),
            "it refuses connections",
        ),
        (OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)), "this machine has no way to it"),
        (
            PermissionError(errno.EPERM, os.strerror(errno.EPERM)),
            "this machine does not let the agent connect",
        ),
        (TimeoutError(), "it does not answer in time"),
        (asyncio.IncompleteReadError(b"", None), "closed the connection"),
        (ExceptionGroup("all", [ConnectionRefusedError(111, "x"), TimeoutError()]), "it refuses connections"),
    ],
)
def test_each_way_to_fail_has_its_own_words(error: Exception, said: str) -> None:
    told = str(explain(error, "https://backup.example:8444/agent/v1/trust"))
    assert told.startswith("https://backup.example:8444 ")
    assert said in told
    assert not [word for word in RAW if word in told]


@pytest.mark.parametrize(
    ("url", "shown"),
    [("https://h:1/a/b?c", "https://h:1"), ("tls://h:2", "tls://h:2"), ("https://u:p@h/x", "https://h")],
)
def test_an_address_is_shown_without_path_and_secrets(url: str, shown: str) -> None:
    assert address_of(url) == shown
