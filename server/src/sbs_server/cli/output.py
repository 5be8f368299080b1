"""How results look: tables and facts for people, JSON for programs."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sbs_server.cli.values import Json, spaced, text

Lines = str | Sequence[str]
_FOLDED, _GAP = 12, 2
_ANY_WIDTH = 100_000
_TITLE = 22


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about an object of the API: a column of a list, or a line of `show`.

    `of` makes the text, or several lines; None: there is nothing to say. `whole`: is copied, so never broken.
    """

    title: str
    of: Callable[[Json], Lines | None]
    whole: bool = False


def field(name: str, title: str = "") -> Fact:
    """The API's field of that name, told by its own name unless there is a better title."""
    is_id = name == "id" or name.endswith("_id")
    return Fact(title or spaced(name), lambda thing: _field(thing.get(name), name), whole=is_id)


def fields(*names: str) -> tuple[Fact, ...]:
    return tuple(field(name) for name in names)


def known(name: str, title: str = "") -> Fact:
    """As `field`, but no line while it has no value."""
    told = field(name, title)
    return Fact(told.title, lambda thing: None if thing.get(name) is None else told.of(thing), told.whole)


def _field(value: object, name: str) -> Lines:
    return [text(item, name) for item in value] if isinstance(value, list) else text(value, name)


def show(rows: Iterable[Json], columns: Sequence[Fact], *, as_json: bool) -> None:
    """A list: one JSON array, or a table of these columns."""
    if as_json:
        typer.echo(json.dumps(list(rows), ensure_ascii=False))
        return
    cells = [[_cell(column.of(row)) for column in columns] for row in rows]
    titles = [column.title.upper() for column in columns]
    print_table(titles, cells, whole=[column.whole for column in columns])


def _cell(value: Lines | None) -> str:
    return (value if isinstance(value, str) else ", ".join(value or ())) or "-"


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


def show_one(thing: Json, facts: Sequence[Fact], *, as_json: bool) -> None:
    """One object: as the API gave it, or these facts, one a line."""
    if as_json:
        typer.echo(json.dumps(thing, ensure_ascii=False))
        return
    for fact in facts:
        value = fact.of(thing)
        if value is not None:
            _print_fact(fact.title, [value] if isinstance(value, str) else list(value) or ["-"])


def _print_fact(title: str, lines: Sequence[str]) -> None:
    """More lines than one stand below each other, under one title."""
    for place, line in enumerate(lines):
        typer.echo(f"{title if place == 0 else '':<{_TITLE}} {line}")
