"""A wrong address is told with what would be right."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sbs_server.cli.client import connection, send
from sbs_server.cli.errors import CliError, UnreachableError
from sbs_server.embedded.certificates import ensure_certificates

Serve = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    (folder / "services").mkdir()
    ensure_certificates(folder, [])
    return folder


@contextlib.contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A port whose every connection is given to `serve`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            with link, contextlib.suppress(OSError):
                serve(link)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def tls(pki: Path, *, for_agents: bool = False, answer: bytes = b"") -> Serve:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    if for_agents:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "root.crt")

    def serve(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(answer)

    return serve


def plain(link: socket.socket) -> None:
    link.recv(65536)
    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def said(port: int, ca_file: Path | None) -> CliError:
    with pytest.raises(CliError) as raised:
        send(connection(f"https://localhost:{port}", str(ca_file) if ca_file else None), "GET", "/session")
    assert f"localhost:{port}" in str(raised.value)
    return raised.value


def test_the_agents_port_is_told_from_the_console(pki: Path) -> None:
    with listening(tls(pki, for_agents=True)) as port:
        error = said(port, pki / "root.crt")
    assert isinstance(error, UnreachableError)
    assert "this port is for agents" in str(error)
    assert ":8443" in str(error)


def test_an_authority_that_is_not_trusted_is_told_with_the_option(pki: Path) -> None:
    with listening(tls(pki)) as port:
        assert "--ca-file" in str(said(port, None))


def test_a_port_without_tls_is_told(pki: Path) -> None:
    with listening(plain) as port:
        assert "something else than SBS" in str(said(port, pki / "root.crt"))


def test_another_web_server_is_told(pki: Path) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"
    with listening(tls(pki, answer=answer)) as port:
        error = said(port, pki / "root.crt")
    assert "answered 404, not as SBS does" in str(error)
    assert ":8443" in str(error)


def test_a_port_where_nobody_listens_is_told(pki: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert "`sbs status`" in str(said(port, pki / "root.crt"))
