"""The last step of a run's workflow, whatever kind of run it is, and how a step that can't be done ends it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT, RunRef
from sbs_server.runs.types import Finish, RunEnd

with workflow.unsafe.imports_passed_through():
    from sbs_server.runs.activities import RunActivities


async def finish(ref: RunRef, end: RunEnd) -> RunEnd:
    """Has the run's last word written down; gives it back."""
    await workflow.execute_activity_method(
        RunActivities.finish,
        Finish(ref.organization_id, ref.run_id, end),
        start_to_close_timeout=STEP_TIMEOUT,
        retry_policy=STEADY,
    )
    return end


def failed_by(error: ActivityError) -> RunEnd:
    """The end of a run whose step failed for good (see `kit.activities`)."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return RunEnd("failed", False, cause.type or "internal", cause.message)
    return RunEnd("failed", False, "internal", f"the step {error.activity_type} did not end in time")
