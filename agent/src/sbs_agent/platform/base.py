"""What the agent needs of a system."""

import platform as python_platform
import socket
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sbs_agent.platform.folder import Folder


@dataclass(frozen=True, slots=True)
class SystemDescription:
    hostname: str
    os: str  # linux, windows, macos
    os_version: str
    arch: str


class Platform(ABC):
    """Portable defaults; a system's module fills in the rest."""

    name: str

    @abstractmethod
    def state_directory(self) -> Path:
        """Default state directory of this account."""

    @abstractmethod
    def make_private_directory(self, path: Path) -> None:
        """Make the directory, with its parents, so that only this account (and the administrator) may look in.

        Raises:
            OSError: it can't be made, or belongs to another account.
        """

    @abstractmethod
    def privacy_problem(self, path: Path) -> str | None:
        """Why others could read this file or directory; None if they can't. Raises `OSError`."""

    @abstractmethod
    def exclusive_lock(self, path: Path) -> AbstractContextManager[None]:
        """Hold this file's lock; the system drops it when the process ends, however it ends.

        Raises:
            StateLockedError: another process has it.
        """

    @abstractmethod
    def os_version(self) -> str:
        """For a person: `Debian GNU/Linux 12 (bookworm)`."""

    @abstractmethod
    def forbidden_targets(self) -> tuple[Path, ...]:
        """Folders that a restore never writes to or below: the system's own views of itself."""

    @abstractmethod
    def open_folder(self, path: Path, *, create: bool = False) -> Folder:
        """Hold the folder open. The path has no link in it; `create` makes the folders of it that are missing.

        Raises:
            OSError: it can't be opened; `NotADirectoryError` if a link stands anywhere in its path.
            PlatformError: this system has no way to do it yet.
        """

    @abstractmethod
    def owner_stays(self, uid: int, gid: int) -> bool:
        """Whether a file that this process restores gets this owner and this group."""

    @abstractmethod
    def install_service(self, state_directory: Path) -> list[str]:
        """Make the agent start with the system, start it, and say line by line what was done.

        Raises:
            PlatformError: it can't be done; says what is missing.
        """

    @abstractmethod
    def uninstall_service(self) -> list[str]:
        """Undo `install_service`; the state directory stays. Raises `PlatformError`."""

    def describe(self) -> SystemDescription:
        return SystemDescription(
            socket.gethostname(), self.name, self.os_version(), python_platform.machine()
        )
