"""What a running command tells: progress (lossy, at most twice a second) and warnings (durable, in chunks)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from sbs_agent.journal import Journal, Key
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.events import WARNINGS_PER_EVENT, FileWarning, Progress
from sbs_protocol.paths import WirePath

Phase = Literal["starting", "scanning", "transferring", "finishing", "verifying"]

# The bus takes 1 MiB a message; a path can be 4 KiB and is sent twice if it is not UTF-8.
_LARGEST_CHUNK_BYTES = 384 * 1024
_LONGEST_MESSAGE = 1000
_RATE_WINDOW_SECONDS = 15.0


class Reporter:
    def __init__(
        self, key: Key, journal: Journal, publish: Callable[[Progress], Awaitable[None]], pause: float
    ) -> None:
        """`pause`: seconds between two progress messages."""
        self._key, self._journal, self._publish, self._pause = key, journal, publish, pause
        self._pending: list[FileWarning] = []
        self._pending_bytes = 0
        self._last = float("-inf")
        self._samples: deque[tuple[float, int]] = deque()
        self.warnings = 0

    async def progress(
        self,
        phase: Phase,
        *,
        files: tuple[int, int | None] = (0, None),
        size: tuple[int, int | None] = (0, None),
        current_file: str | None = None,
        totals_known: bool = True,
    ) -> None:
        """`files` and `size` (bytes) are (done, total); dropped if the last one was sent just now."""
        now = asyncio.get_running_loop().time()
        if now - self._last < self._pause:
            return
        self._last = now
        self.flush()
        rate = self._rate(now, size[0])
        known = rate and size[1] and totals_known
        await self._publish(
            Progress(
                protocol=PROTOCOL_VERSION,
                command_id=self._key.command_id,
                attempt=self._key.attempt,
                phase=phase,
                files_done=files[0],
                files_total=files[1],
                bytes_done=size[0],
                bytes_total=size[1],
                bytes_per_second=rate,
                seconds_left=max(0, (size[1] or 0) - size[0]) / rate if rate and known else None,
                current_file=current_file,
                warnings=self.warnings,
            )
        )

    def warn(self, warning: FileWarning) -> None:
        """Kept in memory for at most one progress step, then in the journal."""
        if len(warning.message) > _LONGEST_MESSAGE:
            warning = warning.model_copy(update={"message": warning.message[:_LONGEST_MESSAGE] + "…"})
        size = len(warning.model_dump_json())
        if len(self._pending) == WARNINGS_PER_EVENT or self._pending_bytes + size > _LARGEST_CHUNK_BYTES:
            self.flush()
        self._pending.append(warning)
        self._pending_bytes += size
        self.warnings += 1

    @property
    def reported_before(self) -> int:
        """Warnings of this command that are already in the journal, of this attempt and earlier ones."""
        return self._journal.warnings_so_far(self._key.command_id)

    def flush(self) -> None:
        if self._pending:
            self._journal.warn(self._key, self._pending)
            self._pending, self._pending_bytes = [], 0

    def _rate(self, now: float, done: int) -> float | None:
        """Bytes per second over the last seconds: a mean since the start would hide a stalled network."""
        self._samples.append((now, done))
        while self._samples[0][0] < now - _RATE_WINDOW_SECONDS and len(self._samples) > 2:
            self._samples.popleft()
        (then, before), elapsed = self._samples[0], now - self._samples[0][0]
        return max(0.0, (done - before) / elapsed) if elapsed > 0 and then < now else None


def examples(paths: Iterable[WirePath], at_most: int) -> list[WirePath]:
    """The first ones, as many as fit into a message."""
    chosen: list[WirePath] = []
    size = 0
    for path in paths:
        size += len(path.model_dump_json())
        if len(chosen) == at_most or size > _LARGEST_CHUNK_BYTES:
            break
        chosen.append(path)
    return chosen
