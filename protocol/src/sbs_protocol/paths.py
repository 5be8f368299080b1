"""File names on the wire.

A name on Linux is bytes, JSON is Unicode. A path that is not UTF-8 travels twice: as text a person can read
(U+FFFD for what can't be shown) and as its exact bytes in base64::

    {"text": "/home/x/caf\ufffd.txt", "raw": "L2hvbWUveC9jYWbpLnR4dA=="}

Where a message takes an `AnyPath`, a path that is UTF-8 may also be a plain string, which means its text. An agent
that takes the other form there has the capability `paths.raw`.
"""

import base64
import os

from sbs_protocol.model import WireModel


class WirePath(WireModel):
    """One path: `text` to show; `raw` (base64 of the bytes) only where `text` loses something."""

    text: str
    raw: str | None = None

    @classmethod
    def from_bytes(cls, path: bytes) -> "WirePath":
        try:
            return cls(text=_without_nul(path.decode("utf-8")))
        except UnicodeDecodeError:
            shown = _without_nul(path.decode("utf-8", "replace"))
            return cls(text=shown, raw=base64.b64encode(path).decode("ascii"))

    @classmethod
    def from_fs(cls, path: str) -> "WirePath":
        """From a `str` as Python's file functions give it (surrogate escapes for odd bytes)."""
        return cls.from_bytes(os.fsencode(path))

    def to_bytes(self) -> bytes:
        """The exact path.

        Raises:
            ValueError: `raw` is not base64.
        """
        return self.text.encode("utf-8") if self.raw is None else base64.b64decode(self.raw, validate=True)


AnyPath = str | WirePath


def exact(path: AnyPath) -> bytes:
    """The path's bytes. Raises `ValueError` if `raw` is not base64."""
    return path.encode("utf-8") if isinstance(path, str) else path.to_bytes()


def readable(text: str) -> str:
    """A text with names in it as Python's file functions give them: U+FFFD for what no JSON can hold."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def _without_nul(text: str) -> str:
    """PostgreSQL's text can't hold U+0000; no file system has it in a name, only a hostile peer sends it."""
    return text.replace("\x00", "�")
