"""What workflows and activities say to each other about a run of any kind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended; `state` is a value of models.RunState."""

    state: str
    may_forget: bool = False
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    organization_id: str
    run_id: str
    end: RunEnd
