"""`restic version`: which restic runs here."""

from sbs_restic.cli import messages
from sbs_restic.cli.invocation import Invocation
from sbs_restic.cli.process import Runner


def build_args() -> Invocation:
    """Give the invocation."""
    return Invocation(command=("version",), options=("--json",))


async def run(runner: Runner) -> messages.Version:
    """Give restic's version and what built it."""
    return await runner.document(build_args(), messages.Version)
