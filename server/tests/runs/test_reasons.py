"""Why a run failed is told in the reader's language, whoever reported it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sbs_server
from sbs_protocol.events import ErrorCode
from sbs_server.kit.i18n import Locale, catalogue
from sbs_server.models import Run
from sbs_server.runs.reasons import reason

# Where our own steps name a reason: the argument's place, or its keyword.
_PLACES: dict[str, int | str] = {
    "RepositoryProblem": 0,
    "ApplicationError": "type",
    "failed": 0,
    "RunEnd": 2,
    "RestorePlan": "problem_code",
    "BackupPlan": "problem_code",
}


def _own() -> Iterator[str]:
    """Codes written as constants in the domains."""
    root = Path(sbs_server.__file__).parent
    for domain in ("agents", "backups", "repositories", "restores", "retention", "runs"):
        for path in (root / domain).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _constant(node)


def _constant(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    place = _PLACES.get(name)
    given = [k.value for k in call.keywords if k.arg == place] if isinstance(place, str) else []
    if isinstance(place, int):
        given = call.args[place : place + 1]
    yield from (
        node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


# They end an activity, never a run: the workflow goes on.
_NEVER_SHOWN = {"not_ordered_yet", "run_ended"}


def test_every_reason_has_a_text() -> None:
    codes = {code.value for code in ErrorCode} | set(_own()) - _NEVER_SHOWN
    assert {"repository_missing", "agent_revoked"} <= codes
    assert {code for code in codes if f"run_error.{code}" not in catalogue()} == set()


@pytest.mark.parametrize(
    ("locale", "text"), [("en", "None of the sources"), ("ru", "Ни одного из источников")]
)
def test_the_text_is_the_readers_and_the_detail_the_agents(locale: Locale, text: str) -> None:
    said = reason(Run(error_code="source_missing", error_message="/srv: no such file"), locale)
    assert said is not None
    assert said.message.startswith(text)
    assert said.detail == "/srv: no such file"


def test_a_code_without_a_text_keeps_its_name() -> None:
    said = reason(Run(error_code="from_the_future", error_message="?"), "en")
    assert said is not None
    assert (said.code, said.message) == ("from_the_future", "The run failed.")


@pytest.mark.parametrize("locale", ["en", "ru"])
@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("snapshot_missing", "the snapshot is not in the repository"),
        ("agent_revoked", "the agent's access was revoked"),
    ],
)
def test_a_report_that_says_the_same_is_not_said_twice(locale: Locale, code: str, reported: str) -> None:
    said = reason(Run(error_code=code, error_message=reported), locale)
    assert said is not None
    assert said.detail is None
    more = reason(Run(error_code=code, error_message=f"{reported}: 4f2a"), locale)
    assert more is not None
    assert more.detail == f"{reported}: 4f2a"
