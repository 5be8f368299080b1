"""Every table, as the role of the application, with two organizations full of data."""

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.kit.db.base import Model
from tests.isolation.probe import DENIED, ORGANIZATION, TENANT_TABLES, Probe, Role, Two, attempt, enter

PROBED = (*TENANT_TABLES, ORGANIZATION)
# The rest have rules of their own: see the tests by their names.
OTHERS = {"user_account", "outbox", "idempotency_key", "audit_entry", "audit_chain"}


def test_every_table_is_looked_at() -> None:
    looked_at = {table.name for table in PROBED} | OTHERS
    assert looked_at == set(Model.metadata.tables), (
        "a new table without organization_id needs a test of its own here"
    )


@pytest.mark.parametrize("table", PROBED, ids=lambda table: table.name)
async def test_nothing_of_another_organization_is_read_or_changed(
    app: AsyncConnection, two: Two, table: sa.Table
) -> None:
    assert await app.scalar(text("SELECT session_user || ' ' || current_user")) == "sbs_app sbs_app"
    assert await Probe(app).leaks(table, two.b, two.a) == []


@pytest.mark.parametrize("table", PROBED, ids=lambda table: table.name)
async def test_policies_bind_the_owner_of_the_tables_too(
    superuser: AsyncConnection, two: Two, table: sa.Table
) -> None:
    assert await Probe(superuser, "sbs_owner").leaks(table, two.b, two.a) == []


# What an edit of a migration may take away, as which role it shows, and a part of what the probe says then.
HOLES: dict[str, tuple[str, Role, str]] = {
    "disabled": ("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "sbs_app", "SELECT of theirs gives 1"),
    "owner not bound": (
        "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
        "sbs_owner",
        "SELECT of theirs gives 1",
    ),
    "one more policy": ("CREATE POLICY more ON {} USING (true)", "sbs_app", "UPDATE of theirs gives 1"),
    "only reading": ("CREATE POLICY more ON {} FOR SELECT USING (true)", "sbs_app", "SELECT of all gives"),
    "only writing": ("ALTER POLICY tenant ON {} WITH CHECK (true)", "sbs_app", "INSERT for them gives"),
    # Closed, not open: the owner's own rows are gone as well, and that must not look like isolation.
    "no policy": ("DROP POLICY tenant ON {}", "sbs_app", "the owner's own SELECT gives False"),
}


@pytest.mark.parametrize(("hole", "role", "says"), HOLES.values(), ids=HOLES.keys())
async def test_probe_finds_what_is_left_open(
    superuser: AsyncConnection, two: Two, hole: str, role: Role, says: str
) -> None:
    probe = Probe(superuser, role)
    for table in PROBED:
        savepoint = await superuser.begin_nested()
        await superuser.execute(text("SET LOCAL lock_timeout = '5s'"))
        await superuser.execute(text("SET LOCAL ROLE sbs_owner"))
        await superuser.execute(text(hole.format(table.name)))
        await superuser.execute(text("RESET ROLE"))
        found = await probe.leaks(table, two.b, two.a)
        assert any(says in problem for problem in found), f"{table.name}: {found}"
        await savepoint.rollback()


COUNT_PEOPLE = "SELECT count(*) FROM (SELECT id, email, full_name FROM user_account WHERE id = :id) found"


async def test_people_of_another_organization_are_not_seen(app: AsyncConnection, two: Two) -> None:
    theirs, own = two.a.rows["user_account"]["id"], two.b.rows["user_account"]["id"]
    assert await attempt(app, "SELECT count(id) FROM user_account") == 0
    await enter(app, two.b.organization_id, own)
    assert await attempt(app, COUNT_PEOPLE, id=theirs) == 0
    assert await attempt(app, COUNT_PEOPLE, id=own) == 1
    await enter(app, two.a.organization_id)
    assert await attempt(app, COUNT_PEOPLE, id=theirs) == 1
    assert await attempt(app, COUNT_PEOPLE, id=own) == 0


async def test_application_reads_no_password_and_changes_no_account(app: AsyncConnection, two: Two) -> None:
    await enter(app, two.a.organization_id, two.a.rows["user_account"]["id"])
    for statement in (
        "SELECT password_hash FROM user_account",
        "SELECT * FROM user_account",
        "UPDATE user_account SET is_platform_operator = true",
        "DELETE FROM user_account",
        "INSERT INTO user_account (id, email, full_name) VALUES (gen_random_uuid(), 'a@example.org', 'a')",
    ):
        assert await attempt(app, statement) == DENIED, statement


async def test_idempotency_keys_are_seen_by_their_user_alone(app: AsyncConnection, two: Two) -> None:
    for statement, wanted in (
        ("SELECT count(*) FROM idempotency_key WHERE user_id = :id", (0, 1)),
        ("UPDATE idempotency_key SET status = 200 WHERE user_id = :id", (0, 1)),
        ("DELETE FROM idempotency_key WHERE user_id = :id", (0, 1)),
        (
            "INSERT INTO idempotency_key (user_id, route, key, request_sha256) VALUES (:id, 'POST /', 'k', '')",
            (DENIED, 1),
        ),
    ):
        found = []
        for user in (two.b, two.a):
            await enter(app, user.organization_id, user.rows["user_account"]["id"])
            found.append(await attempt(app, statement, id=two.a.rows["user_account"]["id"]))
        assert tuple(found) == wanted, statement


INTO_OUTBOX = (
    "INSERT INTO outbox (id, organization_id, aggregate, kind, payload)"
    " VALUES (gen_random_uuid(), :id, 'run:1', 'event', '{}')"
)


async def test_outbox_takes_effects_of_the_own_organization_alone(app: AsyncConnection, two: Two) -> None:
    await enter(app, two.b.organization_id)
    assert await attempt(app, INTO_OUTBOX, id=two.a.organization_id) == DENIED
    assert await attempt(app, INTO_OUTBOX, id=None) == DENIED
    assert await attempt(app, INTO_OUTBOX, id=two.b.organization_id) == 1
    await enter(app, "")
    assert await attempt(app, INTO_OUTBOX, id=two.b.organization_id) == DENIED
    assert await attempt(app, INTO_OUTBOX, id=None) == DENIED


async def test_outbox_is_not_for_the_application_to_read_or_change(app: AsyncConnection, two: Two) -> None:
    await enter(app, two.b.organization_id)
    for statement in (
        "SELECT count(*) FROM outbox",
        "SELECT id FROM outbox",
        "UPDATE outbox SET attempts = 0",
        "DELETE FROM outbox",
        "TRUNCATE outbox",
        INTO_OUTBOX.replace(":id", f"'{two.b.organization_id}'") + " RETURNING payload",
    ):
        assert await attempt(app, statement) == DENIED, statement


async def test_acts_of_another_organization_are_not_read(app: AsyncConnection, two: Two) -> None:
    count = "SELECT count(*) FROM audit_entry WHERE chain = :id"
    assert await attempt(app, "SELECT count(*) FROM audit_entry") == 0
    await enter(app, two.b.organization_id)
    assert await attempt(app, count, id=two.a.organization_id) == 0
    assert (
        await attempt(app, "SELECT count(*) FROM audit_entry WHERE chain <> :id", id=two.b.organization_id)
        == 0
    )
    assert await attempt(app, "SELECT count(*) FROM audit_chain") == DENIED
    await enter(app, two.a.organization_id)
    seen = await attempt(app, count, id=two.a.organization_id)
    assert isinstance(seen, int)
    assert seen > 0
