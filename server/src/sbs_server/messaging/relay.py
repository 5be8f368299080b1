"""The relay: carries out what the outbox says, in order within each aggregate.

A row is claimed with a lock that lasts as long as the transaction in which it is carried out and marked: a relay
that is killed leaves nothing behind but a row that is carried out once more (see `effects` for why that is
harmless). Any number of relays may run. Each group of kinds has a lane of its own, so that Temporal being down
does not hold up what goes to NATS; the order within an aggregate holds across the lanes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.db.listen import Alarm
from sbs_server.kit.db.session import Database
from sbs_server.messaging import outbox_rows
from sbs_server.messaging.effects import Effect
from sbs_server.messaging.errors import EffectError, PoisonEffectError
from sbs_server.messaging.pace import Backoff, pause_after
from sbs_server.models import Outbox, OutboxKind

log = structlog.get_logger()

TICK_S = 1.0
BATCH = 50
POISON_ATTEMPTS = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
# Nothing is wrong with the row, so it should go soon after whoever was down is back.
_LONGEST_PASSING_S = 10.0
_EFFECT_S = 20.0

Ready = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    return


class Lane:
    """One loop for some kinds of rows. `ready` returns when it makes sense to try (the link is up)."""

    def __init__(
        self,
        system: Database,
        effects: Mapping[OutboxKind, Effect],
        alarm: Alarm,
        *,
        ready: Ready = _at_once,
        poison_attempts: int = POISON_ATTEMPTS,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._system = system
        self._effects = effects
        self._kinds: Sequence[OutboxKind] = list(effects)
        self._alarm = alarm
        self._ready = ready
        self._poison_attempts = poison_attempts
        self._first_pause_s = first_pause_s

    async def run(self) -> None:
        """Until cancelled."""
        pause = Backoff(_FIRST_PAUSE_S, _LONGEST_PASSING_S)
        while True:
            await self._ready()
            try:
                if not await self.once():
                    await self._alarm.wait(TICK_S)
                pause.reset()
            except (SQLAlchemyError, OSError) as error:
                wait_s = pause.next()
                log.warning("relay_database", reason=type(error).__name__, again_in_s=round(wait_s, 1))
                await asyncio.sleep(wait_s)

    async def once(self) -> int:
        """One batch; gives back how many rows were looked at. Errors: those of the database."""
        async with self._system.transaction() as session:
            rows = await outbox_rows.claim(session, self._kinds, BATCH)
            results = await asyncio.gather(*(self._carry_out(row) for row in rows))
            done = [row.id for row, error in zip(rows, results, strict=True) if error is None]
            if done:
                await outbox_rows.published(session, done)
            for row, error in zip(rows, results, strict=True):
                if error is not None:
                    await self._note(session, row, error)
        return len(rows)

    async def _carry_out(self, row: Outbox) -> EffectError | None:
        """What went wrong, if something did."""
        try:
            async with asyncio.timeout(_EFFECT_S):
                await self._effects[row.kind](row)
        except EffectError as error:
            return error
        except TimeoutError:
            return EffectError(f"no answer within {_EFFECT_S:.0f} s")
        except Exception as error:  # whatever it is, it counts against this row and must not stop the others
            log.exception("outbox_effect_failed", row=str(row.id), kind=row.kind.value)
            return PoisonEffectError(f"internal error ({type(error).__name__})")
        return None

    async def _note(self, session: AsyncSession, row: Outbox, error: EffectError) -> None:
        lasting = isinstance(error, PoisonEffectError)
        attempts = row.attempts + 1
        park = lasting and attempts >= self._poison_attempts
        longest_s = _LONGEST_PAUSE_S if lasting else _LONGEST_PASSING_S
        again_in_s = pause_after(attempts, self._first_pause_s, longest_s)
        await outbox_rows.failed(session, row.id, str(error), again_in_s=again_in_s, park=park)
        about = {"row": str(row.id), "kind": row.kind.value, "attempts": attempts, "reason": str(error)}
        if park:
            log.error(
                "outbox_row_parked", hint="`sbs outbox list` shows it, `sbs outbox retry` tries it", **about
            )
        else:
            log.warning("outbox_row_failed", again_in_s=round(again_in_s, 1), **about)
