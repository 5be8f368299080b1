"""The step that runs of every kind share."""

from uuid import UUID

from temporalio import activity

from sbs_server.kit.db.session import Database
from sbs_server.models import Run
from sbs_server.runs.lifecycle import finish_run
from sbs_server.runs.types import Finish


class RunActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    # The name is in recorded histories: it stays as it was when only backups ended by it.
    @activity.defn(name="backups.finish")
    async def finish(self, finish: Finish) -> None:
        """The run's last word; told to whoever listens."""
        async with self._database.transaction(UUID(hex=finish.organization_id)) as session:
            run = await session.get_one(Run, UUID(hex=finish.run_id), with_for_update=True)
            if run.state.is_final:
                return
            await finish_run(session, run, finish.end)
