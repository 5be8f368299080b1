"""ETag and If-Match: an edit names the version it was made on."""

from typing import Annotated

from fastapi import Depends, Header

from sbs_server.kit.errors import PreconditionFailedError, PreconditionRequiredError


def etag(version: int) -> str:
    return f'"{version}"'


def if_match(if_match: Annotated[str | None, Header()] = None) -> str:
    if if_match is None:
        raise PreconditionRequiredError("request.if_match_required")
    return if_match


IfMatch = Annotated[str, Depends(if_match)]


def check_version(wanted: str, version: int) -> None:
    """Raises `PreconditionFailedError` when the object has changed since."""
    if wanted not in {"*", etag(version)}:
        raise PreconditionFailedError("request.changed_meanwhile")
