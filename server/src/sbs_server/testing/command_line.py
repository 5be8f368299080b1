"""`sbs` as a process, on a data directory and free ports of its own."""

import os
import subprocess
import sys
from pathlib import Path


def sbs(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What it printed, and its exit code. `environment`: further variables."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SBS_")}
    env |= {
        "SBS_DATA_DIR": str(data_dir),
        "SBS_PORT_CONSOLE": "0",
        "SBS_PORT_AGENTS": "0",
        "SBS_PORT_NATS": "0",
    }
    argv = [sys.executable, "-m", "sbs_server.roles.cli", *arguments]
    return subprocess.run(
        argv, env={**env, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
