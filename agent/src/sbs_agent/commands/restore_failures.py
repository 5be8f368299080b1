"""What restic could not write or verify, item by item."""

from sbs_agent.reporting import Reporter
from sbs_protocol.events import FileWarning
from sbs_protocol.paths import WirePath
from sbs_restic.cli import lossy
from sbs_restic.cli.messages import ItemError


class Failures:
    """Items that could not be written or verified; one item may have several errors."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.items: dict[str, WirePath] = {}
        self.unverified: list[WirePath] = []
        self.first_message = ""

    def add(self, error: ItemError) -> None:
        if error.item in self.items:
            return
        real = lossy.resolve_lossy_path(error.item)
        path = WirePath(text=error.item) if real is None else WirePath.from_bytes(real)
        self.items[error.item] = path
        self.first_message = self.first_message or error.message
        if error.during == "verify":
            self.unverified.append(path)
        self._reporter.warn(FileWarning(path=path, code="restore_failed", message=error.message))
