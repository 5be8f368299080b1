"""What is known about the components: kept by the supervisor, published in run/state.json for `sbs status`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sbs_server.embedded.layout import DataDirectory, read_json, write_file

State = Literal[
    "waiting", "preparing", "starting", "ready", "done", "restarting", "stopping", "stopped", "failed"
]


@dataclass(frozen=True, slots=True)
class ComponentState:
    """One row of `sbs status`. `since` is RFC 3339, `port` the first of its ports."""

    name: str
    state: State = "waiting"
    pid: int | None = None
    restarts: int = 0
    port: int | None = None
    since: str = ""
    detail: str = ""


Observer = Callable[[ComponentState], None]


@dataclass
class StateBoard:
    """All rows. Each change is written to the file and told to the observer."""

    directory: DataDirectory
    observer: Observer
    rows: dict[str, ComponentState] = field(default_factory=dict)

    def add(self, name: str, port: int | None) -> None:
        self.rows[name] = ComponentState(name, port=port, since=_now())

    def change(self, name: str, state: State, **values: Any) -> None:
        """A component has changed its state; `values` are further fields of its row."""
        row = replace(self.rows[name], state=state, since=_now(), **values)
        self.rows[name] = row
        self.write()
        self.observer(row)

    def write(self) -> None:
        document = {"components": [asdict(row) for row in self.rows.values()]}
        write_file(self.directory.state_file, json.dumps(document) + "\n", 0o644)


def read_states(directory: DataDirectory) -> list[ComponentState]:
    """The rows as last written; empty if there never were any. Errors: DataDirectoryError."""
    document = read_json(directory.state_file) or {"components": []}
    return [ComponentState(**row) for row in document["components"]]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
