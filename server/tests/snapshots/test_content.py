"""One file of a snapshot: whole, or visibly broken."""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from sbs_restic.cli.invocation import on_repository
from sbs_server.models import ResticRepository
from sbs_server.snapshots.downloads import attachment
from sbs_server.testing.api import Api, Person
from sbs_server.testing.archive import BIG_BYTES, Archive
from sbs_server.testing.database import Tenant
from sbs_server.testing.estate import problems_of
from sbs_server.testing.serving import over_http, until


async def content(person: Person, tenant: Tenant, path: object) -> httpx.Response:
    url = f"{person.root}/snapshots/{tenant.snapshot_id}/content"
    return await person.client.get(url, params={"path": str(path)})


def restic_processes() -> list[psutil.Process]:
    return [
        one
        for one in psutil.Process().children(recursive=True)
        if one.status() != psutil.STATUS_ZOMBIE and "restic" in one.name()
    ]


async def test_file_comes_whole_and_is_audited(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    name = 'naïve "plan"; 100%.txt'
    answer = await content(person, tenant, archive.tree / name)
    assert answer.status_code == 200, answer.text
    assert answer.text == "письмо"
    assert answer.headers["content-length"] == "12"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="na_ve _plan__ 100_.txt"; ')
    assert disposition.endswith("filename*=UTF-8''na%C3%AFve%20%22plan%22%3B%20100%25.txt")
    (entry,) = await api.audited(tenant.organization_id, "snapshot.file_downloaded")
    assert (entry.result, entry.actor_id) == ("done", str(person.user_id))
    assert entry.details == {"path": f"{archive.tree}/{name}"}


@pytest.mark.parametrize("name", ["empty", "-rf", "[a]*?", "many/f07"])
async def test_names_with_meanings_elsewhere_are_just_names(
    person: Person, tenant: Tenant, archive: Archive, name: str
) -> None:
    answer = await content(person, tenant, archive.tree / name)
    assert answer.content == (archive.tree / name).read_bytes()


async def test_big_file_comes_whole(api: Api, person: Person, tenant: Tenant, archive: Archive) -> None:
    digest = hashlib.sha256()
    async with over_http(api, person) as client:
        url = f"{person.root}/snapshots/{tenant.snapshot_id}/content"
        async with client.stream("GET", url, params={"path": f"{archive.tree}/big"}) as answer:
            assert answer.headers["content-length"] == str(BIG_BYTES)
            async for piece in answer.aiter_bytes():
                digest.update(piece)
    expected = await asyncio.to_thread((archive.tree / "big").read_bytes)
    assert digest.digest() == hashlib.sha256(expected).digest()


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("nothing", 404, "snapshot.path_unknown"),
        ("many", 422, "snapshot.not_a_file"),
        ("link", 422, "snapshot.not_a_file"),
        ("pipe", 422, "snapshot.not_a_file"),
        ("odd\ufffd/inner", 422, "snapshot.name_not_utf8"),
        ("../tree/empty", 422, "snapshot.path_not_plain"),
    ],
)
async def test_what_has_no_content_is_told_and_not_audited(
    api: Api, person: Person, tenant: Tenant, archive: Archive, name: str, status: int, code: str
) -> None:
    answer = await content(person, tenant, f"{archive.tree}/{name}")
    assert answer.status_code == status
    found = [answer.json()["code"]] if status == 404 else [field for _, field in problems_of(answer)]
    assert found == [code]
    assert await api.audited(tenant.organization_id, "snapshot.file_downloaded") == []


async def test_root_has_no_content(person: Person, tenant: Tenant) -> None:
    assert problems_of(await content(person, tenant, "/")) == [("query:path", "snapshot.not_a_file")]


async def test_path_has_to_be_given(person: Person, tenant: Tenant) -> None:
    answer = await person.client.get(f"{person.root}/snapshots/{tenant.snapshot_id}/content")
    assert problems_of(answer) == [("query:path", "field.missing")]


@pytest.fixture
def damaged(archive: Archive, tmp_path: Path) -> Iterator[Path]:
    """A copy of the repository."""
    copy = tmp_path / "damaged"
    shutil.copytree(archive.location, copy)
    yield copy
    shutil.rmtree(copy)


async def ask(archive: Archive, *command: str) -> Any:
    """What `restic cat` says."""
    return await archive.runner.document(
        on_repository(archive.repository, "cat", operands=command), dict[str, Any]
    )


async def damage_the_end(archive: Archive, copy: Path) -> None:
    """Takes away, out of a copy of the repository, a pack from the end of the big file."""
    tree = await ask(archive, "tree", f"{archive.snapshot}:{archive.tree}")
    (pieces,) = [node["content"] for node in tree["nodes"] if node["name"] == "big"]
    pack_of = {
        blob["id"]: pack["id"]
        for index in (copy / "index").iterdir()
        for pack in (await ask(archive, "index", index.name))["packs"]
        for blob in pack["blobs"]
    }
    beginning = {pack_of[piece] for piece in pieces[:5]}
    victim = next(pack_of[piece] for piece in reversed(pieces) if pack_of[piece] not in beginning)
    (copy / "data" / victim[:2] / victim).unlink()


async def take(client: httpx.AsyncClient, url: str, received: list[int]) -> None:
    async with client.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_bytes():
            received.append(len(piece))  # noqa: PERF401 - what came before the break counts


async def test_file_that_breaks_off_breaks_the_connection(
    api: Api, person: Person, tenant: Tenant, archive: Archive, damaged: Path
) -> None:
    await damage_the_end(archive, damaged)
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(
            update(ResticRepository)
            .where(ResticRepository.id == tenant.restic_repository_id)
            .values(path=str(damaged))
        )
    received: list[int] = []
    async with over_http(api, person) as client:
        url = f"{person.root}/snapshots/{tenant.snapshot_id}/content?path={archive.tree}/big"
        with pytest.raises(httpx.RemoteProtocolError):
            await take(client, url, received)
    received_bytes = sum(received)
    assert 0 < received_bytes < BIG_BYTES
    results = [one.result for one in await api.audited(tenant.organization_id, "snapshot.file_downloaded")]
    assert results == ["done", "failed"]


async def test_restic_ends_when_the_client_goes(
    api: Api, person: Person, tenant: Tenant, archive: Archive
) -> None:
    async with over_http(api, person) as client:
        url = f"{person.root}/snapshots/{tenant.snapshot_id}/content"
        async with client.stream("GET", url, params={"path": f"{archive.tree}/big"}) as answer:
            await anext(answer.aiter_raw(1024))
            assert restic_processes()
        await until(lambda: not restic_processes())


@given(st.text(max_size=60))
def test_any_name_makes_a_header_of_one_line_in_ascii(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2
