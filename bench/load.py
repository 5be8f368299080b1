"""Requests to the API as a browser makes them, over TLS and through Traefik, with their times."""

import json
import ssl
import threading
import time
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of each request made one after the other, and requests a second on several connections."""

    seconds: list[float]
    per_second: float

    def __str__(self) -> str:
        middle = sorted(self.seconds)[len(self.seconds) // 2]
        return f"{middle * 1000:.1f} ms, {self.per_second:.0f}/s"


class Caller:
    """Signed in. Everything that is not 200 is an error: a fast refusal is no result."""

    def __init__(self, url: str, root_certificate: Path) -> None:
        self._host = urlsplit(url).netloc
        self._context = ssl.create_default_context(cafile=str(root_certificate))
        self._headers: dict[str, str] = {}

    def sign_in(self, email: str, password: str) -> None:
        """Keeps the session's cookie for every later request."""
        connection = self._connect()
        body = json.dumps({"email": email, "password": password})
        connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers.get("Set-Cookie")
        connection.close()
        if cookie is None:
            raise BenchError(f"signing in was answered with {answer.status}")
        self._headers = {"Cookie": cookie.partition(";")[0]}

    def get(self, path: str) -> Any:
        """The answer as JSON."""
        connection = self._connect()
        try:
            return json.loads(self._ask(connection, path))
        finally:
            connection.close()

    def sample(self, path: str, requests: int, connections: int, load_s: float) -> Sample:
        """First one by one on one connection, then as many as go on several for a while."""
        return Sample(self._one_by_one(path, requests), self._at_once(path, connections, load_s))

    def _one_by_one(self, path: str, requests: int) -> list[float]:
        connection = self._connect()
        self._ask(connection, path)  # the connection's own beginning is not the list's
        found = []
        for _ in range(requests):
            started = time.perf_counter()
            self._ask(connection, path)
            found.append(time.perf_counter() - started)
        connection.close()
        return found

    def _at_once(self, path: str, connections: int, load_s: float) -> float:
        counts: list[int] = []
        started = time.perf_counter()
        end = started + load_s

        def work() -> None:
            connection, done = self._connect(), 0
            while time.perf_counter() < end:
                self._ask(connection, path)
                done += 1
            connection.close()
            counts.append(done)

        threads = [threading.Thread(target=work) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(counts) < connections:
            raise BenchError(f"{connections - len(counts)} of {connections} connections broke off at {path}")
        return sum(counts) / (time.perf_counter() - started)

    def _connect(self) -> HTTPSConnection:
        return HTTPSConnection(self._host, context=self._context, timeout=120)

    def _ask(self, connection: HTTPSConnection, path: str) -> bytes:
        connection.request("GET", path, headers=self._headers)
        answer: HTTPResponse = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise BenchError(f"GET {path} answered {answer.status}: {body[:300]!r}")
        return body
