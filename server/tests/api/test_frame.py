"""What is true of every request, whatever it asks for."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from valkey.asyncio import Valkey

from sbs_server.api.app import ApiServices, create_app
from sbs_server.kit import cache
from sbs_server.kit.db.session import Database
from sbs_server.kit.http.bodies import LARGEST_BODY_BYTES
from sbs_server.testing.api import Api, Person

ORGANIZATIONS = "/api/v1/organizations"
SESSION = "/api/v1/session"


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person()


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_every_answer_has_an_id_and_the_security_headers(api: Api) -> None:
    client = api.client()
    for path in ("/healthz", SESSION, "/nowhere"):
        headers = (await client.get(path)).headers
        assert len(headers["x-request-id"]) == 32
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"


async def test_id_of_the_caller_is_kept_if_it_is_one(api: Api) -> None:
    answer = await api.client().get(SESSION, headers={"X-Request-Id": "abc-123.DEF_4"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-123.DEF_4"
    forged = await api.client().get(SESSION, headers={"X-Request-Id": 'x" injected'})
    assert "injected" not in forged.text + forged.headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Sbs-Ingress": "wrong"}, (403, "request.ingress")),
        ({"Host": "evil.example"}, (421, "request.host")),
        ({"Host": "[::"}, (421, "request.host")),
        ({"Origin": "https://evil.example"}, (403, "request.origin")),
        ({"Origin": "null"}, (403, "request.origin")),
        ({"Origin": "https://console.localhost:9999"}, (403, "request.origin")),
        ({"Origin": "https://console.localhost:8443"}, (401, "session.refused")),
        ({"Host": "LOCALHOST:8443"}, (401, "session.refused")),
    ],
)
async def test_only_our_own_pages_and_names_get_through(
    api: Api, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    body = {"email": "a@example.org", "password": "wrong"}
    # Each from its own account: the limit on tries is not what is meant here.
    body["email"] = f"{uuid4().hex}@example.org"
    assert code(await api.client(**headers).post(SESSION, json=body)) == expected


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_body_of_another_type_is_refused(person: Person, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await person.client.post(ORGANIZATIONS, content=b'{"name": "x"}', headers=headers)
    assert code(answer) == (415, "request.media_type")


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b'{"name": "x"} trailing', b"[" * 100_000, b'{"a":\x00}']
)
async def test_body_that_is_not_json_is_refused(person: Person, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await person.client.post(ORGANIZATIONS, content=content, headers=headers)
    assert code(answer) == (400, "request.not_json")


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"null", b"1", b"NaN", b""])
async def test_json_that_is_no_object_is_refused(person: Person, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await person.client.post(ORGANIZATIONS, content=content, headers=headers)
    assert code(answer) == (422, "request.invalid")


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 65536):
        yield b" " * 65536


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_beyond_the_limit_is_refused_also_in_chunks(person: Person, *, chunked: bool) -> None:
    size = LARGEST_BODY_BYTES + 65536
    headers = {"Content-Type": "application/json"}
    content: Any = chunks(size) if chunked else b" " * size
    answer = await person.client.post(ORGANIZATIONS, content=content, headers=headers)
    assert code(answer) == (413, "request.too_large")
    assert str(LARGEST_BODY_BYTES) in answer.json()["detail"]


async def test_body_at_the_limit_is_read(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    body = json.dumps({"name": f"large {uuid4().hex}"}).encode().ljust(LARGEST_BODY_BYTES)
    answer = await operator.client.post(
        ORGANIZATIONS, content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201


async def test_unknown_addresses_and_methods_are_problems(person: Person) -> None:
    assert code(await person.client.get("/api/v1/nowhere")) == (404, "request.not_found")
    answer = await person.client.put(SESSION, json={})
    assert code(answer) == (405, "request.method")
    assert answer.headers["allow"] == "DELETE, GET, POST"
    assert code(await person.client.get(f"{ORGANIZATIONS}/")) == (404, "request.not_found")


async def test_id_that_is_none_is_named(person: Person) -> None:
    answer = await person.client.get(f"{ORGANIZATIONS}/first")
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("path:organization_id", "field.not_id")
    ]


@pytest.mark.parametrize(
    ("preferred", "accepted", "words"),
    [
        ("ru", "en-US,en", ("Correct", "This field is required.")),
        ("en", "ru", ("Исправьте", "Это поле обязательно.")),
        ("ru", "de", ("Исправьте", "Это поле обязательно.")),
    ],
)
async def test_problems_speak_the_language_that_was_asked_for_or_else_the_readers_own(
    api: Api, preferred: str, accepted: str, words: tuple[str, str]
) -> None:
    person = await api.person(locale=preferred)
    path, headers = f"{person.root}/enrolment-tokens", {"Accept-Language": accepted}
    problem = (await person.client.post(path, json={}, headers=headers)).json()
    assert problem["hint"].startswith(words[0])
    assert problem["errors"][0]["message"] == words[1]


async def test_nobodys_language_is_the_browsers(api: Api) -> None:
    headers = {"Accept-Language": "de, ru-RU;q=0.8"}
    assert (await api.client().get(SESSION, headers=headers)).json()["title"] == "Вход не выполнен"
    assert (await api.client().get(SESSION)).json()["title"] == "Not signed in"


_AT_COMMIT = """
CREATE FUNCTION test_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.name = 'fails at commit' THEN RAISE EXCEPTION 'a deferred constraint'; END IF;
  IF NEW.name = 'breaks at commit' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER test_at_commit AFTER INSERT ON enrolment_token
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_at_commit()
"""


@pytest.fixture
async def failing_commits(api: Api) -> AsyncIterator[None]:
    """From now on tokens of two names can't be committed."""
    owner = Database(api.services.settings.database.url("sbs_owner"), pool_size=1)
    try:
        async with owner.transaction() as session:
            for statement in _AT_COMMIT.split("$$;"):
                whole = f"{statement}$$" if "plpgsql" in statement else statement
                await session.execute(text(whole))
        yield
        async with owner.transaction() as session:
            await session.execute(text("DROP TRIGGER test_at_commit ON enrolment_token"))
            await session.execute(text("DROP FUNCTION test_at_commit()"))
    finally:
        await owner.close()


