"""The unprivileged account: nothing of the platform runs as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sbs_server.embedded.errors import AccountError, DataDirectoryError

ACCOUNT = "sbs"


def is_root() -> bool:
    return os.geteuid() == 0


def ensure_account(home: Path) -> pwd.struct_passwd:
    """The system account `sbs`, made if there is none. Needs root. Errors: AccountError."""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        raise AccountError(
            f"the account {ACCOUNT!r} does not exist and there is no useradd to make it; create a system account "
            f"{ACCOUNT!r} without login, or start as an ordinary user"
        )
    argv = [program, "--system", "--user-group", "--no-create-home", "--home-dir", str(home)]
    argv += ["--shell", "/usr/sbin/nologin", ACCOUNT]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if result.returncode not in {0, 9}:  # 9: somebody else made it just now
        raise AccountError(f"useradd could not make the account {ACCOUNT!r}: {result.stderr.strip()}")
    return pwd.getpwnam(ACCOUNT)


def hand_over(directory: Path, account: pwd.struct_passwd) -> None:
    """Make `account` the owner of the data directory. Links are not followed.

    What lies below is walked only if the directory itself belonged to somebody else: later there may be
    millions of files below it. Errors: DataDirectoryError.
    """
    try:
        if directory.stat().st_uid == account.pw_uid:
            for path in directory.iterdir():
                _own(path, account)
            return
        for folder, folders, files in os.walk(directory):
            for name in (*folders, *files):
                _own(Path(folder, name), account)
        _own(directory, account)  # last: an interrupted walk begins again
    except OSError as error:
        raise DataDirectoryError(
            f"{error.filename} can't be given to {ACCOUNT!r}: {error.strerror}"
        ) from error


def _own(path: Path, account: pwd.struct_passwd) -> None:
    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def become(account: pwd.struct_passwd) -> None:
    """Give up root for good, in this process and all its children."""
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = account.pw_dir  # env: what login would set
    os.environ["USER"] = os.environ["LOGNAME"] = account.pw_name  # env: as above


def require_way(directory: Path, account: pwd.struct_passwd) -> None:
    """Check that `account` may go to where `directory` is, or is to be made. Needs root. Errors: AccountError."""
    for part in reversed(directory.parents):
        if part.exists() and not _may_enter(account, part):
            raise _out_of_reach("the data directory", directory, part, ACCOUNT)


def _may_enter(account: pwd.struct_passwd, folder: Path) -> bool:
    argv = ["test", "-x", str(folder)]
    asked = subprocess.run(argv, check=False, user=account.pw_uid, group=account.pw_gid, extra_groups=[])
    return asked.returncode == 0


def require_reach(data_directory: Path, binaries: Iterable[Path]) -> None:
    """Check, as who we are now, that everything needed can be reached. Errors: AccountError."""
    needed = {
        "the data directory": data_directory,
        "the Python interpreter": Path(sys.executable).resolve(),
        "the Python environment": Path(sys.prefix),
        "the program code": Path(__file__).resolve(),
    }
    for binary in binaries:
        needed[f"the program {binary.name}"] = binary
    for what, path in needed.items():
        _require_path(what, path)
    if not os.access(data_directory, os.W_OK):
        raise AccountError(
            f"the data directory {data_directory} is not writable for the account {_me()!r}; give it to that account "
            "or choose another one with SBS_DATA_DIR"
        )


def _require_path(what: str, path: Path) -> None:
    for part in [*reversed(path.parents), path]:
        searchable = os.access(part, os.X_OK if part.is_dir() else os.R_OK) if part.exists() else False
        if not searchable:
            raise _out_of_reach(what, path, part, _me())


def _out_of_reach(what: str, path: Path, part: Path, account: str) -> AccountError:
    return AccountError(
        f"{what} ({path}) can't be reached by the account {account!r}: {part} refuses it; move it to a place "
        f"that all may read (for example /opt or /srv), or run chmod o+x {part}"
    )


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
