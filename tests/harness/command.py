"""`sbs` as an operator types it, on a data directory of its own with free ports."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from demo.platform import SBS


@dataclass(frozen=True, slots=True)
class Sbs:
    """The platform whose data lie in `data_dir`."""

    data_dir: Path
    restic: Path

    @property
    def environment(self) -> dict[str, str]:
        """That of this process without its own settings of SBS."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("SBS_")}
        ports = {"SBS_PORT_CONSOLE": "0", "SBS_PORT_AGENTS": "0", "SBS_PORT_NATS": "0"}
        return {**own, **ports, "SBS_RESTIC": str(self.restic)}

    def up(self) -> None:
        """Until everything is ready."""
        self._run("up")

    def down(self) -> None:
        """Also when nothing runs."""
        self._run("down")

    def supervisor(self) -> int | None:
        """The pid of the root of all its processes; None while there is none."""
        try:
            return int(json.loads((self.data_dir / "run" / "supervisor.json").read_text())["pid"])
        except (OSError, ValueError, KeyError):
            return None  # not started yet, or just being written

    def _run(self, word: str) -> None:
        command = [*SBS, word, "--data-dir", str(self.data_dir)]
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
