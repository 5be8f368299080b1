"""A wrong address is told with what would be right."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sbs_server.cli import client
from sbs_server.cli.client import Client, connection, send
from sbs_server.cli.errors import CliError, NotNowError, UnreachableError, UsageError
from sbs_server.cli.session_file import Session

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(serve: Serve, host: str = "127.0.0.1") -> Iterator[int]:
    """A port whose every connection is given to `serve`."""
    listener = socket.create_server((host, 0))

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


def tls(
    pki: Path, *, for_agents: bool = False, answer: bytes = b"", before_answer: threading.Event | None = None
) -> Serve:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    if for_agents:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "root.crt")

    def serve(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as secured:
            secured.recv(65536)
            if before_answer is not None:
                before_answer.wait(60)
            secured.sendall(answer)

    return serve


def plain(link: socket.socket) -> None:
    link.recv(65536)
    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def said(port: int, ca_file: Path | None, *, host: str = "localhost") -> CliError:
    """What is told of a call; always one sentence for people with the address, never the system's own words alone."""
    with pytest.raises(CliError) as raised:
        send(connection(f"https://{host}:{port}", str(ca_file) if ca_file else None), "GET", "/session")
    told = str(raised.value)
    assert f"{host}:{port}" in told
    assert "\n" not in told
    for raw in ("Errno", "peer closed", "_ssl.c", "disconnected"):
        assert raw not in told
    return raised.value


def test_the_agents_port_is_told_from_the_console(pki: Path) -> None:
    with listening(tls(pki, for_agents=True)) as port:
        error = said(port, pki / "root.crt")
    assert isinstance(error, UnreachableError)
    assert "this port is for agents" in str(error)
    assert ":8443" in str(error)


def test_an_authority_that_is_not_trusted_is_told_with_the_option(pki: Path) -> None:
    with listening(tls(pki)) as port:
        error = str(said(port, None))
    assert "not from an authority that is trusted here" in error
    assert "--ca-file" in error


def test_a_certificate_for_another_name_is_told(pki: Path) -> None:
    with listening(tls(pki), "127.0.0.2") as port:
        error = str(said(port, pki / "root.crt", host="127.0.0.2"))
    assert "is for another name" in error


def test_a_port_without_tls_is_told(pki: Path) -> None:
    with listening(plain) as port:
        assert "something else than SBS" in str(said(port, pki / "root.crt"))


def test_another_web_server_is_told(pki: Path) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"
    with listening(tls(pki, answer=answer)) as port:
        error = said(port, pki / "root.crt")
    assert "answered 404, not as SBS does" in str(error)
    assert ":8443" in str(error)


@pytest.mark.parametrize(("status", "why"), [(502, "SBS behind it does not"), (429, "asked too often")])
def test_a_proxy_that_says_not_now_is_told_from_another_web_server(pki: Path, status: int, why: str) -> None:
    answer = f"HTTP/1.1 {status} Not Now\r\nContent-Length: 7\r\n\r\nnot now".encode()
    with listening(tls(pki, answer=answer)) as port:
        error = said(port, pki / "root.crt")
    assert isinstance(error, NotNowError)
    assert why in str(error)
    assert ":8443" not in str(error)
    assert error.exit_code == 6


def test_a_port_where_nobody_listens_is_told(pki: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = said(port, pki / "root.crt")
    assert "connection refused" in str(error)
    assert "`sbs status`" in str(error)
    assert error.exit_code == 6


def test_a_name_that_nobody_knows_is_told(pki: Path) -> None:
    error = said(8443, pki / "root.crt", host="no-such-machine.invalid")  # RFC 2606: never resolves
    assert "the name in no-such-machine.invalid:8443 is not known" in str(error)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
def test_a_connection_that_ends_too_early_is_told(pki: Path, begun: bytes) -> None:
    with listening(tls(pki, answer=begun)) as port:
        error = said(port, pki / "root.crt")
    assert "closed the connection before it had answered in full" in str(error)


@pytest.mark.parametrize("secured", [True, False])
def test_silence_is_told(pki: Path, monkeypatch: pytest.MonkeyPatch, secured: bool) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_S", 4.0 if secured else 0.5)  # the handshake has to fit in
    over = threading.Event()

    def silent(link: socket.socket) -> None:
        over.wait(60)

    serve = tls(pki, before_answer=over) if secured else silent
    with listening(serve) as port:
        error = said(port, pki / "root.crt")
        over.set()
    assert ("did not answer it in time" if secured else "did not answer in time") in str(error)


def test_a_stream_that_breaks_off_is_told_with_the_address(pki: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nevent: run\n"
    with listening(tls(pki, answer=answer)) as port:
        session = Session(f"https://localhost:{port}", str(pki / "root.crt"), "o", "Example", "a@b", "c", "d")
        with pytest.raises(UnreachableError) as raised:
            list(Client(session).events("/runs/1/events"))
    assert f"the live view broke off: localhost:{port} closed the connection" in str(raised.value)
    assert "peer closed" not in str(raised.value)


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="give https://host:port"):
        connection("https://localhost:port", None)
