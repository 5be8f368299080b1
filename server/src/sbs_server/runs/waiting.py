"""Why a run does not go on: asked of the rows, each time somebody looks."""

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.http.explained import explain
from sbs_server.kit.i18n import Locale
from sbs_server.models import Agent, Run
from sbs_server.runs import repository as query
from sbs_server.runs.schemas import Wait

BETWEEN_ATTEMPTS = {"retry": "run.waits_retry", "repository_full": "run.waits_full"}


async def why_it_waits(session: AsyncSession, run: Run, agent: Agent, locale: Locale) -> Wait | None:
    """The reason; None when the run has ended, or is at work."""
    if run.state.is_final:
        return None
    if run.cancel_requested_at is not None:
        return _wait(locale, agent, "run.waits_cancel")
    place = await query.queue_place(session, run.id)
    if place is not None:  # between two attempts too: a run that waits for room has given its ticket back
        code = "run.waits_repository" if place.blocked_by else "run.waits_admission"
        found = {
            "queue_position": place.position,
            "queue_length": place.length,
            "blocked_by": list(place.blocked_by),
        }
        return _wait(locale, agent, code, **found)
    if run.waiting_for in BETWEEN_ATTEMPTS and run.retry_at is not None:
        code = BETWEEN_ATTEMPTS[run.waiting_for]
        return _wait(locale, agent, code).model_copy(update={"retry_at": run.retry_at})
    if not agent.connected:
        return _wait(locale, agent, "run.waits_agent", name=agent.name)
    return _wait(locale, agent, "run.waits_start") if run.waiting_for is not None else None


def _wait(locale: Locale, agent: Agent, code: str, **found: object) -> Wait:
    params = {name: value for name, value in found.items() if isinstance(value, str | int)}
    said = explain(locale, code, **params)
    since = None if agent.connected else agent.last_seen_at
    fields = {name: value for name, value in found.items() if name in Wait.model_fields}
    return Wait(**said.model_dump(), agent_offline_since=since).model_copy(update=fields)
