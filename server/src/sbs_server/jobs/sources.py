"""What a job may name: sources on POSIX and Windows machines, and masks."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from sbs_restic.cli.errors import InvalidPatternError
from sbs_restic.cli.patterns import check_masks
from sbs_server.kit.http.inputs import printable

LONGEST_SOURCE = 4096
LONGEST_MASK = 1024
# Characters of all exclude masks together: with an option's name before each of 256 they stay below what
# `sbs_restic.cli.invocation` puts on a command line, and leave room for the rest of it.
LONGEST_EXCLUDES = 20_000
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SHARE = re.compile(r"\\\\[^\\/]+[\\/][^\\/]+")
# Characters that Windows allows in no name; a colon only after the drive's letter.
_NOT_IN_WINDOWS = re.compile(r'[<>:"|?*]')


def absolute_path(text: str) -> str:
    """An absolute path of a POSIX or a Windows machine. Raises PydanticCustomError."""
    if text.startswith("/"):
        parts = text.split("/")
    elif _DRIVE.match(text) or _SHARE.match(text):
        parts = re.split(r"[\\/]", text)
        if _NOT_IN_WINDOWS.search(text[2:]):
            raise PydanticCustomError("job.path_not_windows", "not a path that Windows allows")
    else:
        raise PydanticCustomError("job.path_not_absolute", "not an absolute path")
    if ".." in parts or "." in parts:
        raise PydanticCustomError("job.path_not_plain", "holds . or ..")
    return text


def is_windows_path(text: str) -> bool:
    """Whether an absolute path is one of a Windows machine."""
    return not text.startswith("/")


def usable_mask(text: str) -> str:
    """A mask that restic understands. Raises PydanticCustomError."""
    try:
        check_masks([text])
    except InvalidPatternError as error:
        raise PydanticCustomError("job.mask_invalid", "{problem}", {"problem": str(error)}) from error
    return text


Source = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_SOURCE),
    AfterValidator(printable),
    AfterValidator(absolute_path),
]
Mask = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_MASK),
    AfterValidator(printable),
    AfterValidator(usable_mask),
]
