"""What a person types, and the thing that is meant by it."""

from typing import Any

import pytest

from sbs_server.cli.errors import UsageError
from sbs_server.cli.finding import choose, whole_id

FIRST = "01990000-aaaa-7000-8000-000000000001"
SECOND = "01990000-aabb-7000-8000-000000000002"
HEX_NAMED = "01990000-cccc-7000-8000-000000000003"


def agent(identity: str, name: str, state: str = "active") -> dict[str, Any]:
    return {"id": identity, "name": name, "state": state}


AGENTS = [agent(FIRST, "mail"), agent(SECOND, "web"), agent(HEX_NAMED, "01990000aa")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("web", SECOND),
        ("01990000-aabb", SECOND),
        ("01990000AABB7", SECOND),
        ("01990000aa", HEX_NAMED),  # a name comes before the beginning of an id
    ],
)
def test_a_name_or_the_beginning_of_an_id_is_enough(wanted: str, found: str) -> None:
    assert choose("/agents", AGENTS, wanted)["id"] == found


@pytest.mark.parametrize("wanted", ["", "0199", "01990", "we", "0199zz", "01990001"])
def test_too_little_or_nothing_of_the_kind_is_told_with_what_would_do(wanted: str) -> None:
    with pytest.raises(UsageError, match=r"none of the agents matches .* first 6 digits .*`sbs agents list`"):
        choose("/agents", AGENTS, wanted)


def test_what_fits_several_is_told_with_the_candidates() -> None:
    with pytest.raises(UsageError) as raised:
        choose("/agents", AGENTS, "019900")
    assert "3 of the agents match '019900'" in str(raised.value)
    for one in AGENTS:
        assert f"{one['id']} ({one['name']}, active)" in str(raised.value)


def test_of_one_name_the_agent_that_is_not_revoked_is_meant() -> None:
    old, new = agent(FIRST, "mail", "revoked"), agent(SECOND, "mail")
    assert choose("/agents", [old, new], "mail") is new
    assert choose("/agents", [old], "mail") is old
    with pytest.raises(UsageError, match="2 of the agents match"):
        choose("/agents", [new, agent(FIRST, "mail")], "mail")


def test_a_run_has_no_name_to_give() -> None:
    with pytest.raises(UsageError, match="none of the runs matches 'mail': give an id"):
        choose("/runs", [{"id": FIRST, "job_name": "mail"}], "mail")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (FIRST, FIRST),
        (FIRST.replace("-", "").upper(), FIRST),
        ("{" + FIRST + "}", None),
        (FIRST[:-1], None),
        ("z" * 32, None),
    ],
)
def test_a_whole_id_is_known_as_one(wanted: str, found: str | None) -> None:
    assert whole_id(wanted) == found
