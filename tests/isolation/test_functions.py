"""The functions that see all tenants, called in the transaction of one of them with the ids of another.

Before a tenant is known they answer: that is what they are for, and each test says so.
"""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.kit.ids import new_id
from sbs_server.testing.rows import Filled
from tests.isolation.probe import DENIED, Two, attempt, enter

APPEND = "SELECT audit_append(:organization, 'user', NULL, NULL, 'test.acted', NULL, NULL, 'done', '{}')"
COVERED = {
    "audit_append",
    "auth_account",
    "auth_memberships",
    "auth_user",
    "enrolment_token_use",
    "gateway_access",
    "gateway_grant",
    "platform_organizations",
}


async def rows(connection: AsyncConnection, statement: str, **parameters: object) -> list[dict[str, Any]]:
    """What a statement gives; what it changed is undone."""
    savepoint = await connection.begin_nested()
    found = (await connection.execute(text(statement), parameters)).mappings().all()
    await savepoint.rollback()
    return [dict(row) for row in found]


def user(of: Filled) -> object:
    return of.rows["user_account"]["id"]


async def as_member(connection: AsyncConnection, of: Filled) -> None:
    await enter(connection, of.organization_id, str(user(of)))


async def nobody(connection: AsyncConnection) -> None:
    await enter(connection, "")


async def test_every_such_function_has_its_test(superuser: AsyncConnection) -> None:
    query = "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    assert {row["proname"] for row in await rows(superuser, query)} == COVERED


async def test_account_by_address_is_for_signing_in_alone(app: AsyncConnection, two: Two) -> None:
    query, address = "SELECT id, password_hash FROM auth_account(:email)", two.a.rows["user_account"]["email"]
    assert [row["id"] for row in await rows(app, query, email=address)] == [user(two.a)]
    await as_member(app, two.b)
    assert await rows(app, query, email=address) == []
    await enter(app, two.b.organization_id)
    assert await rows(app, query, email=address) == []


@pytest.mark.parametrize("function", ["auth_user", "auth_memberships", "platform_organizations"])
async def test_who_is_known_learns_of_themselves_alone(app: AsyncConnection, two: Two, function: str) -> None:
    query = f"SELECT * FROM {function}(:id)"
    await as_member(app, two.b)
    assert await rows(app, query, id=user(two.a)) == []
    assert len(await rows(app, query, id=user(two.b))) == 1
    await as_member(app, two.a)
    assert len(await rows(app, query, id=user(two.a))) == 1
    await nobody(app)
    assert len(await rows(app, query, id=user(two.a))) == 1


async def test_organizations_are_listed_to_members_and_operators(
    superuser: AsyncConnection, two: Two
) -> None:
    query = "SELECT id FROM platform_organizations(:id)"
    both = {two.a.organization_id, two.b.organization_id}
    assert [row["id"] for row in await rows(superuser, query, id=user(two.b))] == [two.b.organization_id]
    promote = text("UPDATE user_account SET is_platform_operator = true WHERE id = :id")
    await superuser.execute(promote, {"id": user(two.b)})
    await superuser.execute(text("SET LOCAL ROLE sbs_app"))
    assert both <= {row["id"] for row in await rows(superuser, query, id=user(two.b))}
    await superuser.execute(text("RESET ROLE"))
    disable = text("UPDATE user_account SET disabled_at = now() WHERE id = :id")
    await superuser.execute(disable, {"id": user(two.b)})
    assert two.a.organization_id not in {row["id"] for row in await rows(superuser, query, id=user(two.b))}


async def test_token_of_another_organization_is_unknown_and_not_used_up(
    app: AsyncConnection, two: Two
) -> None:
    query, token = "SELECT * FROM enrolment_token_use(:digest)", two.a.rows["enrolment_token"]
    used = {"organization_id": two.a.organization_id, "token_id": token["id"], "problem": None}
    unknown = {"organization_id": None, "token_id": None, "problem": "unknown"}
    await as_member(app, two.b)
    assert await rows(app, query, digest=token["secret_sha256"]) == [unknown]
    await as_member(app, two.a)
    assert await rows(app, query, digest=token["secret_sha256"]) == [used]
    await nobody(app)
    assert await rows(app, query, digest=token["secret_sha256"]) == [used]


def grant(identity: Filled, repository: Filled) -> dict[str, object]:
    certificate = identity.rows["agent_certificate"]
    return {
        "organization": identity.organization_id,
        "agent": certificate["agent_id"],
        "serial": certificate["serial"],
        "repository": repository.rows["restic_repository"]["id"],
    }


