"""The table of components: needs come before what needs them."""

from __future__ import annotations

from collections.abc import Sequence

from sbs_server.embedded import nats, postgres, roles, temporal, traefik, valkey
from sbs_server.embedded.component import Component
from sbs_server.embedded.errors import UnknownComponentError

COMPONENTS: tuple[Component, ...] = (
    postgres.COMPONENT,
    valkey.COMPONENT,
    nats.COMPONENT,
    temporal.COMPONENT,
    roles.MIGRATE,
    roles.API,
    roles.GATEWAY,
    roles.BUS,
    roles.WORKER,
    traefik.COMPONENT,
)


def select(only: Sequence[str] | None) -> list[Component]:
    """The components called `only`, in the order of the table; all of them for None.

    Needs that are not chosen are not waited for. Errors: UnknownComponentError.
    """
    if not only:
        return list(COMPONENTS)
    known = {component.name for component in COMPONENTS}
    for name in only:
        if name not in known:
            raise UnknownComponentError(
                f"there is no component {name!r}; choose among {', '.join(sorted(known))}"
            )
    return [component for component in COMPONENTS if component.name in only]
