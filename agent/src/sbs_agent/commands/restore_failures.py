"""What restic could not write or verify, item by item."""

import os

from sbs_agent.commands.restore_staging import Staging
from sbs_agent.reporting import Reporter
from sbs_protocol.events import FileWarning
from sbs_protocol.paths import WirePath
from sbs_restic.cli import lossy
from sbs_restic.cli.messages import ItemError


class Failures:
    """Items that could not be written or verified; one item may have several errors."""

    def __init__(self, reporter: Reporter, staging: Staging) -> None:
        self._reporter = reporter
        self._staging = staging
        self.items: dict[str, WirePath] = {}
        self.unverified: list[WirePath] = []
        self.first_message = ""
        self.warnings: list[FileWarning] = []

    def add(self, error: ItemError) -> None:
        if error.item in self.items:
            return
        path, message = self._exact(error.item), self._staging.shown(error.message)
        self.items[error.item] = path
        self.first_message = self.first_message or message
        if error.during == "verify":
            self.unverified.append(path)
        self.warnings.append(FileWarning(path=path, code="restore_failed", message=message))
        self._reporter.warn(self.warnings[-1])

    def _exact(self, item: str) -> WirePath:
        """restic prints names that are not UTF-8 approximately; what it has begun to write tells the real one."""
        base = os.fspath(self._staging.base)
        real = lossy.resolve_lossy_path(base + item)
        return WirePath(text=item) if real is None else WirePath.from_bytes(real[len(os.fsencode(base)) :])
