"""Progress of a start or a stop: a table that changes on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sbs_server.embedded.state import ComponentState

_FINAL = {"ready": "green", "done": "green", "failed": "red", "restarting": "yellow", "stopped": "dim"}


class Progress:
    """Shows component states as they change, while used as a context manager."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._begin = time.monotonic()
        self._rows: dict[str, tuple[ComponentState, float]] = {}
        console = Console(file=self._stream)
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def change(self, row: ComponentState) -> None:
        """Show a component's new state."""
        elapsed = time.monotonic() - self._begin
        self._rows[row.name] = (row, elapsed)
        if self._live:
            self._live.update(self._table(), refresh=True)
        elif row.state in _FINAL:
            detail = f"  {row.detail}" if row.detail else ""
            print(f"{row.name:<10} {row.state:<10} {elapsed:5.1f} s{detail}", file=self._stream, flush=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for row, elapsed in self._rows.values():
            colour = _FINAL.get(row.state, "cyan")
            table.add_row(row.name, f"[{colour}]{row.state}[/]", f"{elapsed:.1f} s", row.detail)
        return table
