"""What the end of a run looks like on a terminal, and to a script."""

from typing import Any

import pytest
import typer

from sbs_server.cli.client import Client
from sbs_server.cli.errors import worst
from sbs_server.cli.watching import _summary, watch
from sbs_server.models import RunKind, RunState
from sbs_server.runs.schemas import RunError, RunOut


def run(error: RunError | None) -> dict[str, Any]:
    """A run as the API gives it: a field that it no longer has would be missed here."""
    fields: dict[str, Any] = dict.fromkeys(RunOut.model_fields)
    ended = fields | {"kind": RunKind.BACKUP, "state": RunState.FAILED, "error": error, "result": {}}
    return RunOut.model_construct(**ended).model_dump(mode="json")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            RunError(code="source_missing", message="It is not there.", detail="/nowhere"),
            "source_missing: It is not there. /nowhere",
        ),
        (
            RunError(code="internal", message="Something went wrong.", detail=None),
            "internal: Something went wrong.",
        ),
        (None, None),
    ],
)
def test_the_reason_of_a_failure_is_shown(error: RunError | None, shown: str | None) -> None:
    assert _summary(run(error))["error"] == shown


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
