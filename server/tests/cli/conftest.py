"""The command line against an API of which the test says the answers."""

from pathlib import Path
from uuid import UUID

import httpx
import pytest
from typer.testing import CliRunner

from sbs_server.cli import client, session_file
from sbs_server.cli.session_file import Session
from sbs_server.embedded.certificates import ensure_certificates
from sbs_server.roles.cli import app
from sbs_server.testing.api_samples import Answers, Sbs

ORGANIZATION = str(UUID(int=1))


@pytest.fixture
def answers() -> Answers:
    """By method and path below the organization, such as `GET /jobs`."""
    return {}


@pytest.fixture
def asked() -> list[httpx.Request]:
    """What the command line has sent."""
    return []


@pytest.fixture
def sbs(answers: Answers, asked: list[httpx.Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sbs:
    """Runs `sbs`, signed in."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path.removeprefix(f"/api/v1/organizations/{ORGANIZATION}")
        said = answers[f"{request.method} {path}"]
        if isinstance(said, int):
            return httpx.Response(said, json={"detail": "It is not there."})
        if isinstance(said, str):
            return httpx.Response(200, text=said, headers={"Content-Type": "text/event-stream"})
        return httpx.Response(200, json=said)

    def connection(url: str, ca_file: str | None) -> httpx.Client:
        return httpx.Client(base_url=f"{url}/api/v1", transport=httpx.MockTransport(answer))

    monkeypatch.setattr(client, "connection", connection)
    file = tmp_path / "session.json"
    session_file.save(
        file, Session("https://sbs.example:8443", None, ORGANIZATION, "Example", "a@b", "c", "d")
    )
    return lambda *words: CliRunner().invoke(app, [*words, "--session-file", str(file)])


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of a platform: `root.crt` vouches for `server.crt`, which is for localhost."""
    folder = tmp_path_factory.mktemp("pki")
    (folder / "services").mkdir()
    ensure_certificates(folder, [])
    return folder
