"""What is known of disks: asked for often, looked at seldom, never waited for long."""

import asyncio
from typing import cast

from sbs_server.kit.ids import new_id
from sbs_server.models import Repository
from sbs_server.repositories.markers import Marker
from sbs_server.repositories.places import Places
from sbs_server.repositories.spaces import Spaces
from sbs_server.repositories.trials import Space

FOUND = Space(free_bytes=1, total_bytes=2)


class SlowPlaces:
    """Counts who looks; answers when `answer` is set, as a network mount does that comes back."""

    def __init__(self) -> None:
        self.looks = 0
        self.answer = asyncio.Event()

    async def space(self, _path: str, _marker: Marker) -> Space:
        self.looks += 1
        await self.answer.wait()
        return FOUND


def spaces(places: SlowPlaces, **settings: float) -> Spaces:
    return Spaces(cast("Places", places), **settings)


def repository() -> Repository:
    return Repository(id=new_id(), organization_id=new_id(), path="/srv/place")


async def test_disk_that_does_not_answer_is_left_out_and_looked_at_once() -> None:
    places, row = SlowPlaces(), repository()
    known = spaces(places, patience_s=0.01)
    assert await known.of([row]) == {}
    assert await known.of([row]) == {}
    assert places.looks == 1
    places.answer.set()
    async with asyncio.timeout(30):
        while not await known.of([row]):  # noqa: ASYNC110 - the look under way tells nobody
            await asyncio.sleep(0)
    assert await known.of([row]) == {row.id: FOUND}
    assert places.looks == 1


async def test_what_is_known_is_looked_at_again_after_a_while() -> None:
    places, row = SlowPlaces(), repository()
    places.answer.set()
    fresh, stale = spaces(places, patience_s=30), spaces(places, patience_s=30, fresh_s=-1)
    for _ in range(2):
        assert await fresh.of([row]) == {row.id: FOUND}
    assert places.looks == 1
    for _ in range(2):
        assert await stale.of([row]) == {row.id: FOUND}
    assert places.looks == 3
