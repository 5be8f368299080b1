"""`/events`: what changes in an organization, as it happens."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from sbs_server.auth.reading import Follower
from sbs_server.auth.scope import ORGANIZATION, Reader
from sbs_server.auth.sessions import COOKIE, CurrentSessions
from sbs_server.changes import stream
from sbs_server.changes.schemas import ChangeStream
from sbs_server.changes.stream import Tempo
from sbs_server.kit.http.after_commit import AfterCommit
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.event_stream import MEDIA_TYPE, event_stream

router = APIRouter(
    prefix=f"{ORGANIZATION}/events",
    tags=["events"],
    route_class=TransactionalRoute,
)


class EventStream(Response):
    media_type = MEDIA_TYPE


@router.get(
    "",
    operation_id="events_follow",
    response_class=EventStream,
    responses={
        200: {
            "model": ChangeStream,
            "description": (
                "Server-sent events; after an hour a stream ends, and one goes on with the next. `ready` first;"
                " then `changed` (with an id to go on from: Last-Event-ID), `progress` (without one), and `reset`"
                " when changes were lost. The schema lists the data of each event under its name."
            ),
        },
    },
)
async def events(
    scope: Reader,
    request: Request,
    sessions: CurrentSessions,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Follows the organization: its runs, agents, jobs, repositories, snapshots and enrolment tokens."""
    state, cookie = request.app.state, request.cookies.get(COOKIE, "")
    follower = Follower(scope.caller.user_id, scope.organization_id, partial(sessions.is_alive, cookie))
    source = stream.Source(state.database, state.changes, state.streams, state.stopping)
    tempo: Tempo = getattr(state, "tempo", Tempo())

    async def follow() -> Response:
        return event_stream(stream.change_events(source, follower, last_event_id, tempo))

    return AfterCommit(request, follow)
