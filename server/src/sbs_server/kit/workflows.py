"""What workflows share: how activities are retried.

Workflow code runs again and again during replay: nothing here, or in a `workflows.py`, may read a clock, the
environment or the network, and the order of what it asks for never changes without `workflow.patched`.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy

STEP_TIMEOUT = timedelta(minutes=2)
LONG_STEP_TIMEOUT = timedelta(minutes=30)
# Of a long step: a worker that died is noticed after this, not after half an hour. Workers give signs of life.
SIGN_OF_LIFE_WITHIN = timedelta(seconds=30)

# Whoever is down is waited for. A step that fails for any other reason fails for good in the end: see
# `kit.activities`, which knows one from the other.
STEADY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
)
"""For steps that only need the platform itself."""


@dataclass(frozen=True, slots=True)
class RunRef:
    """The input of every run's workflow and of most of its steps. Ids as 32 hex digits."""

    organization_id: str
    run_id: str
