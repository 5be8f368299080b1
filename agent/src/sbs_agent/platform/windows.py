"""Windows: what is certain (names and places). The rest says plainly that it is not built yet."""

import os
import platform as python_platform
from contextlib import AbstractContextManager
from pathlib import Path

from sbs_agent.errors import PlatformError
from sbs_agent.platform.base import Platform
from sbs_agent.platform.folder import Folder

SERVICE_NAME = "SBSAgent"


def _not_built(what: str) -> PlatformError:
    return PlatformError(f"{what} is not built for Windows yet", "use the Linux agent until it is")


class Windows(Platform):
    name = "windows"

    def state_directory(self) -> Path:
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "SBS" / "Agent"  # env: as above

    def make_private_directory(self, path: Path) -> None:
        raise _not_built(f"giving {path} an access list for SYSTEM and Administrators only")

    def privacy_problem(self, path: Path) -> str | None:
        raise _not_built(f"reading the access list of {path}")

    def exclusive_lock(self, path: Path) -> AbstractContextManager[None]:
        raise _not_built(f"locking {path}")

    def os_version(self) -> str:
        return f"Windows {python_platform.release()} ({python_platform.version()})"

    def forbidden_targets(self) -> tuple[Path, ...]:
        # env: Windows says there where its folders are
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")),)

    def open_folder(self, path: Path, *, create: bool = False) -> Folder:
        # A handle without FILE_SHARE_DELETE keeps a folder's name and place; children are opened by
        # NtCreateFile with OBJECT_ATTRIBUTES.RootDirectory and FILE_OPEN_REPARSE_POINT.
        raise _not_built(f"holding {path} open" + (", made if it is missing" if create else ""))

    def owner_stays(self, uid: int, gid: int) -> bool:
        del uid, gid  # Linux's and macOS's words
        return True  # restic has security descriptors there, and says itself what it can't set

    def install_service(self, state_directory: Path) -> list[str]:
        raise _not_built(f"installing the service {SERVICE_NAME} (state in {state_directory})")

    def uninstall_service(self) -> list[str]:
        raise _not_built(f"removing the service {SERVICE_NAME}")
