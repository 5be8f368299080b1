"""restic's masks: writing a path so that it matches itself alone, checking a mask, and matching one.

Source: restic's documentation, chapter "Backing up", section "Excluding files", and its package
internal/filter; components are matched as Go's path/filepath.Match does on Unix:

* `*` and `?` never match a slash, `[a-z]` and `[^a-z]` are classes, a backslash takes the next one literally;
* `**` as a whole component stands for any number of folders;
* a mask with a leading slash is anchored, any other may begin at any component;
* what matches a folder matches all that is below it;
* a leading `!` takes back what earlier masks matched.

Paths are bytes, or `str` as Python's file functions give them (UTF-8, surrogate escapes for odd bytes).
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sbs_restic.cli.errors import InvalidPathError, InvalidPatternError

_SPECIAL: Final = re.compile(r"[*?\[]")
# All that is no newline, without NUL, which no name holds: the class of everything else is the newline alone.
_NEWLINE: Final = "[^\x01-\x09\x0b-\U0010ffff]"


def path_text(path: str | bytes) -> str:
    """Give a path as text: UTF-8, with surrogate escapes for bytes that are not."""
    return path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")


def snapshot_path(path: str | bytes) -> str:
    """Give an absolute path in a snapshot as text. Raises InvalidPathError for anything else."""
    text = path_text(path)
    if not text.startswith("/") or "\0" in text:
        raise InvalidPathError(f"{text!r} is not an absolute path in a snapshot, like /home/x")
    if _clean(text) != text:
        raise InvalidPathError(f"{text!r} is not in its shortest form, which is {_clean(text)!r}")
    return text


def escape(path: str | bytes) -> str:
    """Give the mask that matches this absolute path (and what is below it) and nothing else."""
    # A class of one instead of a backslash, where it can be: Windows has no escaping backslash.
    return _SPECIAL.sub(lambda found: f"[{found[0]}]", snapshot_path(path).replace("\\", "\\\\"))


def escaped_line(path: str | bytes) -> bytes:
    """Give `escape(path)` as a line for restic's mask files, newline included.

    restic strips white space at both ends of a line, expands $NAME, and ends a line at each newline.
    """
    mask = escape(path).replace("$", "$$").replace("\n", _NEWLINE)
    if _is_space(mask[-1]):
        mask = f"{mask[:-1]}[{mask[-1]}]"
    return mask.encode("utf-8", "surrogateescape") + b"\n"


def _is_space(character: str) -> bool:
    # A superset of what Go's unicode.IsSpace strips; a class too many does no harm.
    return character.isspace() or unicodedata.category(character).startswith("Z")


def _clean(path: str) -> str:
    """Do what Go's filepath.Clean does."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


@dataclass(frozen=True, slots=True)
class _Mask:
    parts: tuple[re.Pattern[str] | None, ...]  # None is "**"
    anchored: bool
    negated: bool

    def matches(self, components: Sequence[str]) -> bool:
        """Whether a run of the components matches, at the beginning if anchored, else anywhere."""
        last = 1 if self.anchored else len(components)
        return any(_run_matches(self.parts, components, offset) for offset in range(last))


def _run_matches(parts: Sequence[re.Pattern[str] | None], components: Sequence[str], offset: int) -> bool:
    """Whether the parts match a run of components that begins at the offset. Polynomial, with many `**` too."""
    reached = {offset}
    for part in parts:
        if part is None:
            reached = set(range(min(reached), len(components) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(components) and part.fullmatch(components[at])}
        if not reached:
            return False
    return True


class Masks:
    """A list of masks, matched as restic matches its exclude masks.

    Raises InvalidPatternError for one that restic would refuse.
    """

    def __init__(self, masks: Iterable[str], *, ignore_case: bool = False) -> None:
        self._ignore_case = ignore_case
        self._masks = [_parse(mask.lower() if ignore_case else mask) for mask in masks]

    def match(self, path: str) -> bool:
        """Whether this absolute path (or a folder above it) is matched."""
        components = [part for part in (path.lower() if self._ignore_case else path).split("/") if part]
        matched = False
        for mask in self._masks:
            if mask.negated is matched and mask.matches(components):
                matched = not mask.negated
        return matched


def check_masks(masks: Iterable[str]) -> None:
    """Raise InvalidPatternError for the first mask that restic would refuse."""
    Masks(masks)


def _parse(mask: str) -> _Mask:
    if not mask.removeprefix("!"):
        raise InvalidPatternError("a mask is empty: leave it out, or use * for everything")
    if "\0" in mask or "\n" in mask:
        raise InvalidPatternError(f"the mask {mask!r} holds a NUL or a newline: use ? in its place")
    cleaned = _clean(mask.removeprefix("!"))
    parts = [part for part in cleaned.split("/") if part]
    return _Mask(
        parts=tuple(
            None if part == "**" else re.compile(_expression(part, mask), re.DOTALL) for part in parts
        ),
        anchored=cleaned.startswith("/"),
        negated=mask.startswith("!"),
    )


def _expression(part: str, mask: str) -> str:
    """Give one component of a mask as a regular expression."""
    out, at = [], 0
    while at < len(part):
        character = part[at]
        if character == "[":
            expression, at = _class(part, at + 1, mask)
        elif character == "\\":
            literal, at = _literal(part, at, mask)
            expression = re.escape(literal)
        else:
            expression = {"*": ".*", "?": "."}.get(character) or re.escape(character)
            at += 1
        out.append(expression)
    return "".join(out)


def _class(part: str, at: int, mask: str) -> tuple[str, int]:
    """Give a class as an expression, and the place behind it. `at` is behind the bracket."""
    negated = part[at : at + 1] == "^"
    at += negated
    ranges: list[str] = []
    while not (ranges and part[at : at + 1] == "]"):
        low, at = _class_literal(part, at, mask)
        high = low
        if part[at : at + 1] == "-":
            high, at = _class_literal(part, at + 1, mask)
        if low <= high:  # Go takes [z-a] for a range that nothing is in
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")
    inside = "".join(ranges)
    nothing, anything = "(?!)", "."
    if not inside:
        return (anything if negated else nothing), at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _class_literal(part: str, at: int, mask: str) -> tuple[str, int]:
    if part[at : at + 1] in ("", "-", "]"):
        raise InvalidPatternError(f"the mask {mask!r} has a bracket that is not closed, or nothing in it")
    return _literal(part, at, mask)


def _literal(part: str, at: int, mask: str) -> tuple[str, int]:
    if part[at] == "\\":
        at += 1
        if at == len(part):
            raise InvalidPatternError(
                f"the mask {mask!r} has a backslash with nothing behind it in its component"
            )
    return part[at], at + 1
