"""Granting, on the real table: what may run beside what, in which order, and never two against each other."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    AdmissionClaim,
    AdmissionTicket,
    ClaimMode,
    Outbox,
    ResticRepository,
    TicketState,
)
from sbs_server.testing.database import Tenant, make_tenant

Claims = list[tuple[int, ClaimMode]]


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    return await make_tenant(app_database)


async def _repositories(database: Database, tenant: Tenant, count: int) -> list[UUID]:
    async with database.transaction(tenant.organization_id) as session:
        like = await session.get_one(ResticRepository, tenant.restic_repository_id)
        ids = [new_id() for _ in range(count)]
        for number, row_id in enumerate(ids):
            place = new_id()
            await session.execute(
                text(
                    "INSERT INTO repository (id, organization_id, name, kind, layout, path)"
                    " VALUES (:id, :org, :name, 'local', 'per_agent', :path)"
                ),
                {"id": place, "org": tenant.organization_id, "name": f"r{place}", "path": f"/{place}"},
            )
            session.add(
                ResticRepository(
                    id=row_id,
                    organization_id=tenant.organization_id,
                    repository_id=place,
                    agent_id=tenant.agent_id,
                    path=f"/{place}/{number}",
                    cp_secret_id=like.cp_secret_id,
                )
            )
        return ids


async def _ask(database: Database, tenant: Tenant, repositories: list[UUID], claims: Claims) -> UUID:
    ticket_id = new_id()
    async with database.transaction(tenant.organization_id) as session:
        session.add(
            AdmissionTicket(
                id=ticket_id,
                organization_id=tenant.organization_id,
                run_id=tenant.run_id,
                purpose=ticket_id.hex,
                workflow_id=f"test-{ticket_id.hex}",
                enqueued_at=func.clock_timestamp(),
            )
        )
        await session.flush()
        session.add_all(
            AdmissionClaim(
                organization_id=tenant.organization_id,
                ticket_id=ticket_id,
                restic_repository_id=repositories[index],
                mode=mode,
            )
            for index, mode in dict(claims).items()
        )
    return ticket_id


async def _states(database: Database, tenant: Tenant) -> dict[UUID, TicketState]:
    async with database.transaction(tenant.organization_id) as session:
        rows = await session.execute(select(AdmissionTicket.id, AdmissionTicket.state))
        return {row.id: row.state for row in rows}


async def _release(database: Database, tenant: Tenant, ticket_id: UUID) -> None:
    async with database.transaction(tenant.organization_id) as session:
        (await session.get_one(AdmissionTicket, ticket_id)).state = TicketState.RELEASED


async def test_shared_claims_run_together_and_an_exclusive_one_waits_for_them(
    app_database: Database, system_database: Database, tenant: Tenant
) -> None:
    repositories = [tenant.restic_repository_id]
    dispatcher = Dispatcher(system_database)
    first = await _ask(app_database, tenant, repositories, [(0, ClaimMode.SHARED)])
    second = await _ask(app_database, tenant, repositories, [(0, ClaimMode.SHARED)])
    alone = await _ask(app_database, tenant, repositories, [(0, ClaimMode.EXCLUSIVE)])
    late = await _ask(app_database, tenant, repositories, [(0, ClaimMode.SHARED)])
    await dispatcher.grant()
    states = await _states(app_database, tenant)
    assert [states[t] for t in (first, second, alone, late)] == ["granted", "granted", "waiting", "waiting"]
    await _release(app_database, tenant, first)
    await dispatcher.grant()
    assert (await _states(app_database, tenant))[alone] == TicketState.WAITING
    await _release(app_database, tenant, second)
    await dispatcher.grant()
    states = await _states(app_database, tenant)
    assert (states[alone], states[late]) == ("granted", "waiting")
    await _release(app_database, tenant, alone)
    await dispatcher.grant()
    assert (await _states(app_database, tenant))[late] == TicketState.GRANTED


async def test_a_grant_leaves_a_signal_for_the_workflow_in_the_outbox(
    app_database: Database, system_database: Database, tenant: Tenant
) -> None:
    ticket = await _ask(app_database, tenant, [tenant.restic_repository_id], [(0, ClaimMode.SHARED)])
    await Dispatcher(system_database).grant()
    async with system_database.transaction() as session:
        payloads = (
            await session.scalars(select(Outbox.payload).where(Outbox.kind == "workflow_signal"))
        ).all()
    assert {"workflow_id": f"test-{ticket.hex}", "signal": "admitted", "input": ticket.hex} in payloads


_CLAIMS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(ClaimMode))), min_size=1, max_size=3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(_CLAIMS, min_size=1, max_size=8))
async def test_no_two_granted_tickets_stand_against_each_other_and_all_get_their_turn(
    app_database: Database, system_database: Database, asked: list[Claims]
) -> None:
    tenant = await make_tenant(app_database)
    repositories = await _repositories(app_database, tenant, 3)
    tickets = {await _ask(app_database, tenant, repositories, c): dict(c) for c in asked}
    done: list[UUID] = []
    while len(done) < len(tickets):
        await Dispatcher(system_database).grant()
        states = await _states(app_database, tenant)
        granted = [t for t in tickets if states[t] == TicketState.GRANTED]
        assert granted, "somebody waits for ever"
        _assert_compatible([tickets[t] for t in granted])
        await _release(app_database, tenant, granted[0])
        done.append(granted[0])


def _assert_compatible(granted: list[dict[int, ClaimMode]]) -> None:
    for number, mine in enumerate(granted):
        for other in granted[number + 1 :]:
            for repository in mine.keys() & other.keys():
                assert mine[repository] == other[repository] == ClaimMode.SHARED
