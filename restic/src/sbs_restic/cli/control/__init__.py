"""Process control of the operating system that this runs on."""

import os

from sbs_restic.cli.control.base import ChildInputs, ProcessControl
from sbs_restic.cli.errors import UnsupportedPlatformError

__all__ = ["ChildInputs", "ProcessControl", "system_control"]


def system_control() -> ProcessControl:
    """Give the control for this system. Raises UnsupportedPlatformError where nobody has written one yet."""
    if os.name != "posix":
        # Windows needs a Job Object (kill on close), an inherited handle or named pipe for the password, and
        # CTRL_BREAK_EVENT for a new process group: another class with the methods of ProcessControl.
        raise UnsupportedPlatformError(
            "restic can't be controlled on this system yet: run it on Linux or macOS"
        )
    # Imported only here: the module needs what other systems lack.
    from sbs_restic.cli.control.posix import PosixControl  # noqa: PLC0415 - only importable there

    return PosixControl()
