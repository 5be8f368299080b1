"""Who uses the console in these tests."""

import secrets
import ssl
import subprocess
from dataclasses import dataclass, field

import httpx

from demo.platform import SBS
from sbs_server.auth.sessions import COOKIE
from tests.harness.installation import Installation


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    password: str = field(repr=False)
    locale: str


def administrator(installation: Installation, locale: str) -> Person:
    """A new administrator of the installation's organization, who reads that language."""
    password = secrets.token_urlsafe(18)
    email = f"admin-{locale}-{secrets.token_hex(4)}@tests.example"
    words = ["create-admin", f"--email={email}", f"--locale={locale}", "--password-file=-"]
    words += [f"--organization={installation.organization}", f"--data-dir={installation.data_dir}"]
    subprocess.run([*SBS, *words], input=password, text=True, check=True, stdout=subprocess.DEVNULL)
    return Person(email, password, locale)


def session_cookie(installation: Installation, person: Person) -> str:
    """Signs the person in and gives back the cookie of a new session."""
    with client(installation) as http:
        answer = http.post("/session", json={"email": person.email, "password": person.password})
        answer.raise_for_status()
        return answer.cookies[COOKIE]


def session_lives(installation: Installation, cookie: str) -> bool:
    """Whether the server still lets the bearer of this cookie in."""
    with client(installation) as http:
        status = http.get("/session", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code
    assert status in {200, 401}
    return status == 200


def client(installation: Installation) -> httpx.Client:
    """Nobody yet, at the API of the installation."""
    context = ssl.create_default_context(cafile=installation.root_certificate)
    limits = httpx.Limits(max_connections=None)
    return httpx.Client(base_url=f"{installation.url}/api/v1", verify=context, timeout=30, limits=limits)
