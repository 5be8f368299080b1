"""One value, as people read it: sizes and durations with units, times in this machine's zone."""

from datetime import datetime
from typing import Any

Json = dict[str, Any]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_TIMES = ("_at", "_since", "_after", "_for", "next_runs")
_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def text(value: Any, name: str = "") -> str:
    """`value` of the API's field `name` on one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    if isinstance(value, list | dict):
        return _nested(value, name)
    return moment(str(value)) if name.endswith(_TIMES) else printable(str(value))


def _nested(value: list[Any] | Json, name: str) -> str:
    if isinstance(value, list):
        return ", ".join(text(item, name) for item in value) or "-"
    return "; ".join(f"{spaced(key)} {text(item, key)}" for key, item in value.items()) or "-"


def printable(said: str) -> str:
    """A file name on a victim's disk may hold terminal commands."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in said)


def spaced(name: str) -> str:
    """A name of the API in words."""
    return name.replace("_", " ")


def size(count: float) -> str:
    for unit in _UNITS:
        if count < _STEP or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    return ""


def counted(count: int, thing: str, *, of: int | None = None) -> str:
    """A number of things, of all there are if that is known."""
    return f"{count}{f' of {of}' if of else ''} {thing}{'' if (of or count) == 1 else 's'}"


def moment(said: str) -> str:
    """A time of the API (RFC 3339) in this machine's time zone; a text that is none, as it is."""
    try:
        return f"{datetime.fromisoformat(said).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except ValueError:
        return printable(said)


def duration(seconds: float) -> str:
    """The two largest units of it."""
    left = round(seconds)
    told: list[str] = []
    for length, unit in _SPANS:
        count, left = divmod(left, length)
        if count or told:
            told.append(f"{count} {unit}")
        if len(told) == 2:
            break
    return " ".join(one for one in told if not one.startswith("0 ")) or "0 s"


def between(first: str | None, last: str | None) -> str | None:
    """How long from one time of the API to another; None unless there are both."""
    if first is None or last is None:
        return None
    spent = datetime.fromisoformat(last) - datetime.fromisoformat(first)
    return duration(max(0.0, spent.total_seconds()))
