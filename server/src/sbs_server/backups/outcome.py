"""What the outcomes of its targets make of a run."""

from collections.abc import Sequence

from sbs_server.agents.order_types import CommandOutcome
from sbs_server.models import RunState

_WORDS = {
    "succeeded": RunState.SUCCEEDED,
    "completed_with_warnings": RunState.COMPLETED_WITH_WARNINGS,
    "cancelled": RunState.CANCELLED,
    "failed": RunState.FAILED,
}
_HAS_SNAPSHOT = {RunState.SUCCEEDED, RunState.COMPLETED_WITH_WARNINGS}


def target_state(outcome: CommandOutcome) -> RunState:
    """The state of one target. A success without a snapshot is no success."""
    state = _WORDS[outcome.result]
    if state in _HAS_SNAPSHOT and not outcome.has_snapshot:
        return RunState.FAILED
    return state


def run_state(targets: Sequence[RunState]) -> RunState:
    """One word for all targets.

    All have the snapshot: the worse of succeeded and completed with warnings. Some have: partial. None has:
    cancelled if anything was cancelled, else failed.
    """
    have = [state for state in targets if state in _HAS_SNAPSHOT]
    if not have:
        return RunState.CANCELLED if RunState.CANCELLED in targets else RunState.FAILED
    if len(have) < len(targets):
        return RunState.PARTIAL
    warned = RunState.COMPLETED_WITH_WARNINGS in have
    return RunState.COMPLETED_WITH_WARNINGS if warned else RunState.SUCCEEDED
