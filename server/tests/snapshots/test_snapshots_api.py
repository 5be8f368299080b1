"""`/snapshots` over HTTP: lists as `sbs_app`, folders from a real restic repository."""

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from sbs_server.kit.ids import new_id
from sbs_server.models import (
    CopyState,
    ResticRepository,
    ResticRepositoryState,
    Role,
    Run,
    RunKind,
    RunTrigger,
    Snapshot,
    SnapshotCopy,
)
from sbs_server.snapshots.reader import Limits, SnapshotReader
from sbs_server.testing.api import Api, Person
from sbs_server.testing.archive import Archive
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.estate import problems_of
from sbs_server.testing.serving import over_http, until


def url(person: Person, tenant: Tenant, rest: str = "") -> str:
    return f"{person.root}/snapshots/{tenant.snapshot_id}{rest}"


async def folder(person: Person, tenant: Tenant, path: object, **params: object) -> httpx.Response:
    query: Any = {"path": str(path), **params}
    return await person.client.get(url(person, tenant, "/files"), params=query)


async def change(api: Api, tenant: Tenant, model: type[Any], **values: object) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(model).values(**values))


async def test_snapshot_names_agent_job_and_copies(person: Person, tenant: Tenant, archive: Archive) -> None:
    found = (await person.client.get(url(person, tenant))).json()
    assert (found["agent_name"], found["job_name"], found["job_id"]) == (
        "machine",
        "documents",
        str(tenant.job_id),
    )
    (copy,) = found["copies"]
    assert copy["restic_snapshot_id"] == archive.snapshot
    assert (copy["repository_name"], copy["state"]) == ("place", "present")


async def test_list_is_filtered_paged_and_leaves_out_the_forgotten(
    api: Api, person: Person, tenant: Tenant
) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        own: dict[str, Any] = {"organization_id": tenant.organization_id, "agent_id": tenant.agent_id}
        run = Run(id=new_id(), kind=RunKind.BACKUP, trigger=RunTrigger.MANUAL, **own)
        session.add(run)
        await session.flush()
        first = await session.get_one(Snapshot, tenant.snapshot_id)
        later: dict[str, Any] = {
            name: getattr(first, name)
            for name in ("taken_at", "hostname", "paths", "files", "size_bytes", "added_bytes", "complete")
        }
        snapshot = Snapshot(id=new_id(), dataset_id=tenant.dataset_id, run_id=run.id, **own, **later)
        session.add(snapshot)
    both = [str(snapshot.id), str(tenant.snapshot_id)]

    async def ids(**params: Any) -> list[str]:
        answer = await person.client.get(f"{person.root}/snapshots", params=params)
        return [one["id"] for one in answer.json()["items"]]

    assert await ids() == both
    for name in ("agent_id", "job_id", "dataset_id"):
        assert await ids(**{name: getattr(tenant, name)}) == both
        assert await ids(**{name: new_id()}) == []
    page = (await person.client.get(f"{person.root}/snapshots", params={"limit": 1})).json()
    assert await ids(cursor=page["next_cursor"]) == both[1:]
    await change(api, tenant, Snapshot, forgotten_at=later["taken_at"])
    assert await ids() == []
    assert await ids(forgotten=True) == both


async def test_folder_shows_every_kind_of_entry(person: Person, tenant: Tenant, archive: Archive) -> None:
    answer = await folder(person, tenant, archive.tree)
    assert answer.status_code == 200, answer.text
    found = {one["name"]: one for one in answer.json()["items"]}
    assert answer.json()["next_cursor"] is None
    kinds = {name: one["type"] for name, one in found.items()}
    assert kinds["many"] == kinds["empty folder"] == "dir"
    assert (kinds["link"], kinds["pipe"], kinds["empty"]) == ("symlink", "fifo", "file")
    plan = found['naïve "plan"; 100%.txt']
    assert (plan["size_bytes"], plan["mode"], plan["addressable"]) == (12, "0644", True)
    assert plan["path"] == f'{archive.tree}/naïve "plan"; 100%.txt'
    assert found["script"]["mode"] == "4755"
    odd = found["odd\ufffd"]
    assert (odd["type"], odd["addressable"]) == ("dir", False)
    assert [one["name"] for one in answer.json()["items"]] == sorted(
        found, key=lambda name: name.encode("utf-8").replace("\ufffd".encode(), b"\xff")
    )


async def test_root_leads_down_to_the_sources(person: Person, tenant: Tenant, archive: Archive) -> None:
    (top,) = (await person.client.get(url(person, tenant, "/files"))).json()["items"]
    assert top["path"] == f"/{archive.tree.parts[1]}"
    assert top["type"] == "dir"
    assert (await folder(person, tenant, f"{archive.tree}/empty folder/")).json()["items"] == []


async def test_folder_is_paged_by_the_same_order(person: Person, tenant: Tenant, archive: Archive) -> None:
    names: list[str] = []
    cursor = None
    while True:
        params = {"limit": 10} | ({} if cursor is None else {"cursor": cursor})
        page = (await folder(person, tenant, archive.tree / "many", **params)).json()
        assert len(page["items"]) <= 10
        names += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"f{number:02}" for number in range(25)]
    whole = (await folder(person, tenant, archive.tree / "many", limit=25)).json()
    assert whole["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("{tree}/nothing", 404, "snapshot.path_unknown"),
        ("{tree}/empty/below", 404, "snapshot.path_unknown"),
        ("{tree}/[a-z]*", 404, "snapshot.path_unknown"),
        ("{tree}/empty", 422, "snapshot.not_a_folder"),
        ("{tree}/link", 422, "snapshot.not_a_folder"),
        ("{tree}/odd\ufffd", 422, "snapshot.name_not_utf8"),
        ("relative", 422, "snapshot.path_not_plain"),
        ("", 422, "snapshot.path_not_plain"),
        ("{tree}/../tree", 422, "snapshot.path_not_plain"),
        ("{tree}//many", 422, "snapshot.path_not_plain"),
        ("{tree}/a\0b", 422, "snapshot.path_not_plain"),
        ("/" + "x" * 8192, 422, "field.too_long"),
    ],
)
async def test_paths_that_can_not_be_listed(
    person: Person, tenant: Tenant, archive: Archive, path: str, status: int, code: str
) -> None:
    answer = await folder(person, tenant, path.replace("{tree}", str(archive.tree)))
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["code"] == code
    else:
        assert problems_of(answer) == [("query:path", code)]


