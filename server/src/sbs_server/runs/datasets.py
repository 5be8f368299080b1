"""What a dataset remembers of its runs, so that nobody has to look through all of them for the last one."""

from sqlalchemy import func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.models import Dataset, Run, RunState


async def note_end(session: AsyncSession, run: Run) -> None:
    """Notes how a run of the dataset has ended.

    A cancelled one says nothing of how well backups go, and an older one nothing new.
    """
    if run.dataset_id is None or run.state is RunState.CANCELLED:
        return
    await session.execute(
        update(Dataset)
        .where(
            Dataset.id == run.dataset_id, or_(Dataset.last_run_id.is_(None), Dataset.last_run_id <= run.id)
        )
        .values(
            last_run_id=run.id,
            last_state=run.state,
            last_error_code=run.error_code,
            last_finished_at=func.now(),
        )
    )
