"""How results look: a table for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_FOLDED, _GAP = 12, 2
_ANY_WIDTH = 100_000


def show(rows: Iterable[Json], columns: Sequence[str], *, as_json: bool) -> None:
    """A list: one JSON array, or a table of these columns."""
    if as_json:
        typer.echo(json.dumps(list(rows), ensure_ascii=False))
        return
    titles = [column.replace("_", " ").upper() for column in columns]
    cells = [[text(row.get(column), column) for column in columns] for row in rows]
    print_table(titles, cells, whole=[column == "id" or column.endswith("_id") for column in columns])


def print_table(titles: Sequence[str], cells: Sequence[Sequence[str]], *, whole: Sequence[bool]) -> None:
    """A table on standard output. Columns that are `whole` are never broken: ids are copied.

    For a pipe or a file every row is one line, however long. On a terminal the other columns are folded; when it
    is too narrow even for that, the terminal breaks the lines, and what is copied is still in one piece.
    """
    table = Table(box=None, pad_edge=False)
    needed = 0
    for place, title in enumerate(titles):
        longest = max(cell_len(cell) for cell in (title, *(row[place] for row in cells)))
        least = longest if whole[place] else min(longest, _FOLDED)
        table.add_column(title, overflow="fold", no_wrap=whole[place], min_width=least)
        needed += least + _GAP
    for row in cells:
        table.add_row(*map(Text, row))
    terminal = Console()
    console = Console(width=max(terminal.width, needed) if terminal.is_terminal else _ANY_WIDTH)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        typer.echo(line.rstrip())


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
