"""Signing in, being signed in, signing out."""

import asyncio
import time

import httpx
import pytest
from sqlalchemy import update

from sbs_server.auth.service import PER_ACCOUNT
from sbs_server.auth.sessions import COOKIE
from sbs_server.models import Role, UserAccount
from sbs_server.testing.api import PASSWORD, Api, Person

SESSION = "/api/v1/session"


async def sign_in(api: Api, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await api.client(**headers).post(SESSION, json={"email": email, "password": password})


async def test_sign_in_answers_who_one_is_and_where_one_belongs(api: Api) -> None:
    person = await api.person(Role.OPERATOR)
    answer = await person.client.get(SESSION)
    assert answer.status_code == 200
    body = answer.json()
    assert body["user"]["email"] == person.email
    assert [(m["organization_id"], m["role"]) for m in body["memberships"]] == [
        (str(person.organization_id), "operator")
    ]
    assert body["csrf_token"] == person.client.headers["X-CSRF-Token"]


async def test_cookie_is_bound_to_host_https_and_out_of_reach_of_scripts(api: Api) -> None:
    _, email = await api.account()
    answer = await sign_in(api, email)
    name, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith(f"{COOKIE}=")
    assert {flag.lower() for flag in flags} == {"httponly", "secure", "path=/", "samesite=lax"}
    assert answer.headers["cache-control"] == "no-store"


async def test_e_mail_is_compared_without_case_and_blanks(api: Api) -> None:
    _, email = await api.account()
    assert (await sign_in(api, f"  {email.upper()} ")).status_code == 201


async def test_cache_holds_no_cookie_in_clear(api: Api) -> None:
    person = await api.person()
    cookie = person.client.cookies[COOKIE]
    keys = [key async for key in api.services.valkey.scan_iter("session:*")]
    values = [await api.services.valkey.get(key) for key in keys]
    assert keys
    assert not any(cookie.encode() in (part or b"") for part in [*keys, *values])


async def test_sign_out_ends_the_session(api: Api) -> None:
    person = await api.person()
    cookie = person.client.cookies[COOKIE]
    answer = await person.client.delete(SESSION)
    assert answer.status_code == 204
    assert COOKIE not in person.client.cookies
    again = await api.client(Cookie=f"{COOKIE}={cookie}").get(SESSION)
    assert again.status_code == 401
    assert [entry.target_id for entry in await api.audited(None, "session.ended")][-1] == str(person.user_id)


async def test_signing_in_again_ends_the_session_before(api: Api) -> None:
    person = await api.person()
    before = person.client.cookies[COOKIE]
    await person.client.post(SESSION, json={"email": person.email, "password": PASSWORD})
    assert (await api.client(Cookie=f"{COOKIE}={before}").get(SESSION)).status_code == 401
    assert (await person.client.get(SESSION)).status_code == 200


async def test_nobody_is_told_to_sign_in(api: Api) -> None:
    answer = await api.client().get(SESSION)
    assert (answer.status_code, answer.json()["code"]) == (401, "request.unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5000])
async def test_invented_cookie_is_nobody(api: Api, cookie: str) -> None:
    answer = await api.client(Cookie=f"{COOKIE}={cookie}").get(SESSION)
    assert answer.status_code == 401


async def test_disabled_account_is_out_at_once_and_cannot_sign_in(api: Api) -> None:
    person = await api.person()
    async with api.system.transaction() as session:
        disable = update(UserAccount).where(UserAccount.id == person.user_id)
        await session.execute(disable.values(disabled_at=UserAccount.created_at))
    assert (await person.client.get(SESSION)).status_code == 401
    answer = await sign_in(api, person.email)
    assert (answer.status_code, answer.json()["code"]) == (401, "session.refused")


async def test_wrong_password_and_unknown_account_get_the_same_answer(api: Api) -> None:
    _, email = await api.account()
    answers = [await sign_in(api, email, "wrong"), await sign_in(api, "nobody-at-all@example.org", "wrong")]
    assert [answer.status_code for answer in answers] == [401, 401]
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert bodies[0] == bodies[1]


async def test_unknown_account_costs_the_same_work(api: Api) -> None:
    passwords = api.services.passwords
    known = await passwords.hash("right")

    async def cost(stored: str | None) -> float:
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            await passwords.verify(stored, "wrong")
            best = min(best, time.process_time() - started)
        return best

    # Not a promise of speed: an answer without any hashing would be a hundred times cheaper.
    assert await cost(None) > 0.3 * await cost(known)


async def test_failed_sign_in_is_audited_although_nothing_else_is_kept(api: Api) -> None:
    user_id, email = await api.account()
    await sign_in(api, email, "wrong", **{"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    entry = [e for e in await api.audited(None, "session.created") if e.target_id == str(user_id)][-1]
    assert (entry.result, entry.source_address) == ("denied", "203.0.113.9")
    assert "wrong" not in entry.canonical


async def test_account_is_throttled_and_says_for_how_long(api: Api) -> None:
    _, email = await api.account()
    tries = [sign_in(api, email, "wrong") for _ in range(PER_ACCOUNT.limit + 3)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [401] * PER_ACCOUNT.limit + [429] * 3
    refused = await sign_in(api, email)
    assert (refused.status_code, refused.json()["code"]) == (429, "session.too_many")
    assert 0 < int(refused.headers["retry-after"]) <= PER_ACCOUNT.seconds


async def test_success_clears_the_count_of_the_account(api: Api) -> None:
    _, email = await api.account()
    for _ in range(2):
        for _ in range(PER_ACCOUNT.limit - 1):
            assert (await sign_in(api, email, "wrong")).status_code == 401
        assert (await sign_in(api, email)).status_code == 201


async def test_address_is_throttled_over_accounts(api: Api) -> None:
    from sbs_server.auth.service import PER_ADDRESS  # noqa: PLC0415 - read next to its use

    client = api.client(**{"X-Forwarded-For": "2001:db8:77:1::5"})
    body = {"email": "", "password": "wrong"}
    for number in range(PER_ADDRESS.limit):
        await api.app.state.sign_in._addresses.hit("2001:db8:77:1::/64")
        body["email"] = f"guess-{number}@example.org"
    answer = await client.post(SESSION, json=body)
    assert answer.status_code == 429
    neighbour = api.client(**{"X-Forwarded-For": "2001:db8:77:2::5"})
    assert (await neighbour.post(SESSION, json=body)).status_code == 401


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person()


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
async def test_act_without_the_csrf_token_is_refused_and_audited(
    api: Api, person: Person, token: str | None
) -> None:
    del person.client.headers["X-CSRF-Token"]
    headers = {} if token is None else {"X-CSRF-Token": token.encode()}
    answer = await person.client.request("DELETE", SESSION, headers=headers)  # type: ignore[arg-type]  # bytes
    assert (answer.status_code, answer.json()["code"]) == (403, "request.csrf")
    assert (await person.client.get(SESSION)).status_code == 200
    assert (await api.audited(None, "session_delete"))[-1].result == "denied"
