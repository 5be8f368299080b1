"""Every operation of the API, called by the administrator of one organization with the ids of another.

The operations come from the document of the application, so that a new one is called without being named here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.routing import Route

from sbs_server.api.app import described_app
from sbs_server.changes.stream import Tempo
from sbs_server.messaging import streams
from sbs_server.snapshots.reader import SnapshotReader
from sbs_server.testing.api import PASSWORD, Api, Person
from sbs_server.testing.archive import PASSWORD as REPOSITORY_PASSWORD
from sbs_server.testing.archive import Archive
from sbs_server.testing.estate import storage_root
from sbs_server.testing.rows import Filled, fill
from sbs_server.testing.superuser import engine_of
from tests.isolation import samples
from tests.isolation.ledger import contents
from tests.isolation.operations import ORGANIZATION, Operation, build, operations

BOUND = [one for one in operations() if one.is_bound]
UNBOUND = [one for one in operations() if not one.is_bound]
LONGEST_S = 60

# Not in the document, because people's programs do not call them: each has tests of its own.
UNDOCUMENTED = {
    "/agent/v1/trust",
    "/agent/v1/enrol",
    "/agent/v1/renew",
    "/agent/v1/secrets",
    "/healthz",
    "/readyz",
    "/api/v1/openapi.json",
}


@dataclass
class Stage:
    """The application, an administrator of A and one of B, and a look past all policies."""

    api: Api
    archive: Archive
    superuser: AsyncConnection
    a: Person
    b: Person

    async def rows(self, person: Person, operation: Operation) -> Filled:
        """Fresh rows of that person's organization, with a real repository behind them."""
        async with self.superuser.begin():
            ready = {"restic_repository": {"state": "ready"}, **samples.GIVEN.get(operation.id, {})}
            only = samples.ONLY.get(operation.id)
            made = await fill(self.superuser, person.organization_id, given=ready, only=only)
        if "snapshot_copy" in made.rows:
            await self._connect(made)
        return made

    async def _connect(self, made: Filled) -> None:
        services, organization = self.api.services, made.organization_id
        async with services.database.transaction(organization) as session:
            secret = await services.secrets.put(session, organization, "restic", REPOSITORY_PASSWORD)
            below = {"id": made.rows["restic_repository"]["id"]}
            where = {"path": str(self.archive.location), "secret": secret}
            await session.execute(
                text("UPDATE restic_repository SET path = :path, cp_secret_id = :secret WHERE id = :id"),
                below | where,
            )
            await session.execute(
                text("UPDATE snapshot_copy SET restic_snapshot_id = :name WHERE restic_repository_id = :id"),
                below | {"name": self.archive.snapshot},
            )

    async def contents_of_a(self) -> Mapping[str, tuple[int, str]]:
        async with self.superuser.begin():
            return await contents(self.superuser, self.a.organization_id, other=self.b.organization_id)

    async def alter(self, statement: str) -> None:
        async with self.superuser.begin():
            await self.superuser.execute(text("SET LOCAL lock_timeout = '5s'"))
            await self.superuser.execute(text(statement))

    def folders(self) -> set[str]:
        """What repositories have taken of the storage."""
        return {path.name for path in storage_root(self.api).iterdir()}


@pytest_asyncio.fixture(scope="module")
async def stage(api_stage: Api, archive: Archive) -> AsyncIterator[Stage]:
    before = api_stage.app.state.snapshot_reader
    api_stage.app.state.snapshot_reader = SnapshotReader(lambda: archive.runner)
    api_stage.app.state.tempo = Tempo(longest_s=0)  # else the stream of changes would not end
    await streams.prepare(await api_stage.bus())
    settings = api_stage.services.settings
    async with engine_of(settings) as engine, engine.connect() as connection:
        yield Stage(api_stage, archive, connection, await api_stage.person(), await api_stage.person())
    api_stage.app.state.snapshot_reader = before
    del api_stage.app.state.tempo
    await api_stage.close()


