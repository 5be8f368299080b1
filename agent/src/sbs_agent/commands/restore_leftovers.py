"""Taking away what a restore left that nobody goes on with.

A restore that ends while the agent works on it tidies up itself. After a passing failure its files wait for the next
attempt; when the control plane says that there will be none (it cancels the command), they go at once.
"""

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from sbs_agent.commands.restore_marker import find_marker
from sbs_agent.commands.restore_staging import remove_folder
from sbs_agent.journal import Journal

log = structlog.get_logger(__name__)

# Should that never be said. Attempts follow each other in minutes; an agent, a gateway or a repository may be away
# over a long weekend.
_PATIENCE: Final = timedelta(days=7)


async def remove_leftovers(journal: Journal, now: datetime) -> None:
    for command_id in journal.abandoned_restores(now - _PATIENCE):
        await discard(journal, command_id)


async def discard(journal: Journal, command_id: str) -> None:
    """Remove a restore's staging folder, then its marker. A failure is logged and tried again the next day."""
    marker = find_marker(journal, command_id)
    if marker is None:
        return
    if marker.staging is not None:
        folder = Path(os.fsdecode(marker.staging.to_bytes()))
        try:
            await asyncio.to_thread(remove_folder, folder)
        except OSError as error:
            log.warning("a restore's folder is not removed", folder=str(folder), reason=error.strerror)
            return
    journal.forget_restore(command_id)
