import pytest

from scripts.check_rules import findings

DOMAIN = "server/src/sbs_server/jobs/service.py"
TEST = "server/tests/jobs/test_service.py"


def rules(name: str, source: str) -> list[str]:
    return [found.text.partition(":")[0] for found in findings(name, source)]


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        (DOMAIN, ["commit"]),
        ("server/src/sbs_server/kit/http/edge.py", ["commit"]),
        ("server/src/sbs_server/kit/db/migrate.py", []),
        ("agent/src/sbs_agent/journal.py", []),  # SQLite, no session
        (TEST, []),
    ],
)
def test_only_the_database_kit_and_tests_commit(name: str, broken: list[str]) -> None:
    assert rules(name, "async def act(session): await session.commit()") == broken


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "import os\nos.getenv('A')"])
def test_the_environment_is_read_in_config_modules_only(source: str) -> None:
    assert rules(DOMAIN, source) == ["env"]
    assert rules("server/src/sbs_server/config.py", source) == []
    assert rules("agent/src/sbs_agent/config.py", source) == []
    assert rules(TEST, source) == []


def test_elsewhere_a_reading_of_the_environment_needs_a_reason() -> None:
    assert rules(DOMAIN, "import os\nos.environ['A']  # env: the system names the folder") == []
    assert rules(DOMAIN, "import os\n# env: the system names the folder\nos.environ['A']") == []
    assert rules(DOMAIN, "import os\nos.environ['A']  # env:") == ["env"]


@pytest.mark.parametrize(
    "source",
    ["SQL = \"SELECT set_config('sbs.organization_id', 'a', true)\"", "func.set_config('a', 'b', True)"],
)
def test_only_one_file_tells_a_transaction_its_tenant(source: str) -> None:
    assert rules(DOMAIN, source) == ["tenant"]
    assert rules("server/src/sbs_server/kit/db/session.py", source) == []
    assert rules("server/src/sbs_server/kit/http/edge.py", source) == ["tenant"]
    assert rules(TEST, source) == []


@pytest.mark.parametrize("call", ["time.sleep(1)", "asyncio.sleep(1)", "sleep(1)"])
def test_a_test_does_not_sleep(call: str) -> None:
    assert rules(TEST, call) == ["sleep"]
    assert rules(TEST, f"for _ in range(3):\n    {call}") == ["sleep"]
    assert rules(DOMAIN, call) == []


def test_a_test_may_pause_while_a_condition_does_not_hold() -> None:
    assert rules(TEST, "while not ready():\n    time.sleep(0.05)") == []


def test_giving_way_once_is_no_sleep() -> None:
    assert rules(TEST, "asyncio.sleep(0)") == []


@pytest.mark.parametrize(
    "switch",
    [
        "noqa",
        "noqa: E501",
        "noqa: E501, S608 -",
        "type: ignore",
        "type: ignore[arg-type]",
        "type: ignore[attr-defined]  # noqa: SLF001",
        "ruff: noqa: S101",
    ],
)
def test_a_check_is_switched_off_with_a_reason_only(switch: str) -> None:
    assert rules(DOMAIN, f"x = 1  # {switch}") == ["reason"]
    assert rules(TEST, f"x = 1  # {switch}") == ["reason"]
    assert rules(DOMAIN, f"x = 1  # {switch} - the library's name") == []
    assert rules(DOMAIN, f"x = 1  # {switch}  # the library's name") == []


def test_text_that_only_speaks_of_a_switch_is_none() -> None:
    assert rules(DOMAIN, "x = 'a  # noqa'") == []


@pytest.mark.parametrize("caught", ["", " Exception", " Exception as error", " BaseException"])
def test_who_catches_every_error_says_why_or_raises_it_on(caught: str) -> None:
    assert rules(DOMAIN, f"try:\n    act()\nexcept{caught}:\n    tell()") == ["reason"]
    assert rules(DOMAIN, f"try:\n    act()\nexcept{caught}:  # noqa: BLE001\n    tell()") == ["reason"]
    assert rules(DOMAIN, f"try:\n    act()\nexcept{caught}:  # must not stop the others\n    tell()") == []
    assert rules(DOMAIN, f"try:\n    act()\nexcept{caught}:\n    tidy()\n    raise") == []
    assert rules(DOMAIN, "try:\n    act()\nexcept ValueError:\n    tell()") == []
