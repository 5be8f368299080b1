"""What becomes of a run when one of its steps can't be done."""

from dataclasses import replace

from temporalio.exceptions import ActivityError, ApplicationError

from sbs_server.backups.types import RunEnd


def failed_by(error: ActivityError) -> RunEnd:
    """The end of a run whose step failed for good (see `kit.activities`)."""
    return RunEnd("failed", False, *_reason(error))


def retention_failed(end: RunEnd, error: ActivityError) -> RunEnd:
    """The backup itself is good; what should have been forgotten is left to the next run."""
    _, message = _reason(error)
    return replace(end, state="completed_with_warnings", error_code="retention_failed", error_message=message)


def _reason(error: ActivityError) -> tuple[str, str]:
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return cause.type or "internal", cause.message
    return "internal", f"the step {error.activity_type} did not end in time"