@dataclass(frozen=True)
class Request:
    """An operation with `own` ids, but for `instead`: values by the place where they go."""

    stage: Stage
    operation: Operation
    own: Filled
    organization: UUID
    instead: Mapping[str, str] = field(default_factory=dict)
    filters: bool = False

    async def by(self, person: Person) -> httpx.Response:
        sent: dict[str, Any] = {"params": self.query()}
        if self.operation.body is not None:
            sent["json"] = build(self.operation.body, self._id_in_body, self._text)
        async with asyncio.timeout(LONGEST_S):
            return await person.client.request(
                self.operation.method, self.path(), headers={"If-Match": "*"}, **sent
            )

    def path(self) -> str:
        ids = {name: self._id(f"path:{name}", name) for name in self.operation.path_ids}
        return self.operation.path.format(**ids, **{ORGANIZATION: self.organization})

    def query(self) -> dict[str, str]:
        wanted = {name: str(self._text(name)) for name in self.operation.required_query}
        ids = self.operation.query_ids if self.filters else []
        return wanted | {name: self._id(f"query:{name}", name) for name in ids}

    def _id_in_body(self, pointer: str, name: str) -> str:
        return self._id(f"body:{pointer}", name)

    def _id(self, place: str, name: str) -> str:
        return self.instead.get(place) or samples.id_of(name, self.own, self.operation.id)

    def _text(self, name: str) -> object:
        in_snapshot = self.operation.method == "GET"
        script = str(self.stage.archive.tree / "script")
        path = script if in_snapshot else samples.new_folder(storage_root(self.stage.api))
        further = {"path": path, "email": self.stage.b.email, "password": PASSWORD}
        return samples.text_of(name, self.operation.id, further)


def tells(answer: httpx.Response, theirs: Filled) -> set[str]:
    """What of those rows is in the answer, but for what the request itself has said."""
    asked = f"{answer.request.url} {answer.request.content.decode(errors='replace')}"
    return {mark for mark in theirs.marks() if mark in answer.text and mark not in asked}


def served(routes: Iterable[object]) -> Iterator[str]:
    """The paths of an application; routers that it includes keep theirs to themselves."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from served(included.routes)
        elif isinstance(route, Route):
            yield route.path


def test_document_tells_of_every_operation_of_the_application() -> None:
    documented = {operation.path for operation in operations()}
    paths = set(served(described_app().routes))
    assert documented <= paths
    assert paths - documented == UNDOCUMENTED, "an endpoint that is not in the document is not called here"
    assert len(BOUND) > len(UNBOUND) > 0


class Border:
    """One operation between A and B. Raises AssertionError for whatever gets over."""

    def __init__(self, stage: Stage, operation: Operation, theirs: Filled, own: Filled) -> None:
        self._stage, self._operation = stage, operation
        self._theirs, self._own = theirs, own
        self._a, self._b = stage.a.organization_id, stage.b.organization_id

    @classmethod
    async def between(cls, stage: Stage, operation: Operation) -> "Border":
        return cls(
            stage, operation, await stage.rows(stage.a, operation), await stage.rows(stage.b, operation)
        )

    async def check(self) -> None:
        before, folders = await self._stage.contents_of_a(), self._stage.folders()
        for request, wanted in self._foreign():
            answer = await request.by(self._stage.b)
            assert await self._stage.contents_of_a() == before, f"{request.path()} has changed something"
            assert self._stage.folders() == folders
            assert tells(answer, self._theirs) == set(), answer.text
            assert said(answer) == wanted, answer.text
        await self._control(before)

    def _foreign(self) -> Iterator[tuple[Request, object]]:
        """Requests of B with something of A's in them, and what they are answered."""
        operation = self._operation
        if operation.in_organization:
            for ids in (self._theirs, self._own):
                yield Request(self._stage, operation, ids, self._a), "request.not_found"
        for name in operation.path_ids:
            yield self._with(f"path:{name}", name), "request.not_found"
        for pointer, name in operation.body_ids():
            yield self._with(f"body:{pointer}", name), [pointer]
        for name in operation.query_ids:
            yield self._with(f"query:{name}", name, filters=True), []

    def _with(self, place: str, name: str, *, filters: bool = False) -> Request:
        instead = {place: samples.id_of(name, self._theirs, self._operation.id)}
        return Request(self._stage, self._operation, self._own, self._b, instead, filters=filters)

    async def _control(self, before: Mapping[str, tuple[int, str]]) -> None:
        """What was refused works for whom it belongs to, and B's own does too."""
        done = await Request(self._stage, self._operation, self._own, self._b, filters=True).by(self._stage.b)
        assert done.is_success, done.text
        assert await self._stage.contents_of_a() == before
        assert tells(done, self._theirs) == set()
        done = await Request(self._stage, self._operation, self._theirs, self._a, filters=True).by(
            self._stage.a
        )
        assert done.is_success, done.text
        assert said(done) != [] or not self._operation.query_ids