@pytest.mark.usefixtures("failing_commits")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fails at commit", (500, "request.internal")),
        ("breaks at commit", (503, "request.interrupted")),
    ],
)
async def test_commit_that_fails_is_never_a_success(
    api: Api, person: Person, name: str, expected: tuple[int, str]
) -> None:
    path, headers = f"{person.root}/enrolment-tokens", {"Idempotency-Key": uuid4().hex}
    answer = await person.client.post(path, json={"name": name}, headers=headers)
    assert code(answer) == expected
    assert (await person.client.get(path)).json()["items"] == []
    assert await api.audited(person.organization_id, "enrolment_token.created") == []
    # Nothing of it was kept: the same key is free for a request that works.
    works = await person.client.post(path, json={"name": "works"}, headers=headers)
    assert works.status_code == 201


async def test_repeated_requests_at_the_same_time_happen_once(api: Api, person: Person) -> None:
    path, headers = f"{person.root}/enrolment-tokens", {"Idempotency-Key": uuid4().hex}
    tries = [person.client.post(path, json={"name": "once"}, headers=headers) for _ in range(6)]
    answers = await asyncio.gather(*tries)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await person.client.get(path)).json()["items"]) == 1


async def test_key_of_another_person_or_route_is_another_key(api: Api, person: Person) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    other = await api.person(organization_id=person.organization_id)
    path = f"{person.root}/enrolment-tokens"
    first = await person.client.post(path, json={"name": "a"}, headers=key)
    second = await other.client.post(path, json={"name": "b"}, headers=key)
    assert (first.json()["name"], second.json()["name"]) == ("a", "b")


async def test_key_that_is_too_long_is_refused(person: Person) -> None:
    path, headers = f"{person.root}/enrolment-tokens", {"Idempotency-Key": "k" * 256}
    assert code(await person.client.post(path, json={"name": "a"}, headers=headers)) == (
        400,
        "request.idempotency_key",
    )