@pytest.mark.parametrize("function", ["gateway_grant", "gateway_access"])
async def test_restic_repository_is_granted_to_its_own_agent_alone(
    app: AsyncConnection, two: Two, function: str
) -> None:
    query = f"SELECT path FROM {function}(:organization, :agent, :serial, :repository)"
    a, b = two.a, two.b
    own = [{"path": a.rows["restic_repository"]["path"]}]
    assert await rows(app, query, **grant(a, a)) == own
    assert await rows(app, query, **grant(b, a)) == []
    # Each part of the identity counts.
    for part in ("organization", "agent", "serial"):
        assert await rows(app, query, **(grant(a, a) | {part: grant(b, b)[part]})) == [], part
        assert await rows(app, query, **(grant(b, a) | {part: grant(a, a)[part]})) == [], part
    await as_member(app, b)
    assert await rows(app, query, **grant(a, a)) == []
    await as_member(app, a)
    assert await rows(app, query, **grant(a, a)) == own


_SECOND = {
    table: text(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, CAST(:changed AS jsonb))).* FROM {table} t"
        " WHERE organization_id = :organization"
    )
    for table in ("agent", "agent_certificate")
}


async def second_agent(connection: AsyncConnection, of: Filled) -> dict[str, str]:
    """Another agent of the organization, as `grant` has it."""
    agent, serial = str(new_id()), new_id().hex
    changed = {
        "agent": {"id": agent, "name": "second"},
        "agent_certificate": {"agent_id": agent, "serial": serial, "csr_sha256": f"\\x{new_id().hex * 2}"},
    }
    if "id" in of.rows["agent_certificate"]:
        changed["agent_certificate"]["id"] = str(new_id())
    for table, statement in _SECOND.items():
        values = {"organization": of.organization_id, "changed": json.dumps(changed[table])}
        await connection.execute(statement, values)
    return {"agent": agent, "serial": serial}


async def test_order_to_restore_opens_nothing_of_another_organization(
    superuser: AsyncConnection, two: Two
) -> None:
    """Even if a row said so that no foreign key lets in: the order too is looked for in the caller's organization."""
    a, b = two.a, two.b
    query = "SELECT own FROM gateway_access(:organization, :agent, :serial, :repository)"
    second = await second_agent(superuser, a)
    call = grant(a, a) | second
    assert await rows(superuser, query, **call) == []
    await superuser.execute(text("SET LOCAL session_replication_role = replica"))
    astray = text(
        "UPDATE command SET body = '{\"kind\": \"restore.run\"}', state = 'running', cancel_requested_at = NULL,"
        " agent_id = :agent, restic_repository_id = :target, organization_id = :organization WHERE id = :id"
    )
    order = {
        "id": b.rows["command"]["id"],
        "agent": second["agent"],
        "target": a.rows["restic_repository"]["id"],
    }
    await superuser.execute(astray, {**order, "organization": b.organization_id})
    assert await rows(superuser, query, **call) == []
    # The same order as the caller's own organization's: that is what opens it.
    await superuser.execute(astray, {**order, "organization": a.organization_id})
    assert await rows(superuser, query, **call) == [{"own": False}]
    assert await rows(superuser, query, **grant(b, a)) == []


async def test_chain_of_another_organization_takes_no_act(app: AsyncConnection, two: Two) -> None:
    await as_member(app, two.b)
    assert await attempt(app, APPEND, organization=two.a.organization_id) == DENIED
    assert await attempt(app, APPEND, organization="00000000-0000-0000-0000-000000000000") == DENIED
    number = await attempt(app, APPEND, organization=two.b.organization_id)
    assert isinstance(number, int)
    await nobody(app)
    assert await attempt(app, APPEND, organization=two.a.organization_id) == DENIED
    # What belongs to no organization, such as signing in.
    assert isinstance(await attempt(app, APPEND, organization=None), int)


@pytest.mark.parametrize("role", ["sbs_migrator", "sbs_system", "sbs_owner"])
async def test_functions_are_for_the_application_alone(
    superuser: AsyncConnection, two: Two, role: str
) -> None:
    await superuser.execute(text(f"SET LOCAL ROLE {role}"))
    calls = {
        "SELECT * FROM auth_account('a@example.org')": DENIED,
        "SELECT * FROM auth_user(gen_random_uuid())": DENIED,
        "SELECT * FROM auth_memberships(gen_random_uuid())": DENIED,
        "SELECT * FROM platform_organizations(gen_random_uuid())": DENIED,
        "SELECT * FROM enrolment_token_use('')": DENIED,
        "SELECT * FROM gateway_grant(gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid())": DENIED,
        "SELECT * FROM gateway_access(gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid())": DENIED,
    }
    assert {call: await attempt(superuser, call) for call in calls} == calls
    appended = await attempt(superuser, APPEND, organization=two.a.organization_id)
    # The named jobs that cross tenants record their acts too.
    assert isinstance(appended, int) if role == "sbs_system" else appended == DENIED
