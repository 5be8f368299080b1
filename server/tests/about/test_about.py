"""`/about`: open to everybody."""

from importlib.metadata import version

from sbs_server.testing.api import Api


async def test_anybody_may_ask_what_this_is(api: Api) -> None:
    answer = await api.client().get("/api/v1/about")
    assert answer.status_code == 200
    assert answer.json() == {
        "product": "SBS",
        "version": version("sbs-server"),
        "api_version": "1",
        "sign_in": ["password"],
    }
