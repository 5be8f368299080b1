"""`/restores` over HTTP, as `sbs_app` with row-level security."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError
from sqlalchemy import select, update

from sbs_protocol.paths import WirePath
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    Agent,
    AgentState,
    CopyState,
    Outbox,
    OutboxKind,
    ResticRepository,
    ResticRepositoryState,
    Restore,
    Role,
    RunTarget,
    SnapshotCopy,
)
from sbs_server.restores.paths import selected_path, target_folder
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.estate import add_agent, problems_of


@pytest.fixture
async def tenant(api: Api) -> Tenant:
    return await make_tenant(api.services.database)


@pytest.fixture
async def person(api: Api, tenant: Tenant) -> Person:
    return await api.person(Role.OPERATOR, tenant.organization_id)


def body_of(tenant: Tenant, **changes: object) -> dict[str, Any]:
    return {
        "snapshot_id": str(tenant.snapshot_id),
        "agent_id": str(tenant.agent_id),
        "target_folder": "/srv/restored",
        "policy": "refuse",
        **changes,
    }


async def change(api: Api, tenant: Tenant, model: type[Any], **values: object) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(model).values(**values))


async def nothing_begun(api: Api, tenant: Tenant) -> bool:
    rows = await api.count("SELECT count(*) FROM run WHERE organization_id = :o", o=tenant.organization_id)
    starts = "SELECT count(*) FROM outbox WHERE organization_id = :o AND kind = 'workflow_start'"
    return rows == 1 and await api.count(starts, o=tenant.organization_id) == 0


async def test_restore_is_a_run_with_its_particulars(api: Api, tenant: Tenant, person: Person) -> None:
    raw = base64.b64encode(b"/srv/documents/odd\xff").decode()
    selection = ["/srv/documents/letter", {"text": "shown anyhow", "raw": raw}, {"text": "/srv/x"}]
    answer = await person.client.post(
        f"{person.root}/restores", json=body_of(tenant, selection=selection, policy="keep_both")
    )
    assert answer.status_code == 202, answer.text
    found = answer.json()
    exact = {"text": "/srv/documents/odd\ufffd", "raw": raw}
    plain = [{"text": path, "raw": None} for path in ("/srv/documents/letter", "/srv/x")]
    assert found["selection"] == [plain[0], exact, plain[1]]
    assert (found["policy"], found["verify"], found["target_folder"]) == ("keep_both", True, "/srv/restored")
    run = found["run"]
    assert (run["kind"], run["state"], run["trigger"]) == ("restore", "waiting", "manual")
    assert (run["agent_id"], run["requested_by"]) == (str(tenant.agent_id), str(person.user_id))
    assert run["targets"][0]["restic_repository_id"] == str(tenant.restic_repository_id)
    assert answer.headers["location"] == f"{person.root}/restores/{run['id']}"
    assert (await person.client.get(answer.headers["location"])).json() == found
    assert (await person.client.get(f"{person.root}/runs/{run['id']}")).json() == run
    (entry,) = await api.audited(tenant.organization_id, "restore.requested")
    assert entry.details["selection"]["count"] == 3


async def test_workflow_is_started_with_the_commit(api: Api, tenant: Tenant, person: Person) -> None:
    answer = await person.client.post(f"{person.root}/restores", json=body_of(tenant, verify=False))
    run_hex = answer.json()["run"]["id"].replace("-", "")
    async with api.system.transaction() as session:
        wanted = select(Outbox).where(
            Outbox.aggregate == f"run:{run_hex}", Outbox.kind == OutboxKind.WORKFLOW_START
        )
        (row,) = (await session.scalars(wanted)).all()
    assert row.payload == {
        "workflow": "RestoreWorkflow",
        "workflow_id": f"run-{run_hex}",
        "input": {"organization_id": tenant.organization_id.hex, "run_id": run_hex},
    }
    async with api.services.database.transaction(tenant.organization_id) as session:
        restore = (await session.scalars(select(Restore))).one()
        targets = (await session.scalars(select(RunTarget))).all()
    assert restore.verify is False
    assert restore.selection == []
    assert [target.restic_repository_id for target in targets] == [tenant.restic_repository_id]


async def test_same_key_restores_once(api: Api, tenant: Tenant, person: Person) -> None:
    key = {"Idempotency-Key": new_id().hex}
    first, again = [
        await person.client.post(f"{person.root}/restores", json=body_of(tenant), headers=key)
        for _ in range(2)
    ]
    assert first.json() == again.json()
    other = await person.client.post(
        f"{person.root}/restores", json=body_of(tenant, policy="skip"), headers=key
    )
    assert (other.status_code, other.json()["code"]) == (409, "request.idempotency_key_reused")


@pytest.mark.parametrize(
    ("change_", "pointer", "code"),
    [
        ({"policy": None}, "/policy", "restore.policy_required"),
        ({"policy": "merge"}, "/policy", "restore.policy_required"),
        ({"policy": ["skip"]}, "/policy", "restore.policy_required"),
        ({"snapshot_id": "x"}, "/snapshot_id", "field.not_id"),
        ({"snapshot_id": str(new_id())}, "/snapshot_id", "restore.snapshot_unknown"),
        ({"agent_id": str(new_id())}, "/agent_id", "restore.agent_unknown"),
        ({"target_folder": ""}, "/target_folder", "field.too_short"),
        ({"target_folder": "relative"}, "/target_folder", "job.path_not_absolute"),
        ({"target_folder": "/"}, "/target_folder", "restore.target_root"),
        ({"target_folder": "///"}, "/target_folder", "restore.target_root"),
        ({"target_folder": "C:\\"}, "/target_folder", "restore.target_root"),
        ({"target_folder": "/srv/../etc"}, "/target_folder", "job.path_not_plain"),
        ({"target_folder": "/srv/a\u0000b"}, "/target_folder", "request.control"),
        ({"target_folder": "C:\\restored"}, "/target_folder", "restore.target_other_os"),
        ({"selection": "/x"}, "/selection", "field.not_list"),
        ({"selection": ["/x", "y"]}, "/selection/1", "restore.selection_not_absolute"),
        ({"selection": ["/x/../y"]}, "/selection/0", "restore.selection_not_plain"),
        ({"selection": ["/x/"]}, "/selection/0", "restore.selection_not_plain"),
        ({"selection": ["/a\u0000b"]}, "/selection/0", "restore.selection_not_absolute"),
        ({"selection": [5]}, "/selection/0", "restore.selection_unreadable"),
        ({"selection": [{"raw": "L3g="}]}, "/selection/0", "restore.selection_unreadable"),
        ({"selection": [{"text": "/x", "raw": "%"}]}, "/selection/0", "restore.selection_unreadable"),
        ({"selection": [{"text": "/x", "more": 1}]}, "/selection/0", "restore.selection_unreadable"),
        ({"selection": ["/x"] * 10_001}, "/selection", "field.too_many"),
        ({"verify": "perhaps"}, "/verify", "field.not_boolean"),
        ({"overwrite": True}, "/overwrite", "field.unknown"),
    ],
)
async def test_each_bad_field_is_named_and_nothing_begins(
    api: Api, tenant: Tenant, person: Person, change_: dict[str, object], pointer: str, code: str
) -> None:
    answer = await person.client.post(f"{person.root}/restores", json=body_of(tenant, **change_))
    assert answer.status_code == 422, answer.text
    assert problems_of(answer) == [(pointer, code)]
    assert await nothing_begun(api, tenant)


async def test_missing_policy_names_the_four(api: Api, tenant: Tenant, person: Person) -> None:
    body = body_of(tenant)
    del body["policy"]
    answer = await person.client.post(f"{person.root}/restores", json=body)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/policy")
    for policy in ("refuse", "skip", "overwrite", "keep_both"):
        assert policy in error["message"]


async def test_schema_says_that_the_policy_is_required(api: Api) -> None:
    schema = api.app.openapi()["components"]["schemas"]["RestoreCreate"]
    assert "policy" in schema["required"]
    assert "verify" not in schema["required"]


async def test_another_agent_is_refused_with_the_reason(api: Api, tenant: Tenant, person: Person) -> None:
    other = str(await add_agent(api, person))
    answer = await person.client.post(f"{person.root}/restores", json=body_of(tenant, agent_id=other))
    assert problems_of(answer) == [("/agent_id", "restore.other_agent")]
    assert "from_other_agent" in answer.json()["errors"][0]["hint"]
    assert await nothing_begun(api, tenant)


async def test_administrator_restores_to_another_agent_of_the_organization(
    api: Api, tenant: Tenant, person: Person
) -> None:
    """Also to the machine that was enrolled anew, when the agent that made the snapshot is revoked."""
    administrator = await api.person(Role.ORG_ADMIN, tenant.organization_id)
    other = str(await add_agent(api, person))
    async with api.services.database.transaction(tenant.organization_id) as session:
        gone = update(Agent).where(Agent.id == tenant.agent_id).values(state=AgentState.REVOKED)
        await session.execute(gone)
    body = body_of(tenant, agent_id=other, from_other_agent=True)
    refused = await person.client.post(f"{person.root}/restores", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "restore.other_agent_forbidden")
    assert await nothing_begun(api, tenant)
    answer = await administrator.client.post(f"{administrator.root}/restores", json=body)
    assert answer.status_code == 202, answer.text
    run = answer.json()["run"]
    assert run["agent_id"] == other
    assert run["targets"][0]["restic_repository_id"] == str(tenant.restic_repository_id)
    (entry,) = await api.audited(tenant.organization_id, "restore.requested")
    assert (entry.details["agent_id"], entry.details["source_agent_id"]) == (other, str(tenant.agent_id))


async def test_agent_of_another_organization_is_unknown_whoever_asks(api: Api, tenant: Tenant) -> None:
    administrator = await api.person(Role.ORG_ADMIN, tenant.organization_id)
    stranger = await make_tenant(api.services.database)
    body = body_of(tenant, agent_id=str(stranger.agent_id), from_other_agent=True)
    answer = await administrator.client.post(f"{administrator.root}/restores", json=body)
    assert problems_of(answer) == [("/agent_id", "restore.agent_unknown")]
    body = body_of(tenant, snapshot_id=str(stranger.snapshot_id), from_other_agent=True)
    answer = await administrator.client.post(f"{administrator.root}/restores", json=body)
    assert problems_of(answer) == [("/snapshot_id", "restore.snapshot_unknown")]
    assert await nothing_begun(api, tenant)


async def test_revoked_agent_is_refused(api: Api, tenant: Tenant, person: Person) -> None:
    await change(api, tenant, Agent, state=AgentState.REVOKED)
    answer = await person.client.post(f"{person.root}/restores", json=body_of(tenant))
    assert problems_of(answer) == [("/agent_id", "restore.agent_revoked")]


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (SnapshotCopy, {"state": CopyState.FORGOTTEN}),
        (ResticRepository, {"state": ResticRepositoryState.QUARANTINED}),
        (ResticRepository, {"state": ResticRepositoryState.PENDING}),
    ],
)
async def test_snapshot_without_a_usable_copy_is_a_conflict(
    api: Api, tenant: Tenant, person: Person, model: type[Any], values: dict[str, object]
) -> None:
    await change(api, tenant, model, **values)
    answer = await person.client.post(f"{person.root}/restores", json=body_of(tenant))
    assert (answer.status_code, answer.json()["code"]) == (409, "restore.no_copy")
    assert await nothing_begun(api, tenant)


async def test_windows_machine_takes_windows_folders(api: Api, tenant: Tenant, person: Person) -> None:
    await change(api, tenant, Agent, os="windows")
    refused = await person.client.post(f"{person.root}/restores", json=body_of(tenant))
    assert problems_of(refused) == [("/target_folder", "restore.target_other_os")]
    taken = await person.client.post(
        f"{person.root}/restores", json=body_of(tenant, target_folder="C:\\Restored")
    )
    assert taken.status_code == 202


async def test_things_of_another_organization_are_unknown(api: Api, tenant: Tenant, person: Person) -> None:
    other = await make_tenant(api.services.database)
    for name, code in (("snapshot_id", "restore.snapshot_unknown"), ("agent_id", "restore.agent_unknown")):
        foreign = body_of(tenant, **{name: str(getattr(other, name))})
        answer = await person.client.post(f"{person.root}/restores", json=foreign)
        assert problems_of(answer) == [(f"/{name}", code)]
    stranger = await api.person(organization_id=other.organization_id)
    made = await person.client.post(f"{person.root}/restores", json=body_of(tenant))
    for root in (person.root, stranger.root):
        answer = await stranger.client.get(f"{root}/restores/{made.json()['run']['id']}")
        assert answer.status_code == 404
    assert (await stranger.client.post(f"{person.root}/restores", json=body_of(tenant))).status_code == 404


async def test_backup_is_no_restore(tenant: Tenant, person: Person) -> None:
    assert (await person.client.get(f"{person.root}/restores/{tenant.run_id}")).status_code == 404


async def test_auditors_read_and_do_not_restore(api: Api, tenant: Tenant, person: Person) -> None:
    auditor = await api.person(Role.AUDITOR, tenant.organization_id)
    assert (await auditor.client.post(f"{auditor.root}/restores", json=body_of(tenant))).status_code == 403
    made = await person.client.post(f"{person.root}/restores", json=body_of(tenant))
    assert (await auditor.client.get(made.headers["location"])).status_code == 200


segments = st.lists(
    st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & set(b"/\0")), min_size=1
)


@given(segments)
def test_any_path_of_a_file_system_can_be_selected_exactly(names: list[bytes]) -> None:
    path = b"/" + b"/".join(names)
    try:
        chosen = selected_path(WirePath.from_bytes(path).model_dump())
    except PydanticCustomError:
        assert {b".", b".."} & set(names)
        return
    assert chosen.to_bytes() == path


@given(st.text(st.sampled_from("/\\.:C ab"), min_size=1, max_size=20))
def test_accepted_target_is_below_a_root_and_climbs_nowhere(text: str) -> None:
    try:
        folder = target_folder(text)
    except PydanticCustomError:
        return
    parts = (folder if folder.startswith("/") else folder.replace("\\", "/")).split("/")
    assert ".." not in parts
    assert any(parts[1:])
