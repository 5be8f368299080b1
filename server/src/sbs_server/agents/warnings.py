"""Storing the files that an agent could not read or restore."""

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.events import CommandWarnings, FileWarning
from sbs_server.kit.ids import new_id
from sbs_server.messaging.errors import UnreadableEventError
from sbs_server.models import Command, Run, RunWarning

MOST_KEPT = 100_000
"""Warnings of one attempt that are kept one by one: an agent must not be able to fill the database."""
_LAST_INDEX = 1_000_000_000  # the sum over a run's commands still fits its column
_LONGEST_MESSAGE = 2000


async def store(session: AsyncSession, command: Command, body: CommandWarnings) -> None:
    """One row for each, once, by its place in the attempt's list; then the run's total.

    Of a list longer than `MOST_KEPT` the rest is counted, not kept. Errors: UnreadableEventError.
    """
    if not 0 <= body.first_index <= _LAST_INDEX:
        raise UnreadableEventError("a place in the list of warnings that no list has")
    kept = body.warnings[: max(0, MOST_KEPT - body.first_index)]
    rows = [_row(command, body.first_index + offset, warning) for offset, warning in enumerate(kept)]
    if rows:
        await session.execute(insert(RunWarning).values(rows).on_conflict_do_nothing())
    command.warnings = max(command.warnings, body.first_index + len(body.warnings))
    command.last_heard_at = func.now()
    await session.flush()
    # Of the present attempts of all the run's commands: an attempt that was repeated counts no more.
    total = select(func.sum(Command.warnings)).where(Command.run_id == command.run_id).scalar_subquery()
    await session.execute(update(Run).where(Run.id == command.run_id).values(warnings_total=total))


def _row(command: Command, position: int, warning: FileWarning) -> dict[str, object]:
    return {
        "id": new_id(),
        "organization_id": command.organization_id,
        "run_id": command.run_id,
        "command_id": command.id,
        "attempt": command.attempt,
        "position": position,
        "path": warning.path.text,
        "path_raw": _raw(warning),
        "code": warning.code,
        "message": warning.message[:_LONGEST_MESSAGE],
    }


def _raw(warning: FileWarning) -> bytes | None:
    if warning.path.raw is None:
        return None
    try:
        return warning.path.to_bytes()
    except ValueError as error:
        raise UnreadableEventError("a path's raw bytes are not base64") from error
