"""What numbers depend on: the machine and the versions of everything that takes part."""

import os
import platform
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from demo.platform import PACKAGES

_PACKAGES = {
    "sbs": "sbs-server",
    **PACKAGES,
    "uvicorn": "uvicorn",
    "uvloop": "uvloop",
    "cryptography": "cryptography",
}


def machine() -> dict[str, Any]:
    """Load is that of the last minute before the start: numbers taken beside other work say so themselves."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": psutil.virtual_memory().total >> 20,
        "kernel": platform.platform(),
        "disk": disk(Path(tempfile.gettempdir())),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def versions(restic: Path, rclone: Path | None = None) -> dict[str, str]:
    """Of ours, of the interpreter, of restic and of the servers on the way; rclone where it takes part."""
    found = {name: metadata.version(package) for name, package in _PACKAGES.items()}
    found["python"] = platform.python_version()
    for program in filter(None, (restic, rclone)):
        answer = subprocess.check_output([program, "version"], text=True)
        found[program.name.partition("-")[0]] = answer.split()[1]
    return found


def disk(folder: Path) -> str:
    """File system, device and kind of the disk that a folder is on."""
    where = folder.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if where.is_relative_to(part.mountpoint)]
    if not mounts:
        return "unknown"
    mount = max(mounts, key=lambda part: len(part.mountpoint))
    return f"{mount.fstype} on {mount.device}{_rotates(mount.device)}"


def restic_binary(given: Path | None) -> Path | None:
    """The one named, else that of SBS_RESTIC (scripts/run sets it), else the one on PATH."""
    named = os.environ.get("SBS_RESTIC") or shutil.which("restic")
    return given or (Path(named) if named else None)


def _rotates(device: str) -> str:
    """What the kernel believes; of a virtual disk it does not know."""
    flag = Path("/sys/class/block") / Path(device).name / "queue" / "rotational"
    try:
        return ", said to rotate" if flag.read_text().strip() == "1" else ", not rotating"
    except OSError:
        return ""  # no block device of its own: a partition, a network or memory file system


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
