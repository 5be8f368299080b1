"""What requests are made of: unknown fields are refused, texts are bounded and hold no control characters."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

LONGEST_NAME = 100
# Not seen, but they change how a text reads: overrides and isolates of the writing direction.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Input(BaseModel):
    """Base of every request body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def printable(text: str) -> str:
    """The text, unless it holds a control character. Raises PydanticCustomError (code `request.control`)."""
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in _FORBIDDEN or character in _DIRECTION:
            raise PydanticCustomError("request.control", "control character", {"place": place})
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(printable),
]
"""What people call a thing."""


def _findable(text: str) -> str:
    """Nothing in the database has a NUL, which PostgreSQL refuses even to look for."""
    place = text.find("\0") + 1
    if place:
        raise PydanticCustomError("request.control", "control character", {"place": place})
    return text


SearchText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_findable)]
"""A part of a name or path that is looked for; of paths also what can't be printed."""


def in_utc(moment: datetime) -> datetime:
    """The same moment. Raises PydanticCustomError: at both ends of the calendar some zones are beyond it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError(
            "field.time_out_of_range", "the time is outside the years 1 to 9999"
        ) from error


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