def said(answer: httpx.Response) -> object:
    """The code of a 404, the pointers of a 422, the items of a list; else the status."""
    if answer.status_code == 404:
        return answer.json()["code"]
    if answer.status_code == 422:
        return [one["pointer"] for one in answer.json()["errors"]]
    if answer.status_code == 200 and answer.headers["content-type"] == "application/json":
        return answer.json().get("items", 200)
    return answer.status_code


@pytest.mark.parametrize("operation", BOUND, ids=str)
async def test_other_organizations_do_not_exist(stage: Stage, operation: Operation) -> None:
    await (await Border.between(stage, operation)).check()


@pytest.mark.parametrize(
    ("table", "operation_id"),
    [
        ("agent", "agents_get"),
        ("job", "jobs_edit"),
        ("agent", "jobs_create"),
        ("enrolment_token", "enrolment_tokens_list"),
    ],
)
async def test_a_policy_that_is_missing_would_be_found(stage: Stage, table: str, operation_id: str) -> None:
    operation = next(one for one in BOUND if one.id == operation_id)
    border = await Border.between(stage, operation)
    await stage.alter(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    try:
        with pytest.raises(AssertionError):
            await border.check()
    finally:
        await stage.alter(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    await (await Border.between(stage, operation)).check()


# A platform operator sees that an organization is there, and may give it another name; not what is in it.
OPERATORS = {"organizations_get", "organizations_rename"}


@pytest.mark.parametrize("is_platform_operator", [True, False])
async def test_who_is_no_member_is_told_of_nothing(stage: Stage, *, is_platform_operator: bool) -> None:
    stranger = await stage.api.person(None, is_platform_operator=is_platform_operator)
    theirs = await stage.rows(stage.a, BOUND[0])
    for operation in (one for one in BOUND if one.in_organization):
        before = await stage.contents_of_a()
        request = Request(stage, operation, theirs, stage.a.organization_id)
        if is_platform_operator and operation.id in OPERATORS:
            assert (await request.by(stranger)).is_success
            continue
        answer = await request.by(stranger)
        assert said(answer) == "request.not_found", f"{operation}: {answer.text}"
        assert tells(answer, theirs) == set()
        assert await stage.contents_of_a() == before


async def test_who_is_not_signed_in_is_told_of_nothing(stage: Stage) -> None:
    client, theirs = stage.api.client(), await stage.rows(stage.a, BOUND[0])
    before = await stage.contents_of_a()
    for operation in BOUND:
        request = Request(stage, operation, theirs, stage.a.organization_id)
        answer = await client.request(operation.method, request.path(), json={}, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (401, "request.unauthenticated"), operation
    assert await stage.contents_of_a() == before


@pytest.mark.parametrize("operation", UNBOUND, ids=str)
async def test_what_belongs_to_no_organization_tells_of_none(stage: Stage, operation: Operation) -> None:
    theirs = await stage.rows(stage.a, operation)
    somebody = await stage.api.person(organization_id=stage.b.organization_id)
    before = await stage.contents_of_a()
    answer = await Request(stage, operation, theirs, stage.b.organization_id).by(somebody)
    assert answer.status_code < 500, answer.text
    assert await stage.contents_of_a() == before
    assert tells(answer, theirs) == set()
    assert str(stage.a.organization_id) not in answer.text


async def test_list_of_organizations_has_the_own_ones(stage: Stage) -> None:
    """The control for what was not found in it above."""
    answer = await stage.a.client.get("/api/v1/organizations")
    assert [one["id"] for one in answer.json()["items"]] == [str(stage.a.organization_id)]


def test_word_that_is_new_is_asked_for(tmp_path: Path) -> None:
    nothing = Filled(UUID(int=0), {})
    with pytest.raises(LookupError, match=r"gadgets_get: which table's id is 'gadget_id'\? .* in TABLES"):
        samples.id_of("gadget_id", nothing, "gadgets_get")
    with pytest.raises(LookupError, match=r"gadgets_create: what would be good for 'colour'\? .* in TEXTS"):
        samples.text_of("colour", "gadgets_create", {})
