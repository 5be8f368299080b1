"""What the supervisor does while everything runs: certificates in time, logs of a bounded size."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sbs_server.config import Settings
from sbs_server.embedded.certificates import ensure_certificates
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.traefik import touch_dynamic
from sbs_server.kit.pki.errors import PkiError

_LOG = logging.getLogger("sbs.supervisor")

_TICK_S = 30.0
_CERTIFICATES_S = 24 * 3600.0
_MAX_LOG_BYTES = 20 * 1024 * 1024


class Maintenance:
    """Runs beside the components; `reload` tells those that are named to read their files again."""

    def __init__(
        self, settings: Settings, directory: DataDirectory, reload: Callable[[Sequence[str]], None]
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._reload = reload

    async def run(self) -> None:
        """For ever; certificates were looked at just before the start."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self.trim_logs()
            if time.monotonic() - looked >= _CERTIFICATES_S:
                looked = time.monotonic()
                self.renew_certificates()

    def trim_logs(self) -> None:
        """Keep the newest of each log and one older part. Children append, so cutting the file is safe."""
        for log in self._directory.logs.glob("*.log"):
            try:
                if log.stat().st_size > _MAX_LOG_BYTES:
                    rotate(log)
            except OSError:
                _LOG.exception("%s can't be rotated", log)

    def renew_certificates(self) -> None:
        """Renew what is due; whoever uses it reads it again, without a restart."""
        try:
            new = ensure_certificates(self._settings.pki.dir, self._settings.public_names)
        except (PkiError, OSError):
            _LOG.exception("certificates can't be renewed")
            return
        if "server" in new:
            _LOG.info("the server certificate is new")
            touch_dynamic(self._directory)
            self._reload(["nats"])


def rotate(log: Path) -> None:
    """Copy to `<log>.1` and empty the file itself."""
    shutil.copyfile(log, log.with_suffix(".log.1"))
    with log.open("r+b") as file:
        file.truncate(0)
