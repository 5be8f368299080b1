"""The chain as the database keeps it: written by its function alone, and what is damaged is found."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import typer
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner, Result

from sbs_server.audit.service import Actor, record
from sbs_server.config import DatabaseRole, Settings
from sbs_server.kit.db.failures import sqlstate
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import AuditEntry
from sbs_server.roles import audit
from sbs_server.testing.superuser import engine_of

AT_ONCE = 20
DENIED = "42501"
SYSTEM = Actor("system", "tests", "10.0.0.1")


@pytest_asyncio.fixture
async def superuser(audited: Settings) -> AsyncIterator[AsyncConnection]:
    """Its work counts: each test has a chain of its own."""
    async with (
        engine_of(audited) as engine,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
    ):
        yield connection


class _GaveUpError(Exception):
    """The act is not to be."""


async def act(app: Database, chain: UUID, number: int) -> None:
    async with app.transaction(chain) as session:
        details = {
            "number": number,
            "ratio": 1.50,
            "name": 'naïve "ж" \u2028 \\',
            "nothing": None,
            "list": [1, "2"],
        }
        await record(session, chain, SYSTEM, "test.acted", target=("test", str(number)), details=details)


async def acts(app: Database, count: int) -> UUID:
    """A new chain."""
    chain = new_id()
    for number in range(count):
        await act(app, chain, number)
    return chain


async def entries(app: Database, chain: UUID) -> list[AuditEntry]:
    """As a member of the organization sees them."""
    async with app.transaction(chain) as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))


async def test_acts_at_the_same_time_leave_no_gap(app: Database) -> None:
    chain = new_id()
    await asyncio.gather(*(act(app, chain, number) for number in range(AT_ONCE)))
    found = await entries(app, chain)
    assert [one.sequence for one in found] == list(range(1, AT_ONCE + 1))
    assert sorted(one.details["number"] for one in found) == list(range(AT_ONCE))
    before = "0" * 64
    for one in found:
        # Written out, not by the product's own function: this is what the docstring of the table promises.
        assert one.previous_hash == before
        assert one.hash == hashlib.sha256((before + one.canonical).encode()).hexdigest()
        before = one.hash


async def test_act_that_is_rolled_back_leaves_no_gap_either(app: Database) -> None:
    chain = await acts(app, 1)
    with contextlib.suppress(_GaveUpError):
        async with app.transaction(chain) as session:
            await record(session, chain, SYSTEM, "test.undone")
            raise _GaveUpError
    await act(app, chain, 2)
    assert [(one.sequence, one.action) for one in await entries(app, chain)] == [
        (1, "test.acted"),
        (2, "test.acted"),
    ]


async def test_text_holds_all_of_the_columns(app: Database) -> None:
    before = datetime.now(UTC)
    (one,) = await entries(app, await acts(app, 1))
    said = json.loads(one.canonical)
    assert said.pop("at") == f"{one.at:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert before <= one.at <= datetime.now(UTC)
    hashes = {"canonical", "previous_hash", "hash", "at"}
    columns = {column.name for column in AuditEntry.__table__.columns} - hashes
    assert set(said) == columns
    for name in columns - {"chain"}:
        assert said[name] == getattr(one, name)
    assert said["chain"] == str(one.chain)


DIRECT = {
    "insert": "INSERT INTO audit_entry SELECT chain, sequence + 1, at, actor_kind, actor_id, source_address, action,"
    " target_kind, target_id, result, details, canonical, previous_hash, hash FROM audit_entry WHERE chain = :chain",
    "update": "UPDATE audit_entry SET action = 'test.invented' WHERE chain = :chain",
    "delete": "DELETE FROM audit_entry WHERE chain = :chain",
    "truncate": "TRUNCATE audit_entry",
    "insert end": "INSERT INTO audit_chain (chain, sequence, hash) VALUES (gen_random_uuid(), 0, '')",
    "update end": "UPDATE audit_chain SET sequence = 0 WHERE chain = :chain",
    "delete end": "DELETE FROM audit_chain WHERE chain = :chain",
    "truncate end": "TRUNCATE audit_chain",
}


@pytest.mark.parametrize("statement", DIRECT.values(), ids=DIRECT.keys())
@pytest.mark.parametrize("role", ["sbs_app", "sbs_system", "sbs_migrator"])
async def test_nobody_writes_the_log_but_its_function(
    audited: Settings, app: Database, role: DatabaseRole, statement: str
) -> None:
    chain = await acts(app, 1)
    parameters = {"chain": chain} if ":chain" in statement else {}
    async with engine_of(audited, role) as engine, engine.connect() as connection:
        await connection.execute(
            text("SELECT set_config('sbs.organization_id', :id, true)"), {"id": str(chain)}
        )
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text(statement), parameters)
    assert sqlstate(refused.value) == DENIED
    assert [one.action for one in await entries(app, chain)] == ["test.acted"]


async def test_even_the_owner_of_the_tables_changes_no_entry(audited: Settings, app: Database) -> None:
    chain = await acts(app, 1)
    async with engine_of(audited, "sbs_owner") as engine, engine.begin() as connection:
        for act_ in ("update", "delete"):
            assert (await connection.execute(text(DIRECT[act_]), {"chain": chain})).rowcount == 0
    assert [one.action for one in await entries(app, chain)] == ["test.acted"]


async def test_end_of_a_chain_is_not_for_the_application(app: Database) -> None:
    with pytest.raises(DBAPIError) as refused:
        async with app.transaction(new_id()) as session:
            await session.execute(text("SELECT * FROM audit_chain"))
    assert sqlstate(refused.value) == DENIED


class Command:
    """`sbs audit verify`, as the operator runs it."""

    def __init__(self, audited: Settings) -> None:
        self._app = typer.Typer()
        audit.register(self._app)
        self._data_dir = str(audited.data_dir)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(self._app, ["audit", "verify", "--data-dir", self._data_dir, *arguments])

    async def of(self, chain: UUID, *arguments: str) -> Result:
        """Beside the loop of the tests: the command has a loop of its own."""
        return await asyncio.to_thread(self, "--organization", str(chain), *arguments)


@pytest.fixture
def command(audited: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("SBS_DATABASE__NAME", audited.database.name)
    return Command(audited)


async def test_whole_log_is_said_to_be_whole(app: Database, command: Command) -> None:
    chain = await acts(app, 3)
    last = (await entries(app, chain))[-1]
    result = await command.of(chain)
    assert result.exit_code == 0, result.output
    assert f"{chain}: whole, 3 entries, ends with {last.hash}" in result.output
    result = await command.of(chain, "--json")
    expected: list[dict[str, Any]] = [
        {"chain": str(chain), "sequence": 3, "hash": last.hash, "fault": None},
    ]
    assert json.loads(result.output) == expected


DAMAGE = {
    "changed act": (
        "UPDATE audit_entry SET action = 'test.invented' WHERE chain = :chain AND sequence = 2",
        2,
    ),
    "changed details": ("UPDATE audit_entry SET details = '{}' WHERE chain = :chain AND sequence = 2", 2),
    "changed text": (
        "UPDATE audit_entry SET canonical = replace(canonical, 'acted', 'slept')"
        " WHERE chain = :chain AND sequence = 2",
        2,
    ),
    "removed": ("DELETE FROM audit_entry WHERE chain = :chain AND sequence = 2", 2),
    "reordered": (
        "UPDATE audit_entry SET sequence = CASE sequence WHEN 2 THEN 13 ELSE 12 END"
        " WHERE chain = :chain AND sequence IN (2, 3);"
        "UPDATE audit_entry SET sequence = sequence - 10 WHERE chain = :chain AND sequence > 10",
        2,
    ),
    "cut off": ("DELETE FROM audit_entry WHERE chain = :chain AND sequence = 4", 4),
    "emptied": ("DELETE FROM audit_entry WHERE chain = :chain", 1),
    "forgotten": ("DELETE FROM audit_chain WHERE chain = :chain", 4),
}


@pytest.mark.parametrize(("statements", "sequence"), DAMAGE.values(), ids=DAMAGE.keys())
async def test_what_a_superuser_damages_is_found(
    app: Database, superuser: AsyncConnection, command: Command, statements: str, sequence: int
) -> None:
    chain = await acts(app, 4)
    assert (await command.of(chain)).exit_code == 0
    for statement in statements.split(";"):
        await superuser.execute(text(statement), {"chain": chain})
    result = await command.of(chain, "--json")
    assert result.exit_code == 1, result.output
    assert json.loads(result.output)[0]["fault"]["sequence"] == sequence
    told = await command.of(chain)
    assert told.exit_code == 1
    assert f"{chain}: FAULT: entr" in told.output or f"{chain}: FAULT: the chain" in told.output
    # Others are whole, and without a choice all are looked at.
    everything = await asyncio.to_thread(command)
    assert everything.exit_code == 1
    assert f"{chain}: FAULT" in everything.output


async def test_acts_without_an_organization_have_a_chain_too(app: Database, command: Command) -> None:
    async with app.transaction() as session:
        await record(session, None, SYSTEM, "test.acted")
    result = await asyncio.to_thread(command, "--organization", "platform")
    assert result.exit_code == 0
    assert result.output.startswith("platform: whole, ")
    async with app.transaction(new_id()) as session:
        assert list(await session.scalars(select(AuditEntry))) == []


@pytest.mark.parametrize(
    ("organization", "says"),
    [("nonsense", "give its id, or platform"), (str(new_id()), "no acts are recorded")],
)
def test_what_can_not_be_checked_is_neither_whole_nor_damaged(
    command: Command, organization: str, says: str
) -> None:
    result = command("--organization", organization)
    assert result.exit_code == 2
    assert says in result.output


def test_database_that_is_away_is_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBS_DATABASE__NAME", "nowhere")
    result = command()
    assert result.exit_code == 2
    assert "the database can't be used" in result.output
