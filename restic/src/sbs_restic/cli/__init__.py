"""Run the restic binary, typed.

Start with `find_restic`, make a `Runner` and a `Repository`, then call the commands::

    from sbs_restic.cli import Repository, Runner, RunnerSettings, find_restic
    from sbs_restic.cli.commands import backup

Every error is a `ResticCliError` (`sbs_restic.cli.errors` draws the tree); what an exit code means is in
`sbs_restic.cli.exit_codes`, what restic says is in `sbs_restic.cli.messages`.
"""

from sbs_restic.cli.errors import Exit, ResticCliError, ResticFailedError, ResticUnavailableError
from sbs_restic.cli.exit_codes import EXIT_CODES, ExitMeaning, Outcome
from sbs_restic.cli.locate import Located, find_restic
from sbs_restic.cli.lossy import resolve_lossy_path
from sbs_restic.cli.patterns import check_masks
from sbs_restic.cli.process import Runner, RunnerSettings
from sbs_restic.cli.repository import Repository

__all__ = [
    "EXIT_CODES",
    "Exit",
    "ExitMeaning",
    "Located",
    "Outcome",
    "Repository",
    "ResticCliError",
    "ResticFailedError",
    "ResticUnavailableError",
    "Runner",
    "RunnerSettings",
    "check_masks",
    "find_restic",
    "resolve_lossy_path",
]
