"""`show` and what answers like it, for people: every value in words, none as JSON."""

import json
import re
import time

import pytest

from sbs_server.testing import api_samples
from sbs_server.testing.api_samples import Answers, Sbs

_RAW = re.compile(r"""[{}\[\]"]|\d{4}-\d\d-\d\dT|_at\b|_bytes\b""")


@pytest.fixture(autouse=True)
def _everything(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, one in (
        (f"/jobs/{api_samples.JOB}", api_samples.job()),
        (f"/agents/{api_samples.AGENT}", api_samples.agent()),
        (f"/repositories/{api_samples.PLACE}", api_samples.repository()),
        (f"/snapshots/{api_samples.SNAPSHOT}", api_samples.snapshot()),
        (f"/runs/{api_samples.RUN}", api_samples.run()),
    ):
        kind = path.split("/")[1]
        answers[f"GET {path}"] = one
        answers[f"GET /{kind}"] = {"items": [one], "next_cursor": None}
    answers[f"POST /agents/{api_samples.AGENT}/revoke"] = api_samples.agent()
    answers[f"POST /enrolment-tokens/{api_samples.TOKEN}/revoke"] = api_samples.token()
    answers["GET /enrolment-tokens"] = {"items": [api_samples.token()], "next_cursor": None}
    answers[f"POST /jobs/{api_samples.JOB}/pause"] = api_samples.job()


COMMANDS = [
    ("jobs", "show", str(api_samples.JOB)),
    ("jobs", "pause", str(api_samples.JOB)),
    ("jobs", "list"),
    ("agents", "show", str(api_samples.AGENT)),
    ("agents", "revoke", str(api_samples.AGENT), "--yes"),
    ("agents", "list"),
    ("agents", "tokens", "list"),
    ("agents", "tokens", "revoke", str(api_samples.TOKEN)),
    ("repositories", "show", str(api_samples.PLACE)),
    ("repositories", "list"),
    ("snapshots", "show", str(api_samples.SNAPSHOT)),
    ("snapshots", "list"),
    ("runs", "show", str(api_samples.RUN)),
    ("runs", "list"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_is_shown_as_json(sbs: Sbs, words: tuple[str, ...]) -> None:
    done = sbs(*words)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip()
    assert _RAW.findall(done.stdout) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_programs_get_what_the_api_said(sbs: Sbs, answers: Answers, words: tuple[str, ...]) -> None:
    said = json.loads(sbs(*words, "--json").stdout)
    assert said
    assert any(said in (one, one.get("items")) for one in answers.values())


def test_a_job_is_told_in_words(sbs: Sbs) -> None:
    told = _facts(sbs("jobs", "show", str(api_samples.JOB)).stdout)
    assert told["sources"] == ["/srv/documents", "/etc"]
    assert told["includes"] == ["everything"]
    assert told["agents"] == [f"mail ({api_samples.AGENT})"]
    assert told["repositories"] == [f"main ({api_samples.PLACE})"]
    assert told["schedule"] == ["every day at 02:30 (cron 30 2 * * *), Europe/Berlin"]
    assert told["retention"] == ["keep last 7"]
    assert len(told["next runs"]) == 2
    assert told["last run"][0].startswith("succeeded, ")


def test_a_run_is_told_in_words(sbs: Sbs) -> None:
    told = _facts(sbs("runs", "show", str(api_samples.RUN)).stdout)
    assert told["state"] == ["completed with warnings"]
    assert told["took"] == ["1 min 20 s"]
    assert told["warnings"] == [f"2; `sbs runs warnings {api_samples.RUN}` lists them"]
    (place,) = told["repositories"]
    assert "main: succeeded; 10 files (3 new, 2 changed), 4.0 KiB; 1.0 KiB added" in place
    assert told["attempts"][0].startswith("1, main: failed after 5 s")
    assert told["attempts"][1].startswith("repository_unreachable: ")


def test_times_are_those_of_this_machine(sbs: Sbs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        told = _facts(sbs("agents", "show", str(api_samples.AGENT)).stdout)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told["last seen at"] == ["2026-11-23 21:00:00 JST"]


def test_a_name_that_can_not_be_had_does_not_fail_the_command(sbs: Sbs, answers: Answers) -> None:
    answers[f"GET /agents/{api_samples.AGENT}"] = 404
    done = sbs("jobs", "show", str(api_samples.JOB))
    assert done.exit_code == 0
    assert _facts(done.stdout)["agents"] == [str(api_samples.AGENT)]


def _facts(shown: str) -> dict[str, list[str]]:
    """Title and lines of what `show` prints."""
    told: dict[str, list[str]] = {}
    title = ""
    for line in shown.splitlines():
        title = line[:22].strip() or title
        told.setdefault(title, []).append(line[22:].strip())
    return told
