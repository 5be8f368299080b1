import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.agents.order_types import CommandOutcome
from sbs_server.backups.outcome import run_state, target_state
from sbs_server.models import RunState

GOOD, WARNED, FAILED, CANCELLED = (
    RunState.SUCCEEDED,
    RunState.COMPLETED_WITH_WARNINGS,
    RunState.FAILED,
    RunState.CANCELLED,
)


@pytest.mark.parametrize(
    ("targets", "state"),
    [
        ([GOOD], GOOD),
        ([GOOD, WARNED], WARNED),
        ([GOOD, FAILED], RunState.PARTIAL),
        ([WARNED, CANCELLED], RunState.PARTIAL),
        ([FAILED, FAILED], FAILED),
        ([FAILED, CANCELLED], CANCELLED),
        ([CANCELLED], CANCELLED),
    ],
)
def test_one_word_for_all_targets(targets: list[RunState], state: RunState) -> None:
    assert run_state(targets) == state


@given(st.lists(st.sampled_from([GOOD, WARNED, FAILED, CANCELLED]), min_size=1, max_size=5))
def test_success_is_never_said_while_a_target_lacks_its_snapshot(targets: list[RunState]) -> None:
    if FAILED in targets or CANCELLED in targets:
        assert not run_state(targets).may_forget


def test_a_success_without_a_snapshot_is_a_failure() -> None:
    assert target_state(CommandOutcome(result="succeeded", backup={"snapshot_id": None})) == FAILED
    assert target_state(CommandOutcome(result="succeeded", backup={"snapshot_id": "a" * 64})) == GOOD