@pytest.mark.parametrize("cursor", ["x", "e30", "eyJ2IjoxLCJuIjotMX0", "eyJ2IjoxLCJuIjoiMSJ9", "W10", "é"])
async def test_cursor_of_somebody_else_is_refused(person: Person, tenant: Tenant, cursor: str) -> None:
    answer = await folder(person, tenant, "/", cursor=cursor)
    assert (answer.status_code, problems_of(answer)) == (422, [("query:cursor", "request.cursor")])


async def test_snapshot_without_a_copy_can_not_be_read(api: Api, person: Person, tenant: Tenant) -> None:
    await change(api, tenant, SnapshotCopy, state=CopyState.FORGOTTEN)
    answer = await folder(person, tenant, "/")
    assert (answer.status_code, answer.json()["code"]) == (409, "snapshot.no_copy")


async def test_repository_that_is_gone_is_told(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    await change(api, tenant, ResticRepository, path=f"{archive.location}.gone")
    answer = await folder(person, tenant, "/")
    assert (answer.status_code, answer.json()["code"]) == (503, "snapshot.unreadable")
    assert "repository_missing" in answer.json()["detail"]


async def test_wrong_password_is_told_without_the_password(api: Api, person: Person, tenant: Tenant) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        wrong = await api.services.secrets.put(session, tenant.organization_id, "restic", "quite another one")
    await change(api, tenant, ResticRepository, cp_secret_id=wrong)
    answer = await folder(person, tenant, "/")
    assert (answer.status_code, answer.json()["code"]) == (503, "snapshot.unreadable")
    assert "wrong_password" in answer.json()["detail"]
    assert "another one" not in answer.text


async def test_quarantined_repository_is_still_read(api: Api, person: Person, tenant: Tenant) -> None:
    await change(api, tenant, ResticRepository, state=ResticRepositoryState.QUARANTINED)
    assert (await folder(person, tenant, "/")).status_code == 200


async def test_no_lock_is_left_and_none_is_needed(person: Person, tenant: Tenant, archive: Archive) -> None:
    lock = archive.location / "locks" / ("0" * 64)
    lock.write_bytes(b"not even a lock")
    try:
        assert (await folder(person, tenant, "/")).status_code == 200
    finally:
        lock.unlink()
    assert list((archive.location / "locks").iterdir()) == []


async def test_too_many_readers_are_told_to_come_again(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    reader = SnapshotReader(lambda: archive.runner, Limits(listings=1, queue_s=0.05))
    api.app.state.snapshot_reader = reader
    async with reader._slot(reader._listings):
        answer = await folder(person, tenant, "/")
    assert (answer.status_code, answer.json()["code"]) == (503, "snapshot.busy")
    assert answer.headers["retry-after"] == "10"
    assert (await folder(person, tenant, "/")).status_code == 200


async def test_listing_that_takes_too_long_is_ended(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    api.app.state.snapshot_reader = SnapshotReader(lambda: archive.runner, Limits(listing_s=0.01))
    answer = await folder(person, tenant, "/")
    assert (answer.status_code, answer.json()["code"]) == (503, "snapshot.slow")


async def test_no_database_connection_is_held_while_restic_runs_or_waits(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    reader = SnapshotReader(lambda: archive.runner, Limits(listings=1))
    api.app.state.snapshot_reader = reader
    pool: Any = api.services.database.engine.pool
    async with over_http(api, person) as client:
        async with reader._slot(reader._listings):
            with pytest.raises(httpx.ReadTimeout):
                await client.get(url(person, tenant, "/files"), timeout=1)
            await until(lambda: pool.checkedout() == 0)
        # Who left does not stand in the queue any more.
        assert (await client.get(url(person, tenant, "/files"))).status_code == 200


async def test_another_organizations_snapshot_does_not_exist(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    stranger = await api.person()
    for root in (person.root, stranger.root):
        for rest in ("", "/files", f"/content?path={archive.tree}/empty"):
            answer = await stranger.client.get(f"{root}/snapshots/{tenant.snapshot_id}{rest}")
            assert answer.status_code == 404
    assert (await stranger.client.get(f"{stranger.root}/snapshots")).json()["items"] == []
    assert (await folder(person, tenant, "/")).status_code == 200


async def test_one_organizations_path_does_not_open_anothers_snapshot(
    api: Api, person: Person, tenant: Tenant
) -> None:
    other = await make_tenant(api.services.database)
    answer = await person.client.get(f"{person.root}/snapshots/{other.snapshot_id}/files")
    assert answer.status_code == 404


async def test_auditors_see_names_and_no_contents(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    auditor = await api.person(Role.AUDITOR, tenant.organization_id)
    assert (await folder(auditor, tenant, archive.tree)).status_code == 200
    answer = await auditor.client.get(
        url(person, tenant, "/content"), params={"path": f"{archive.tree}/empty"}
    )
    assert answer.status_code == 403
