"""The errors of the server.

    SbsError                      everything we raise on purpose; carries status, code and parameters
    ├── BadRequestError      400  the request can't be read (not JSON, a broken cursor)
    ├── UnauthenticatedError 401  nobody is signed in, or no longer
    ├── ForbiddenError       403  signed in, but not allowed in an organization one belongs to
    ├── NotFoundError        404  not there, or another organization's: nobody can tell which
    ├── MethodNotAllowedError 405
    ├── ConflictError        409  the state of things stands against it
    ├── PreconditionFailedError   412  changed since it was read (If-Match)
    ├── TooLargeError        413
    ├── UnsupportedMediaTypeError 415
    ├── MisdirectedError     421  the Host is none of ours
    ├── InvalidError         422  a field is wrong; says which
    ├── PreconditionRequiredError 428  If-Match is missing
    ├── TooManyRequestsError 429
    └── UnavailableError     503  a part of the platform can't be reached just now

No decision is taken on the text of a message. Texts come from the message catalogue by `code`, in the
reader's language (`sbs_server.kit.i18n`).
"""

from dataclasses import dataclass, field
from typing import ClassVar

Parameter = str | int | float


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that is wrong. `pointer` is a JSON pointer into the body, or `query:name`, `path:name`."""

    pointer: str
    code: str
    params: dict[str, Parameter] = field(default_factory=dict)


class SbsError(Exception):
    status: ClassVar[int] = 500

    def __init__(self, code: str, *fields: FieldProblem, **params: Parameter) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields
        self.params = params


class BadRequestError(SbsError):
    status = 400


class UnauthenticatedError(SbsError):
    status = 401


class ForbiddenError(SbsError):
    status = 403


class NotFoundError(SbsError):
    status = 404


class MethodNotAllowedError(SbsError):
    status = 405


class ConflictError(SbsError):
    status = 409


class PreconditionFailedError(SbsError):
    status = 412


class TooLargeError(SbsError):
    status = 413


class UnsupportedMediaTypeError(SbsError):
    status = 415


class MisdirectedError(SbsError):
    status = 421


class InvalidError(SbsError):
    status = 422


class PreconditionRequiredError(SbsError):
    status = 428


class TooManyRequestsError(SbsError):
    status = 429


class UnavailableError(SbsError):
    status = 503


def invalid(pointer: str, code: str, **params: Parameter) -> InvalidError:
    """One wrong field, as an error."""
    return InvalidError("request.invalid", FieldProblem(pointer, code, params))
