"""Linux: XDG folders, modes, flock, systemd."""

import fcntl
import functools
import os
import platform as python_platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from sbs_agent.errors import PlatformError, StateLockedError
from sbs_agent.platform.base import Platform
from sbs_agent.platform.posix_folder import PosixFolder
from sbs_agent.platform.posix_owner import owner_stays
from sbs_agent.platform.systemd import UNIT_NAME, unit_text

_UNIT_FILE = Path("/etc/systemd/system") / UNIT_NAME


_STATUS_FILE = Path("/proc/self/status")
_CAP_CHOWN = 1  # the bit of linux/capability.h's CAP_CHOWN, 0


class LinuxFolder(PosixFolder):
    @property
    def pinned(self) -> Path:
        return Path(f"/proc/self/fd/{self.handle}")


class Linux(Platform):
    name = "linux"

    def state_directory(self) -> Path:
        if os.geteuid() == 0:
            return Path("/var/lib/sbs-agent")
        return platformdirs.user_state_path("sbs-agent", appauthor=False)

    def make_private_directory(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_uid != os.geteuid():
            raise PermissionError(1, f"it belongs to user id {path.stat().st_uid}")
        path.chmod(0o700)

    def privacy_problem(self, path: Path) -> str | None:
        status = path.stat()
        if status.st_uid != os.geteuid():
            return f"it belongs to user id {status.st_uid}, this process runs as {os.geteuid()}"
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return f"mode {stat.S_IMODE(status.st_mode):04o} lets other accounts in"
        return None

    @contextmanager
    def exclusive_lock(self, path: Path) -> Iterator[None]:
        path.touch(mode=0o600)
        with path.open("ab") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateLockedError(str(path.parent)) from error
            yield

    def os_version(self) -> str:
        try:
            return python_platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return f"Linux {python_platform.release()}"

    def forbidden_targets(self) -> tuple[Path, ...]:
        return tuple(Path(p) for p in ("/proc", "/sys", "/dev", "/run/systemd"))

    def open_folder(self, path: Path, *, create: bool = False) -> LinuxFolder:
        return LinuxFolder.open(path, create=create)

    def owner_stays(self, uid: int, gid: int) -> bool:
        return _may_give_away() or owner_stays(uid, gid)

    def install_service(self, state_directory: Path) -> list[str]:
        _require_systemd()
        _UNIT_FILE.write_text(unit_text(_own_command(), state_directory), "utf-8")
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", UNIT_NAME)
        return [f"wrote {_UNIT_FILE}", f"enabled and started {UNIT_NAME}", f"logs: journalctl -u {UNIT_NAME}"]

    def uninstall_service(self) -> list[str]:
        _require_systemd()
        if not _UNIT_FILE.exists():
            raise PlatformError(f"{_UNIT_FILE} is not there, so there is nothing to remove")
        _systemctl("disable", "--now", UNIT_NAME)
        _UNIT_FILE.unlink()
        _systemctl("daemon-reload")
        return [f"stopped and disabled {UNIT_NAME}", f"removed {_UNIT_FILE}"]


@functools.cache
def _may_give_away() -> bool:
    """Whether this process may change owners. Root in a container may have lost it, a service have been given it."""
    for line in _STATUS_FILE.read_text("ascii", "replace").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & _CAP_CHOWN)
    return os.geteuid() == 0


def _require_systemd() -> None:
    if os.geteuid() != 0:
        raise PlatformError("a service is installed as root only", "use sudo")
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        raise PlatformError(
            "systemd does not run on this machine",
            "start `sbs-agent run` from the supervisor that does",
        )


def _own_command() -> str:
    """How to start this very agent: its script if it was started by one, else the interpreter and the module."""
    script = Path(sys.argv[0]).resolve()
    return str(script) if script.name == "sbs-agent" else f"{sys.executable} -m sbs_agent"


def _systemctl(*arguments: str) -> None:
    outcome = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise PlatformError(f"systemctl {' '.join(arguments)} failed: {outcome.stderr.strip()}")
