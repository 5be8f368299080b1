"""Following a run: what a terminal and a log see, how it ends, and what a script gets."""

import json
from typing import Any
from uuid import UUID

import pytest
import typer

from sbs_protocol.events import Progress, RestoreResult
from sbs_protocol.paths import WirePath
from sbs_server.cli.client import Client
from sbs_server.cli.errors import worst
from sbs_server.cli.watching import progress, watch
from sbs_server.models import RunState
from sbs_server.runs.schemas import RunError, RunTargetOut, Wait
from sbs_server.testing import api_samples
from sbs_server.testing.api_samples import JOB, RUN, SNAPSHOT, Answers, Json, Sbs

MIB = 1024 * 1024


def news(*events: tuple[str, Json]) -> str:
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def at(**values: Any) -> Json:
    said = {"protocol": 1, "command_id": f"{RUN.hex}.backup.{api_samples.RESTIC.hex}", "attempt": 1}
    return Progress.model_validate({**said, "phase": "transferring", **values}).model_dump(mode="json")


HALF_WAY = at(
    files_done=120,
    files_total=300,
    bytes_done=50 * MIB,
    bytes_total=200 * MIB,
    bytes_per_second=5 * MIB,
    seconds_left=95.2,
    warnings=1,
    current_file="/srv/\x1b]0;owned\x07report.txt",
)


def test_progress_tells_step_files_bytes_rate_time_left_and_file() -> None:
    assert progress(HALF_WAY) == (
        "transferring: 120 of 300 files, 50.0 MiB of 200.0 MiB (25%), 5.0 MiB/s, 1 min 35 s left, 1 warning, "
        "/srv/\\x1b]0;owned\\x07report.txt"
    )
    assert progress(at(phase="starting")) == "starting"


@pytest.fixture
def backup(answers: Answers) -> Json:
    """A backup that goes on for a while and has ended then."""
    going = api_samples.run(state=RunState.RUNNING, finished_at=None)
    ended = api_samples.run()
    steps = [("progress", at(phase="scanning")), ("progress", HALF_WAY), ("run", ended)]
    answers[f"POST /jobs/{JOB}/runs"] = {"items": [going]}
    answers[f"GET /runs/{RUN}/events"] = news(("run", going), ("run", going), *steps)
    answers[f"GET /runs/{RUN}"] = ended
    return ended


def test_a_log_gets_states_and_steps_line_by_line_and_the_end_is_a_summary(sbs: Sbs, backup: Json) -> None:
    done = sbs("jobs", "run", str(JOB), "--watch")
    assert done.exit_code == 3
    assert [line.split(",")[0] for line in done.stderr.splitlines()] == [
        f"run {RUN} running",
        "scanning",
        "transferring: 120 of 300 files",
        f"run {RUN} completed with warnings",
    ]
    for said in (
        "completed with warnings",
        str(SNAPSHOT),
        "10 files (3 new, 2 changed), 4.0 KiB; 1.0 KiB added",
        f"2; `sbs runs warnings {RUN}` lists them",
        "1 min 20 s",
    ):
        assert said in done.stdout
    assert not {"{", "["} & set(done.stdout)


def test_a_script_gets_the_run_and_nothing_else(sbs: Sbs, backup: Json) -> None:
    done = sbs("jobs", "run", str(JOB), "--watch", "--json")
    assert (done.exit_code, done.stderr) == (3, "")
    assert json.loads(done.stdout) == backup


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (RunState.SUCCEEDED, 0),
        (RunState.COMPLETED_WITH_WARNINGS, 3),
        (RunState.PARTIAL, 3),
        (RunState.FAILED, 1),
        (RunState.CANCELLED, 4),
    ],
)
def test_the_end_of_the_run_is_the_exit_code(sbs: Sbs, answers: Answers, state: RunState, code: int) -> None:
    ended = api_samples.run(state=state)
    answers[f"GET /runs/{RUN}/events"] = news(("run", ended))
    answers[f"GET /runs/{RUN}"] = ended
    done = sbs("runs", "watch", str(RUN))
    assert done.exit_code == code
    assert state.value.replace("_", " ") in done.stdout


def test_a_restore_ends_with_files_verification_and_folder(sbs: Sbs, answers: Answers) -> None:
    ended = api_samples.restore_run()
    answers[f"GET /snapshots/{SNAPSHOT}"] = api_samples.snapshot()
    answers["POST /restores"] = {"run": {**ended, "state": "running"}}
    answers[f"GET /restores/{RUN}"] = {"target_folder": "/tmp/back"}
    answers[f"GET /runs/{RUN}/events"] = news(("run", ended))
    answers[f"GET /runs/{RUN}"] = ended
    done = sbs("restore", str(SNAPSHOT), "--target=/tmp/back", "--policy=skip", "--watch")
    assert done.exit_code == 0, done.stderr
    for said in (
        "succeeded",
        "/tmp/back",
        "8 restored, 1 skipped, 0 failed; 4.0 KiB written",
        "8 files read back and found right",
    ):
        assert said in done.stdout


def test_a_restore_tells_of_owners_and_names_that_are_others_now(sbs: Sbs, answers: Answers) -> None:
    result = RestoreResult(files_restored=2, owners_not_restored=3, renamed=[WirePath(text="/a (1)")])
    ended = api_samples.restore_run(result=result.model_dump(mode="json"))
    answers[f"GET /runs/{RUN}"] = ended
    told = sbs("runs", "show", str(RUN)).stdout
    assert "3 files and folders belong to the agent's account" in told
    assert "1 got a suffix, such as /a (1)" in told


