"""`sbs create-admin`, against a real platform."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import typer
from typer.testing import CliRunner, Result

from sbs_server.roles import create_admin
from sbs_server.testing.api import Api

GOOD = "a password that is long enough"


class Command:
    """The command as the operator runs it."""

    def __init__(self, data_dir: Path, tmp_path: Path) -> None:
        self._app = typer.Typer()
        create_admin.register(self._app)
        self._data_dir = data_dir
        self.password_file = tmp_path / "password"
        self.password_file.write_text(f"{GOOD}\n")

    def run(self, *arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(self._app, [*arguments, "--data-dir", str(self._data_dir)], input=text)

    def json(self, *arguments: str, text: str | None = None) -> dict[str, Any]:
        result = self.run(*arguments, "--json", text=text)
        assert result.exit_code == 0, result.output
        made: dict[str, Any] = json.loads(result.output)
        return made


@pytest.fixture
def command(api: Api, tmp_path: Path) -> Command:
    return Command(api.services.settings.data_dir, tmp_path)


@pytest.fixture
def email() -> str:
    return f"admin-{uuid4().hex}@example.org"


async def sign_in(api: Api, email: str, password: str) -> Any:
    return await api.client().post("/api/v1/session", json={"email": email, "password": password})


async def made(command: Command, *arguments: str, text: str | None = None) -> dict[str, Any]:
    """Runs it beside the loop of the tests: the command has a loop of its own."""
    return await asyncio.to_thread(command.json, *arguments, text=text)


async def test_password_is_made_and_shown_once(api: Api, command: Command, email: str) -> None:
    first = await made(command, "--email", email, "--organization", f"organization {email}")
    answer = await sign_in(api, email, first["password"])
    assert answer.status_code == 201
    body = answer.json()
    assert [(m["organization_name"], m["role"]) for m in body["memberships"]] == [
        (f"organization {email}", "org_admin")
    ]
    assert body["user"]["is_platform_operator"] is False
    again = await made(command, "--email", email.upper(), "--organization", f"organization {email}")
    assert (again["user_id"], again["organization_id"]) == (first["user_id"], first["organization_id"])
    assert [
        again[key] for key in ("password", "created_user", "created_organization", "created_membership")
    ] == [
        None,
        False,
        False,
        False,
    ]
    assert (await sign_in(api, email, first["password"])).status_code == 201


async def test_without_an_organization_it_is_the_platform_operator(
    api: Api, command: Command, email: str
) -> None:
    await made(command, "--email", email, "--password-file", str(command.password_file), "--locale", "ru")
    body = (await sign_in(api, email, GOOD)).json()
    assert (body["user"]["is_platform_operator"], body["user"]["locale"], body["memberships"]) == (
        True,
        "ru",
        [],
    )
    entry = (await api.audited(None, "user.administrator_created"))[-1]
    assert (entry.actor_kind, entry.details["email"]) == ("system", email)
    assert GOOD not in entry.canonical


async def test_password_from_stdin_replaces_the_one_before(api: Api, command: Command, email: str) -> None:
    first = await made(command, "--email", email)
    result = await made(command, "--email", email, "--password-file", "-", text=f"{GOOD}\n")
    assert result["password"] is None
    assert (await sign_in(api, email, first["password"])).status_code == 401
    assert (await sign_in(api, email, GOOD)).status_code == 201


async def test_an_address_that_exists_gets_no_other_organization_by_mistake(
    api: Api, command: Command, email: str
) -> None:
    first, second = f"first {email}", f"second {email}"
    shown = await made(command, "--email", email, "--organization", first)
    result = await asyncio.to_thread(command.run, "--email", email, "--organization", second)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    for said in (email, first, "sbs login", "--password-file", "--add-organization"):
        assert said in result.stderr
    memberships = (await sign_in(api, email, shown["password"])).json()["memberships"]
    assert [m["organization_name"] for m in memberships] == [first]
    fresh = await made(command, "--email", f"other-{email}", "--organization", second)
    assert fresh["created_organization"] is True  # so the refused call has not made it


async def test_a_refused_address_keeps_its_password(api: Api, command: Command, email: str) -> None:
    shown = await made(command, "--email", email, "--organization", f"first {email}")
    other = ("--organization", f"second {email}", "--password-file", str(command.password_file))
    assert (await asyncio.to_thread(command.run, "--email", email, *other)).exit_code == 2
    assert (await sign_in(api, email, shown["password"])).status_code == 201


async def test_an_organization_is_added_to_an_address_that_exists_when_asked_for(
    api: Api, command: Command, email: str
) -> None:
    first, second = f"first {email}", f"second {email}"
    shown = await made(command, "--email", email, "--organization", first)
    again = await made(command, "--email", email, "--organization", second, "--add-organization")
    assert (again["created_user"], again["created_membership"]) == (False, True)
    memberships = (await sign_in(api, email, shown["password"])).json()["memberships"]
    assert sorted(m["organization_name"] for m in memberships) == [first, second]


async def test_an_administrator_becomes_operator_of_the_platform_only_when_asked_for(
    api: Api, command: Command, email: str
) -> None:
    shown = await made(command, "--email", email, "--organization", f"organization {email}")
    result = await asyncio.to_thread(command.run, "--email", email)
    assert (result.exit_code, "--platform-operator" in result.stderr) == (2, True)
    user = (await sign_in(api, email, shown["password"])).json()["user"]
    assert user["is_platform_operator"] is False
    await made(command, "--email", email, "--platform-operator")
    user = (await sign_in(api, email, shown["password"])).json()["user"]
    assert user["is_platform_operator"] is True


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--email", "nobody"), "--email"),
        (("--email", "a@example.org", "--locale", "de"), "--locale"),
        (("--email", "a@example.org", "--add-organization"), "--organization NAME"),
        (("--email", "a@example.org", "--organization", "x\ny"), "--organization"),
        (("--email", "a@example.org", "--password-file", "/nonexistent"), "--password-file"),
        (("--email", "a@example.org", "--password-file", "-"), "characters"),
    ],
)
async def test_wrong_input_is_one_line_and_exit_code_2(
    command: Command, arguments: tuple[str, ...], word: str
) -> None:
    result = await asyncio.to_thread(command.run, *arguments, text="short\n")
    assert result.exit_code == 2
    assert result.stderr.startswith("sbs create-admin: ")
    assert word in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


async def test_platform_that_is_down_is_one_line_and_exit_code_1(
    command: Command, email: str, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("SBS_DATABASE__PORT", str(unused_tcp_port))
    result = await asyncio.to_thread(command.run, "--email", email)
    assert result.exit_code == 1
    assert "is the platform up?" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
