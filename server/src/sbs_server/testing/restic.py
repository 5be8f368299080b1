"""The restic that tests use."""

import os
from pathlib import Path

from sbs_restic.cli import Runner, RunnerSettings, find_restic

_TOOLS = Path(__file__).resolve().parents[4] / "var" / "tools"


def restic_binary() -> Path:
    """SBS_RESTIC, the one on the PATH, or what the setup has put below var/. Raises ResticUnavailableError."""
    return find_restic(os.environ.get("SBS_RESTIC"), [_TOOLS]).path


def restic_runner() -> Runner:
    return Runner(RunnerSettings(binary=restic_binary()))
