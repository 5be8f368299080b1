"""The edge of a request: one session, one transaction, committed before the answer leaves.

`TransactionalRoute` runs the endpoint and the making of its response inside the transaction, stores the answer
for the request's Idempotency-Key in the same transaction, commits, and only then lets the response go. A commit
that fails therefore answers 5xx, never a 2xx that did not happen.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.db.session import Database, enter
from sbs_server.kit.http.idempotency import Idempotency


class Edge:
    """The transaction of one request. `enter` moves it into an organization, once that is known."""

    def __init__(self, session: AsyncSession, request: Request) -> None:
        self.session = session
        self.request = request
        self.idempotency: Idempotency | None = None

    async def enter(self, organization_id: UUID | None, user_id: UUID | None) -> AsyncSession:
        """From here on the transaction sees this organization's rows and no others."""
        await enter(self.session, organization_id, user_id)
        return self.session

    async def once(self, user_id: UUID) -> None:
        """Makes the request count once if it carries an Idempotency-Key.

        Raises:
            AlreadyAnswered: the same request was answered before; the route then sends that answer again.
            ConflictError, InvalidError: the key is in use for something else.
        """
        key = self.request.headers.get("idempotency-key")
        if key is not None and self.request.method == "POST":
            self.idempotency = await Idempotency.begin(self.session, self.request, user_id, key)


class TransactionalRoute(APIRoute):
    """For every router of our APIs: `APIRouter(route_class=TransactionalRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            database: Database = request.app.state.database
            async with database.transaction() as session:
                edge = Edge(session, request)
                request.state.edge = edge
                response = await _answer(answer, request)
                if edge.idempotency is not None:
                    await edge.idempotency.keep(session, response)
            return response

        return handle


async def _answer(answer: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    try:
        return await answer(request)
    except Idempotency.AlreadyAnswered as before:
        return before.response


def current_edge(request: Request) -> Edge:
    edge: Edge = request.state.edge
    return edge


CurrentEdge = Annotated[Edge, Depends(current_edge)]
