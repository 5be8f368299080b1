"""The pulse of open commands: which are alive, told to their rows and to the activities that wait for them."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Update, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import ReturningUpdate
from temporalio.service import RPCError

from sbs_protocol.identifiers import run_of_command
from sbs_server.agents import commands
from sbs_server.kit.db.session import Database
from sbs_server.messaging.followups import ActivityBridge, WaitingActivity
from sbs_server.models import Command, CommandState, Run
from sbs_server.runs.lifecycle import changed

log = structlog.get_logger()

FLUSH_S = 2.0
_BEAT_EVERY_S = 5.0
_TOUCH_EVERY_S = 10.0
_KNOWN_S = 10.0
_MOST_KNOWN = 20_000
_BEATS_AT_ONCE = 16
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """A command that is not finished, as it was a few seconds ago."""

    id: str
    organization_id: UUID
    agent_id: UUID
    run_id: UUID
    attempt: int
    activity: WaitingActivity


class Pulse:
    """`heard` and `open_command` are called for each message; `run` does the telling, in batches."""

    def __init__(self, system: Database, app: Database, bridge: ActivityBridge) -> None:
        self._system = system
        self._app = app
        self._bridge = bridge
        self._heard: set[tuple[UUID, str]] = set()
        self._known: dict[str, tuple[float, OpenCommand | None]] = {}
        self._beaten: dict[str, float] = {}
        self._touched: dict[str, float] = {}
        self._begun: set[tuple[str, int]] = set()

    def heard(self, agent_id: UUID, command_id: str) -> None:
        """The agent says that it is at this command; whether that is so is looked at later."""
        if _is_command_id(command_id):
            self._heard.add((agent_id, command_id))

    async def open_command(self, agent_id: UUID, command_id: str) -> OpenCommand | None:
        """The command, if it is open and this agent's. Errors: those of the database."""
        if not _is_command_id(command_id):
            return None
        known = self._known.get(command_id)
        if known is None or _now() - known[0] > _KNOWN_S:
            await self._look([command_id])
            known = self._known[command_id]
        command = known[1]
        return command if command is not None and command.agent_id == agent_id else None

    async def begun(self, command: OpenCommand) -> None:
        """The command's first progress has come: its row is told, once. Errors: those of the database."""
        key = (command.id, command.attempt)
        if key in self._begun:
            return
        async with self._app.transaction(command.organization_id) as session:
            if (await session.execute(_begin(command))).first() is not None:
                await changed(session, await session.get_one(Run, command.run_id))
        # Not before: what the database did not take is told again with the next progress.
        if len(self._begun) > _MOST_KNOWN:
            self._begun.clear()
        self._begun.add(key)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except (SQLAlchemyError, OSError) as error:
                log.warning("pulse_database", reason=type(error).__name__)

    async def flush(self) -> None:
        """Tells rows and activities what was heard since the last time. Errors: those of the database."""
        heard, self._heard = self._heard, set()
        ids = sorted({command_id for _, command_id in heard})
        for start in range(0, len(ids), _BATCH):
            await self._look(ids[start : start + _BATCH])
        alive = [
            command
            for agent_id, command_id in heard
            if (command := self._known[command_id][1]) is not None and command.agent_id == agent_id
        ]
        await self._touch([one for one in alive if _due(self._touched, one.id, _TOUCH_EVERY_S)])
        await self._beat_all(
            [one for one in alive if _due(self._beaten, one.activity.activity_id, _BEAT_EVERY_S)]
        )

    async def _look(self, ids: Collection[str]) -> None:
        query = select(Command).where(Command.id.in_(ids), Command.state != CommandState.FINISHED)
        async with self._system.transaction() as session:
            rows = (await session.scalars(query)).all()
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        now = _now()
        self._known |= dict.fromkeys(ids, (now, None)) | {row.id: (now, _open(row)) for row in rows}

    async def _touch(self, alive: Sequence[OpenCommand]) -> None:
        of_organization: dict[UUID, list[str]] = {}
        for one in alive:
            of_organization.setdefault(one.organization_id, []).append(one.id)
        for organization_id, ids in of_organization.items():
            async with self._app.transaction(organization_id) as session:
                await session.execute(_touch(ids))

    async def _beat_all(self, alive: Sequence[OpenCommand]) -> None:
        free = asyncio.Semaphore(_BEATS_AT_ONCE)

        async def one(command: OpenCommand) -> None:
            async with free:
                await self._beat(command)

        await asyncio.gather(*(one(command) for command in alive))

    async def _beat(self, command: OpenCommand) -> None:
        try:
            if await self._bridge.beat(command.activity):
                await self._cancel(command)
        except (RPCError, RuntimeError) as error:
            log.info(
                "activity_beat_failed", activity=command.activity.activity_id, reason=type(error).__name__
            )

    async def _cancel(self, command: OpenCommand) -> None:
        """The activity is cancelled: the agent is told, once; a command no agent has taken ends here."""
        async with self._app.transaction(command.organization_id) as session:
            ended = await commands.cancel(session, command.id)
        if ended is not None and ended.outcome is not None:
            await self._bridge.complete(command.activity, ended.outcome)


def _touch(ids: Sequence[str]) -> Update:
    quiet = Command.last_heard_at < func.now() - timedelta(seconds=_TOUCH_EVERY_S)
    mine = select(Command.id).where(
        Command.id.in_(ids),
        Command.state != CommandState.FINISHED,
        or_(Command.last_heard_at.is_(None), quiet),
    )
    # Locked in one order: other processes write overlapping batches.
    locked = mine.order_by(Command.id).with_for_update()
    return update(Command).where(Command.id.in_(locked)).values(last_heard_at=func.now())


def _begin(command: OpenCommand) -> ReturningUpdate[str]:
    return (
        update(Command)
        .where(
            Command.id == command.id,
            Command.attempt == command.attempt,
            Command.first_progress_at.is_(None),
            Command.state != CommandState.FINISHED,
        )
        .values(first_progress_at=func.now())
        .returning(Command.id)
    )


def _open(row: Command) -> OpenCommand:
    activity = WaitingActivity(row.workflow_id, row.activity_id)
    return OpenCommand(row.id, row.organization_id, row.agent_id, row.run_id, row.attempt, activity)


def _is_command_id(text: str) -> bool:
    try:
        run_of_command(text)
    except ValueError:
        return False
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()


def _due(last: dict[str, float], key: str, every_s: float) -> bool:
    """Whether it is time again for `key`; if so, it counts as done now."""
    now = _now()
    if now - last.get(key, float("-inf")) < every_s:
        return False
    if len(last) > _MOST_KNOWN:
        last.clear()
    last[key] = now
    return True
