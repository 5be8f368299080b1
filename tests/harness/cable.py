"""The network between the agents and the platform, as something that can be cut.

Agents are told the cable's ports as the platform's. While it is cut nothing passes in either direction, and nothing
is refused either: connections stay open and are silent, new ones are taken and get no answer. That is what a pulled
plug looks like to a program.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK_BYTES = 256 * 1024


class Cable:
    """Two plugs, one for each port that agents use; `join` says where they lead to."""

    def __init__(self) -> None:
        self._flowing = threading.Event()
        self._flowing.set()
        self.agents = _Plug(self._flowing)
        self.nats = _Plug(self._flowing)

    @property
    def environment(self) -> dict[str, str]:
        """Settings with which the platform tells agents to come through here."""
        return {
            "SBS_PUBLIC_PORT_AGENTS": str(self.agents.port),
            "SBS_PUBLIC_PORT_NATS": str(self.nats.port),
        }

    @property
    def passed(self) -> int:
        """How many times something was passed on so far, in either direction."""
        return self.agents.passed + self.nats.passed

    def join(self, agents_port: int, nats_port: int) -> None:
        self.agents.leads_to, self.nats.leads_to = agents_port, nats_port

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing passes while the block runs."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def close(self) -> None:
        self._flowing.set()
        self.agents.close()
        self.nats.close()


class _Plug:
    """A port on loopback whose connections are passed on to another one."""

    def __init__(self, flowing: threading.Event) -> None:
        self._flowing = flowing
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.leads_to = 0
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept() is only woken by a shutdown.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near:
            self._flowing.wait()
            try:
                far = socket.create_connection(("127.0.0.1", self.leads_to))
            except OSError:
                return  # the platform is not there: refused, as without a cable
            with far:
                back = threading.Thread(target=self._pass_on, args=(far, near), daemon=True)
                back.start()
                self._pass_on(near, far)
                back.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK_BYTES):
                self._flowing.wait()
                self.passed += 1
                sink.sendall(data)
            self._flowing.wait()
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side broke: the other one learns of it at once.
            for end in (source, sink):
                with suppress(OSError):  # it was the one that broke
                    end.shutdown(socket.SHUT_RDWR)
