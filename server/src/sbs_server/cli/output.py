"""How results look: a table for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

Json = dict[str, Any]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


def show(rows: Iterable[Json], columns: Sequence[str], *, as_json: bool) -> None:
    """A list: one JSON array, or a table of these columns."""
    if as_json:
        typer.echo(json.dumps(list(rows), ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " ").upper(), overflow="fold")
    for row in rows:
        table.add_row(*[text(row.get(column), column) for column in columns])
    Console().print(table)


def show_one(thing: Json, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(thing, ensure_ascii=False))
        return
    for name, value in thing.items():
        typer.echo(f"{name.replace('_', ' '):<22} {text(value, name)}")


def text(value: Any, name: str = "") -> str:
    """One value for people's eyes."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    # A file name on a victim's disk may hold terminal commands.
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))


def size(count: float) -> str:
    for unit in _UNITS:
        if count < _STEP or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    return ""
