"""A run is followed through a platform that stumbles: what comes over the wire is what Traefik and the API send."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from sbs_server.cli import session_file, watching
from sbs_server.cli.session_file import Session
from sbs_server.models import RunState
from sbs_server.roles.cli import app
from sbs_server.testing import api_samples
from sbs_server.testing.api_samples import RUN, Json

GOING = api_samples.run(state=RunState.RUNNING, finished_at=None)
ENDED = api_samples.run(state=RunState.SUCCEEDED)


@dataclass(frozen=True)
class Answer:
    """`cut`: the connection ends before the body does."""

    status: int
    body: str
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Answer:
    said = {"title": "x", "status": status, "code": "x", "detail": detail}
    return Answer(status, json.dumps(said), "application/problem+json", headers or {})


def found(run: Json) -> Answer:
    return Answer(200, json.dumps(run))


def news(run: Json, *, cut: bool = False) -> Answer:
    return Answer(200, f"event: run\ndata: {json.dumps(run)}\n\n", "text/event-stream", cut=cut)


BAD_GATEWAY = Answer(502, "Bad Gateway", "text/plain")
NO_BUS = problem(503, "The live view is away.")
TOO_MANY = problem(429, "Too many streams are open.", {"Retry-After": "15"})


class Platform:
    """Answers from a list for each address below the organization; the last one again and again."""

    def __init__(self, pki: Path, folder: Path) -> None:
        self.pauses: list[float] = []
        self._pki = pki
        self._session = folder / "session.json"

    def watch(self, stream: list[Answer], state: list[Answer], *more: str, **others: list[Answer]) -> Result:
        left = {f"/runs/{RUN}/events": stream, f"/runs/{RUN}": state}
        left |= {f"/{name}/{RUN}": answers for name, answers in others.items()}
        with _serving({path: list(answers) for path, answers in left.items()}, self._pki) as port:
            url, authority = f"https://localhost:{port}", str(self._pki / "root.crt")
            session_file.save(self._session, Session(url, authority, "o", "Example", "a@b", "c", "d"))
            words = ["runs", "watch", str(RUN), "--session-file", str(self._session), *more]
            return CliRunner().invoke(app, words)


@contextmanager
def _serving(left: dict[str, list[Answer]], pki: Path) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = left[self.path.removeprefix("/api/v1/organizations/o")]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body) + answer.cut))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Nobody reads it."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def platform(pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform(pki, tmp_path)
    monkeypatch.setattr(watching, "time", SimpleNamespace(sleep=made.pauses.append))
    return made


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (BAD_GATEWAY, "answers, but SBS behind it does not (502), as while it starts: try again"),
        (Answer(504, "Gateway Timeout", "text/plain"), "SBS behind it does not (504)"),
        (NO_BUS, "sbs: The live view is away.; trying again"),
        (TOO_MANY, "sbs: Too many streams are open.; trying again"),
    ],
    ids=["502", "504", "503", "429"],
)
def test_a_platform_that_stumbles_is_no_failed_run(platform: Platform, trouble: Answer, told: str) -> None:
    done = platform.watch([trouble, trouble, news(GOING), news(ENDED)], [trouble, found(GOING), found(ENDED)])
    assert done.exit_code == 0, done.output
    assert done.stderr.count(told) == 1
    assert "give the console's address" not in done.stderr
    assert "succeeded" in done.stdout


def test_nobody_asks_again_sooner_than_was_said(platform: Platform) -> None:
    assert platform.watch([TOO_MANY, news(ENDED)], [found(GOING), found(ENDED)]).exit_code == 0
    assert platform.watch([BAD_GATEWAY, news(ENDED)], [found(GOING), found(ENDED)]).exit_code == 0
    assert platform.pauses == [15.0, 2.0]


def test_as_long_as_the_runs_state_is_told_the_live_view_may_be_away(platform: Platform) -> None:
    done = platform.watch([NO_BUS], [*[found(GOING)] * 50, found(ENDED)])
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines() == [f"run {RUN} running", "sbs: The live view is away.; trying again"]


def test_a_cut_now_and_then_does_not_add_up(platform: Platform) -> None:
    days = [news(GOING, cut=True)] * 40
    done = platform.watch([*days, news(ENDED)], [*[BAD_GATEWAY] * 40, found(ENDED)])
    assert done.exit_code == 0, done.output
    assert len(platform.pauses) == 40
    assert "does not (502)" in done.stderr


@pytest.mark.parametrize("trouble", [BAD_GATEWAY, NO_BUS], ids=["502", "503"])
def test_a_platform_that_stays_silent_is_unreachable_and_no_failed_run(
    platform: Platform, trouble: Answer
) -> None:
    done = platform.watch([trouble], [trouble])
    assert done.exit_code == 6
    assert "the run goes on without it" in done.stderr


def test_what_was_restored_is_asked_for_again_too(platform: Platform) -> None:
    ended = api_samples.restore_run()
    target = Answer(200, json.dumps({"target_folder": "/tmp/back"}))
    done = platform.watch([news(ended)], [found(ended)], restores=[BAD_GATEWAY, target])
    assert done.exit_code == 0, done.output
    assert "/tmp/back" in done.stdout


def test_a_script_is_told_nothing_of_it(platform: Platform) -> None:
    done = platform.watch([BAD_GATEWAY, news(ENDED)], [BAD_GATEWAY, found(ENDED)], "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == ENDED


def test_a_run_that_is_not_there_is_said_at_once(platform: Platform) -> None:
    gone = problem(404, "There is no such run.")
    done = platform.watch([gone], [gone])
    assert done.exit_code == 1
    assert platform.pauses == []
