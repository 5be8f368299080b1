"""The public API as the command line uses it."""

import json
import ssl
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from sbs_server.auth.cookie import SESSION_COOKIE
from sbs_server.cli.errors import CliError, NotNowError, NotSignedInError, UnreachableError, UsageError
from sbs_server.cli.finding import choose, whole_id
from sbs_server.cli.reaching import CONSOLE, not_now, unreachable
from sbs_server.cli.session_file import Session
from sbs_server.cli.values import Json

_TIMEOUT_S = 30.0
# The platform is there and goes on: a part of it starts or is away, or a limit is reached for a while.
_NOT_NOW = {
    httpx.codes.TOO_MANY_REQUESTS,
    httpx.codes.BAD_GATEWAY,
    httpx.codes.SERVICE_UNAVAILABLE,
    httpx.codes.GATEWAY_TIMEOUT,
}
# Of maintenance that is announced for longer one wants to hear now and then.
_LONGEST_WAIT_S = 3600.0


class Client:
    """Calls below the session's organization. Errors become one line each."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._base = f"/organizations/{session.organization_id}"
        self._http = connection(session.url, session.ca_file)
        self._http.headers["X-CSRF-Token"] = session.csrf_token
        self._http.headers["Cookie"] = f"{SESSION_COOKIE}={session.cookie}"

    def get(self, path: str, /, **query: Any) -> Json:
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path: str, body: Json | None = None) -> Json:
        """With a fresh Idempotency-Key."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._call("POST", path, json=body or {}, headers=headers)

    def patch(self, path: str, body: Json) -> Json:
        """Whatever version it has now: who types a command has not looked at another one."""
        return self._call("PATCH", path, json=body, headers={"If-Match": "*"})

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def items(self, path: str, /, *, limit: int | None = None, **query: Any) -> Iterator[Json]:
        """Every item of a list, page by page, at most `limit` of them."""
        cursor, left = None, limit
        while left is None or left > 0:
            page = self.get(path, cursor=cursor, limit=min(left or 500, 500), **query)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def find(self, path: str, wanted: str) -> Json:
        """The item with this name or id (or the beginning of an id). Raises `UsageError` for none or several.

        With a whole id it is the item's own page, which may tell more than the list does.
        """
        exact = whole_id(wanted)
        if exact is not None:
            return self.get(f"{path}/{exact}")
        return choose(path, self.items(path), wanted)

    def id_of(self, path: str, wanted: str) -> str:
        """The id alone: nothing is asked for a whole one. Errors: as `find`."""
        return whole_id(wanted) or str(self.find(path, wanted)["id"])

    def place(self, path: str, wanted: str) -> str:
        """The path of the one item of the list `path` that is meant. Errors: as `find`."""
        return f"{path}/{self.id_of(path, wanted)}"

    def events(self, path: str) -> Iterator[tuple[str, Json]]:
        """Server-sent events: (event, data)."""
        try:
            with self._http.stream(
                "GET", self._base + path, timeout=httpx.Timeout(30.0, read=60.0)
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise problem(answer)
                yield from _parse_events(answer.iter_lines())
        except httpx.TransportError as error:
            raise self._broken("the live view", error) from error

    def download(self, path: str, /, **query: str) -> Iterator[bytes]:
        """The body of an answer, in pieces. A body that breaks off raises `UnreachableError`."""
        try:
            with self._http.stream("GET", self._base + path, params=query, timeout=None) as answer:
                if not answer.is_success:
                    answer.read()
                    raise problem(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise self._broken("the download", error) from error

    def _broken(self, what: str, error: httpx.TransportError) -> UnreachableError:
        return UnreachableError(
            f"{what} broke off: {unreachable(self._http.base_url.netloc.decode(), error)}"
        )

    def sign_out(self) -> None:
        self._send("DELETE", "/session")

    def _call(self, method: str, path: str, **options: Any) -> Json:
        answer = self._send(method, self._base + path, **options)
        return answer.json() if answer.content else {}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return send(self._http, method, path, **options)


def connection(url: str, ca_file: str | None) -> httpx.Client:
    """A connection pool that checks the server's certificate, against `ca_file` where there is one."""
    if not url.startswith("https://"):
        raise UsageError(f"--url {url}: give https://host:port; a password must not travel in clear text")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or str(error)
        raise UsageError(f"--ca-file {ca_file}: not readable as PEM certificates: {why}") from error
    try:
        return httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", verify=context, timeout=_TIMEOUT_S)
    except httpx.InvalidURL as error:
        raise UsageError(f"--url {url}: not an address ({error}); give https://host:port") from error


def send(http: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    """One call. Raises `CliError` with what the server said."""
    try:
        answer = http.request(method, path, **options)
    except httpx.TransportError as error:
        raise unreachable(http.base_url.netloc.decode(), error) from error
    if not answer.is_success:
        raise problem(answer)
    return answer


def problem(answer: httpx.Response) -> CliError:
    """A problem+json answer as one line; `NotNowError` where the same may work later."""
    text = _said(answer)
    if answer.status_code in _NOT_NOW:
        text = text or not_now(answer.url.netloc.decode(), answer.status_code)
        return NotNowError(text, _retry_after_s(answer))
    text = text or (
        f"{answer.url.netloc.decode()} answered {answer.status_code}, not as SBS does: give {CONSOLE}"
    )
    kind = NotSignedInError if answer.status_code == httpx.codes.UNAUTHORIZED else CliError
    return kind(text)


def _said(answer: httpx.Response) -> str | None:
    """What SBS said; None: it was not SBS that answered."""
    try:
        said = answer.json()
        fields = [
            f"{_field(entry['pointer'])}: {entry['message']} {entry.get('hint') or ''}".rstrip()
            for entry in said.get("errors", [])
        ]
        return "; ".join(fields) or f"{said['detail']} {said.get('hint') or ''}".rstrip()
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def _retry_after_s(answer: httpx.Response) -> float:
    """Seconds, as SBS gives them; a proxy may give a date, and then our own pause does."""
    given = answer.headers.get("Retry-After", "")
    return min(float(given), _LONGEST_WAIT_S) if given.isdecimal() else 0.0


def _field(pointer: str) -> str:
    return pointer.removeprefix("/").removeprefix("query:")


def _parse_events(lines: Iterator[str]) -> Iterator[tuple[str, Json]]:
    event, data = "message", ""
    for line in lines:
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield event, json.loads(data)
            event, data = "message", ""