async def test_what_nobody_foresaw_is_a_problem_without_details(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    router = APIRouter()

    @router.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("a detail that is nobody's business")

    app = create_app(api.services)
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    ours = {"X-Sbs-Ingress": api.services.settings.http.ingress_secret()}
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost", headers=ours) as client:
        answer = await client.get("/api/v1/broken")
    assert code(answer) == (500, "request.internal")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "nobody's business" not in answer.text


def with_parts(api: Api, **parts: Any) -> ApiServices:
    return dataclasses.replace(api.services, **parts)


async def ask(services: ApiServices, path: str, **headers: str) -> httpx.Response:
    ours = {"X-Sbs-Ingress": services.settings.http.ingress_secret(), **headers}
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost", headers=ours) as client:
        return await client.get(path)


@pytest.fixture
async def no_cache(api: Api, unused_tcp_port: int) -> AsyncIterator[Valkey]:
    gone = api.services.settings.valkey.model_copy(update={"port": unused_tcp_port, "socket": None})
    valkey = cache.connect(gone)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def no_database(api: Api, unused_tcp_port: int) -> AsyncIterator[Database]:
    settings = api.services.settings.database.model_copy(update={"port": unused_tcp_port})
    database = Database(settings.url("sbs_app"), pool_size=1)
    yield database
    await database.close()


async def test_ready_when_everything_is_there_and_open_to_probes(api: Api) -> None:
    client = api.client()
    del client.headers["X-Sbs-Ingress"]
    ready = await client.get("/readyz", headers={"Host": "10.0.0.1:8080"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "down": []})
    assert (await client.get("/healthz")).status_code == 200


async def test_readiness_names_what_is_down(
    api: Api, no_cache: Valkey, no_database: Database, unused_tcp_port: int
) -> None:
    settings = api.services.settings
    nats = settings.nats.model_copy(update={"url": f"tls://127.0.0.1:{unused_tcp_port}"})
    temporal = settings.temporal.model_copy(update={"address": f"127.0.0.1:{unused_tcp_port}"})
    broken = settings.model_copy(update={"nats": nats, "temporal": temporal})
    answer = await ask(with_parts(api, settings=broken), "/readyz")
    assert (answer.status_code, answer.json()["down"]) == (503, ["nats", "temporal"])
    answer = await ask(with_parts(api, valkey=no_cache, database=no_database), "/readyz")
    assert (answer.status_code, answer.json()["down"]) == (503, ["postgresql", "valkey"])


async def test_part_that_is_out_of_reach_is_named(
    api: Api, person: Person, no_cache: Valkey, no_database: Database
) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    for parts, word in (({"valkey": no_cache}, "cache"), ({"database": no_database}, "database")):
        answer = await ask(with_parts(api, **parts), SESSION, Cookie=cookie)
        assert code(answer) == (503, "request.unavailable")
        assert word in answer.json()["detail"]
    assert (await person.client.get(SESSION)).status_code == 200


class _Starting(Database):
    """As PostgreSQL is after a crash: it listens, and says that it is not ready."""

    def __init__(self) -> None:
        pass

    def transaction(self, *_: object, **__: object) -> Any:
        class NotReadyError(Exception):
            sqlstate = "57P03"

        raise DBAPIError("connect", None, NotReadyError("the database system is starting up"))


async def test_database_that_is_starting_is_waited_for_and_no_fault_of_ours(api: Api, person: Person) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    answer = await ask(with_parts(api, database=_Starting()), SESSION, Cookie=cookie)
    assert code(answer) == (503, "request.unavailable")


def test_no_endpoint_file_commits() -> None:
    root = Path(create_app.__code__.co_filename).parents[1]
    found = [
        path.name
        for path in root.rglob("*.py")
        if not {"kit", "roles", "embedded", "testing", "migrations", "gateway"} & set(path.parts)
        and ".commit()" in path.read_text()
    ]
    assert found == []
