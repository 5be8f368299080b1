"""What a Temporal Schedule starts: the runs of one slot of one job."""

from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT

with workflow.unsafe.imports_passed_through():
    from sbs_server.schedules.activities import ScheduleActivities, Slot


# Set by Temporal on what a schedule starts: the slot's nominal time, the same when the start is repeated.
_SCHEDULED_START = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    organization_id: str
    job_id: str


@workflow.defn(name="ScheduledJobWorkflow")
class ScheduledJobWorkflow:
    @workflow.run
    async def run(self, job: ScheduledJob) -> int:
        """Starts the runs of this slot, once; gives back how many."""
        due = workflow.info().typed_search_attributes.get(_SCHEDULED_START)
        slot = Slot(job.organization_id, job.job_id, (due or workflow.info().start_time).isoformat())
        return await workflow.execute_activity_method(
            ScheduleActivities.start_due, slot, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
        )
