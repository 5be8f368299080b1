"""macOS: what is certain (names and places). The rest says plainly that it is not built yet."""

import os
import platform as python_platform
from contextlib import AbstractContextManager
from pathlib import Path

from sbs_agent.errors import PlatformError
from sbs_agent.platform.base import Platform
from sbs_agent.platform.posix_folder import PosixFolder
from sbs_agent.platform.posix_owner import owner_stays

LAUNCHD_LABEL = "backup.sbs.agent"


def _not_built(what: str) -> PlatformError:
    return PlatformError(f"{what} is not built for macOS yet", "use the Linux agent until it is")


class MacFolder(PosixFolder):
    @property
    def pinned(self) -> Path:
        """volfs: by device and file number."""
        there = os.fstat(self.handle)
        return Path(f"/.vol/{there.st_dev}/{there.st_ino}")


class MacOS(Platform):
    name = "macos"

    def state_directory(self) -> Path:
        return Path("/Library/Application Support/SBS Agent")

    def make_private_directory(self, path: Path) -> None:
        raise _not_built(f"making {path} private")

    def privacy_problem(self, path: Path) -> str | None:
        raise _not_built(f"checking who may read {path}")

    def exclusive_lock(self, path: Path) -> AbstractContextManager[None]:
        raise _not_built(f"locking {path}")

    def os_version(self) -> str:
        return f"macOS {python_platform.mac_ver()[0]}"

    def forbidden_targets(self) -> tuple[Path, ...]:
        return (Path("/System"), Path("/dev"), Path("/Volumes/com.apple.TimeMachine.localsnapshots"))

    def open_folder(self, path: Path, *, create: bool = False) -> MacFolder:
        return MacFolder.open(path, create=create)

    def owner_stays(self, uid: int, gid: int) -> bool:
        return os.geteuid() == 0 or owner_stays(uid, gid)

    def install_service(self, state_directory: Path) -> list[str]:
        raise _not_built(f"installing the launchd service {LAUNCHD_LABEL} (state in {state_directory})")

    def uninstall_service(self) -> list[str]:
        raise _not_built(f"removing the launchd service {LAUNCHD_LABEL}")
