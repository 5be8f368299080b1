"""`sbs restore`: which machine restores, and what the API is sent for it."""

from typing import get_args
from uuid import UUID

import httpx
import pytest

from sbs_protocol.events import FileWarning
from sbs_server.cli.telling import warning
from sbs_server.models import AgentState
from sbs_server.restores.schemas import RestoreCreate
from sbs_server.runs.schemas import RunWarningOut
from sbs_server.testing import api_samples
from sbs_server.testing.api_samples import AGENT, RUN, SNAPSHOT, Answers, Sbs

OTHER = UUID(int=401)
WHERE = (str(SNAPSHOT), "--target=/tmp/back", "--policy=refuse")


@pytest.fixture(autouse=True)
def _two_machines(answers: Answers) -> None:
    own = api_samples.agent()
    other = {**own, "id": str(OTHER), "name": "new mail", "state": AgentState.ACTIVE.value}
    answers["GET /agents"] = {"items": [own, other], "next_cursor": None}
    answers[f"GET /snapshots/{SNAPSHOT}"] = api_samples.snapshot()
    answers["POST /restores"] = {"run": api_samples.restore_run()}


def ordered(asked: list[httpx.Request]) -> RestoreCreate | None:
    """What the API takes the order for; None: there was none."""
    bodies = [request.content for request in asked if request.method == "POST"]
    return RestoreCreate.model_validate_json(bodies[0]) if bodies else None


@pytest.mark.parametrize("words", [(), ("--agent=mail",), ("--agent=mail", "--from-other-agent")])
def test_the_snapshots_own_agent_restores_without_being_allowed_to_read_anothers(
    sbs: Sbs, asked: list[httpx.Request], words: tuple[str, ...]
) -> None:
    done = sbs("restore", *WHERE, *words)
    assert done.exit_code == 0, done.stderr
    order = ordered(asked)
    assert order is not None
    assert order.agent_id == AGENT
    assert "from_other_agent" not in order.model_fields_set


@pytest.mark.parametrize("other", ["new mail", str(OTHER)])
def test_another_agent_restores_if_that_is_said(sbs: Sbs, asked: list[httpx.Request], other: str) -> None:
    done = sbs("restore", *WHERE, f"--agent={other}", "--from-other-agent")
    assert done.exit_code == 0, done.stderr
    order = ordered(asked)
    assert order is not None
    assert (order.agent_id, order.from_other_agent) == (OTHER, True)


def test_another_agent_does_not_restore_by_mistake(sbs: Sbs, asked: list[httpx.Request]) -> None:
    done = sbs("restore", *WHERE, "--agent=new mail")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "sbs: --agent new mail: the snapshot was taken from mail; --from-other-agent lets"
    )
    assert ordered(asked) is None


def test_the_other_agent_has_to_be_named(sbs: Sbs, asked: list[httpx.Request]) -> None:
    done = sbs("restore", *WHERE, "--from-other-agent")
    assert done.exit_code == 2
    assert done.stderr == "sbs: --from-other-agent: say which agent restores, with --agent\n"
    assert ordered(asked) is None


@pytest.mark.parametrize("code", get_args(FileWarning.model_fields["code"].annotation))
def test_what_happened_to_a_file_is_told_in_words(sbs: Sbs, answers: Answers, code: str) -> None:
    told = RunWarningOut(
        id=RUN,
        restic_repository_id=None,
        attempt=1,
        position=0,
        path="/srv/a",
        path_raw=None,
        code=code,
        message="why",
    ).model_dump(mode="json")
    answers[f"GET /runs/{RUN}"] = api_samples.restore_run()
    answers[f"GET /runs/{RUN}/warnings"] = {"items": [told], "next_cursor": None}
    shown = sbs("runs", "warnings", str(RUN)).stdout
    assert warning(told) in shown
    assert "_" not in shown


def test_what_only_a_newer_agent_knows_is_told_as_it_says_it() -> None:
    assert warning({"code": "moved_away"}) == "moved away"
