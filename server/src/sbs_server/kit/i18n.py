"""The message catalogue: every text a person reads, in Russian and English.

Each package of the server may have a `messages.json`: code -> {"en": {"text", "hint"?}, "ru": …}. Placeholders
are `{name}`. `text` says what is wrong, `hint` what would be right.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Locale = Literal["en", "ru"]
LOCALES: tuple[Locale, ...] = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    hint: str | None


class MessageMissingError(LookupError):
    """A code without a text: a mistake of ours, caught by the test that walks the catalogue."""


def message(code: str, locale: Locale, params: dict[str, str | int | float]) -> Message:
    """The text and hint of `code`. Raises `MessageMissingError`."""
    entry = catalogue().get(code)
    if entry is None:
        raise MessageMissingError(code)
    chosen = entry[locale]
    hint = chosen.get("hint")
    return Message(_fill(chosen["text"], params), None if hint is None else _fill(hint, params))


@cache
def catalogue() -> dict[str, dict[Locale, dict[str, str]]]:
    """All catalogues of the package in one. A code that stands twice is a mistake and raises ValueError."""
    found: dict[str, dict[Locale, dict[str, str]]] = {}
    for package in sorted(files("sbs_server").iterdir(), key=lambda entry: entry.name):
        source = package / "messages.json"
        if not package.is_dir() or not source.is_file():
            continue
        for code, entry in json.loads(source.read_text("utf-8")).items():
            if code in found:
                raise ValueError(f"the message {code} stands twice")
            found[code] = entry
    return found


def choose_locale(accept_language: str | None, preferred: str | None = None) -> Locale:
    """The first language of ours that the request asks for, else the account's own, else English.

    The console asks for the language it shows; programs ask for none and get the account's.
    """
    for part in (accept_language or "").split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in LOCALES:
            return language
    return preferred if preferred in LOCALES else "en"


def _fill(text: str, params: dict[str, str | int | float]) -> str:
    for name, value in params.items():
        text = text.replace("{" + name + "}", str(value))
    return text
