"""The machine that is backed up: a real agent, a process of its own, as an ordinary user."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.errors import DemoError

_AGENT = (sys.executable, "-m", "sbs_agent")
_STOP_S = 30


@dataclass(frozen=True, slots=True)
class Person:
    """The ordinary user whose files are backed up. Started as root, it is somebody else than us."""

    uid: int
    gid: int
    name: str

    @classmethod
    def choose(cls) -> "Person":
        """Ourselves; as root whoever called sudo, else `nobody`. Root reads everything: nothing is unreadable."""
        uid = os.getuid()
        if uid == 0:
            uid = int(os.environ.get("SUDO_UID", "0")) or pwd.getpwnam("nobody").pw_uid  # env: sudo's own
        account = pwd.getpwuid(uid)
        return cls(account.pw_uid, account.pw_gid, account.pw_name)

    def own(self, folder: Path) -> Path:
        """Makes a folder of this person's, private to them."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        if os.getuid() == 0:
            os.chown(folder, self.uid, self.gid)
        return folder

    def options(self) -> dict[str, object]:
        """For subprocess: become this person."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.getuid() == 0 else {}


@dataclass(frozen=True, slots=True)
class Machine:
    person: Person
    folder: Path  # the agent's state lies below it
    restic: Path

    @property
    def state_dir(self) -> Path:
        return self.folder / "agent"

    def enrol(self, server: str, token: str) -> None:
        """Exchanges the one-time token for a certificate; the token goes through a pipe. Raises DemoError."""
        done = self.run(["enrol", server, "--token-file", "-"], token)
        if done.returncode != 0:
            raise DemoError(f"the agent could not enrol: {done.stderr.strip()}")

    def agent_id(self) -> str:
        """The id that the platform knows this machine's agent by."""
        return str(json.loads((self.state_dir / "agent.json").read_text("utf-8"))["agent_id"])

    def enrolled(self) -> bool:
        return (self.state_dir / "agent.json").exists()

    def start(self) -> subprocess.Popen[bytes]:
        """The agent's own process; what it says is added to `agent.log`. The caller stops it."""
        with (self.folder / "agent.log").open("ab") as log:
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # by platform
                [*_AGENT, "run", "--log", "json", "--state-dir", str(self.state_dir)],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self.person.options(),
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """The agent runs while the block does."""
        process = self.start()
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, words: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
        """A command of the agent's, as the person at the machine."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # by platform
            [*_AGENT, *words, "--state-dir", str(self.state_dir)],
            env=self._environment(),
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            **self.person.options(),
        )

    def _environment(self) -> dict[str, str]:
        path = os.environ["PATH"]  # env: passed on
        return {"PATH": path, "HOME": str(self.folder), "SBS_RESTIC": str(self.restic)}
