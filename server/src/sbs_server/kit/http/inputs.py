"""What request bodies are made of: unknown fields are refused, texts are bounded and hold no control characters."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
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