def test_a_restore_that_was_not_verified_says_so(sbs: Sbs, answers: Answers) -> None:
    ended = api_samples.restore_run(result={"files_restored": 1, "files_verified": None})
    answers[f"GET /restores/{RUN}"] = {"target_folder": "/tmp/back"}
    answers[f"GET /runs/{RUN}/events"] = news(("run", ended))
    answers[f"GET /runs/{RUN}"] = ended
    assert "no: it was not asked for" in sbs("runs", "watch", str(RUN)).stdout


def test_of_several_repositories_each_line_names_its_own(sbs: Sbs, answers: Answers) -> None:
    other = UUID(int=300)
    ended = api_samples.run()
    first = ended["targets"][0]
    second = {**first, "restic_repository_id": str(other), "repository_name": "far away", "state": "failed"}
    RunTargetOut.model_validate(second)
    ended["targets"].append(second)
    elsewhere = {**HALF_WAY, "command_id": f"{RUN.hex}.backup.{other.hex}"}
    answers[f"GET /runs/{RUN}/events"] = news(("run", ended), ("progress", HALF_WAY), ("progress", elsewhere))
    answers[f"GET /runs/{RUN}"] = ended
    told = sbs("runs", "watch", str(RUN))
    assert "\nmain: transferring: " in told.stderr
    assert "\nfar away: transferring: " in told.stderr
    assert "far away: failed" in told.stdout


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            RunError(
                code="wrong_password", message="The key does not fit.", hint="Look.", detail="exit code 12"
            ),
            ["wrong_password: The key does not fit. Look.", "detail: exit code 12"],
        ),
        (
            RunError(
                code="target_exists",
                message="Files are already there; nothing was written.",
                hint="Choose another folder, or another policy.",
                detail="2 of 2 files are already there, and nothing was written: choose another folder, or skip",
            ),
            [
                "target_exists: 2 of 2 files are already there, and nothing was written: choose another folder, "
                "or skip"
            ],
        ),
        (
            RunError(
                code="source_missing",
                message="None of the sources exists on the machine.",
                hint="Check the paths of the job.",
                detail="none of the sources exists on this machine: /nowhere",
            ),
            [
                "source_missing: none of the sources exists on this machine: /nowhere",
                "Check the paths of the job.",
            ],
        ),
        (RunError(code="x", message="It broke.", detail="It broke."), ["x: It broke."]),
        (
            RunError(code="x", message="It broke. It broke.", detail="a long story: a long story"),
            ["x: It broke.", "detail: a long story:"],
        ),
        (
            RunError(code="internal", message="Something went wrong.", detail=None),
            ["internal: Something went wrong."],
        ),
    ],
)
def test_why_it_failed_is_told_once(sbs: Sbs, answers: Answers, error: RunError, shown: list[str]) -> None:
    ended = api_samples.run(state=RunState.FAILED, error=error, attempts=[])
    ended["targets"][0] |= {"error": ended["error"], "state": "failed", "result": {}}
    answers[f"GET /runs/{RUN}/events"] = news(("run", ended))
    answers[f"GET /runs/{RUN}"] = ended
    for words in (("runs", "watch"), ("runs", "show")):
        told = sbs(*words, str(RUN)).stdout.splitlines()
        place = next(number for number, line in enumerate(told) if line.startswith("error"))
        assert [line[22:].strip() for line in told[place : place + len(shown)]] == shown
        assert sum(shown[0] in line for line in told) == 1


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (Wait(code="c", message="It waits: place 2 of 3.", queue_position=2, queue_length=3), "place 2 of 3"),
        (
            Wait(code="c", message="It waits: place 0 of 0.", queue_position=0, queue_length=0),
            "its turn has come",
        ),
        (
            Wait(code="c", message="It waits: place 0 of 4.", queue_position=0, queue_length=4),
            "its turn has come",
        ),
        (
            Wait(code="c", message="Full.", hint="Free some space.", retry_at=api_samples.NOON),
            "Next attempt: 2026-",
        ),
    ],
)
def test_a_run_that_waits_says_why_and_never_for_place_0(
    sbs: Sbs, answers: Answers, wait: Wait, told: str
) -> None:
    waiting = api_samples.run(state=RunState.WAITING, wait=wait, finished_at=None)
    ended = api_samples.run()
    answers[f"GET /runs/{RUN}/events"] = news(("run", waiting), ("run", ended))
    answers[f"GET /runs/{RUN}"] = ended
    said = sbs("runs", "watch", str(RUN)).stderr
    assert told in said
    assert "place 0" not in said
    answers[f"GET /runs/{RUN}"] = waiting
    assert told in sbs("runs", "show", str(RUN)).stdout


@pytest.mark.parametrize(
    ("codes", "together"), [([0, 0], 0), ([0, 3], 3), ([3, 1], 1), ([3, 4, 0], 4), ([4, 1], 1), ([], 0)]
)
def test_several_runs_end_as_the_worst_of_them(codes: list[int], together: int) -> None:
    assert worst(codes) == together


def test_ctrl_c_says_that_the_run_goes_on_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: Client, path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "events", interrupted)
    with pytest.raises(typer.Exit) as ended:
        watch(Client.__new__(Client), "0199", as_json=True)
    assert ended.value.exit_code == 130
    told = capsys.readouterr()
    assert told.out == ""
    assert "run 0199 goes on: `sbs runs watch 0199`" in told.err
