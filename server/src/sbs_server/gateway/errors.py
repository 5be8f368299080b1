"""Everything the gateway refuses or can't do, with the HTTP status that says so.

GatewayError
├── MalformedError           400  the request is not one of restic's REST protocol, or its content is wrong
├── UnauthenticatedError     401  no usable agent certificate, or a revoked one
├── RefusedError             403  understood, and not allowed to this agent
├── MissingError             404  no such object
├── MethodRefusedError       405  no such operation
├── StalledError             408  a transfer without progress
├── LengthRequiredError      411  an upload without Content-Length
├── TooLargeError            413  an upload beyond the limit
├── RangeUnsatisfiableError  416  a range outside the object
├── StorageTroubleError      500  the file system answered with an error
├── UnavailableError         503  the storage or the authorization can't be asked now; try again
└── StorageFullError         507  no room for the object

ClientGoneError (exchange) and StateInUseError (state) stand apart: nobody is there to get a status.

restic 0.18 gives up at once on 401, 403, 404 and 416; everything else it tries again for 15 minutes.
Hence: what can't get better by itself is one of those four, what can is none of them.
"""

from __future__ import annotations

Header = tuple[bytes, bytes]
CLOSE_CONNECTION: Header = (b"connection", b"close")


class GatewayError(Exception):
    """Base of all; `status` is the HTTP status, `code` a stable word for logs and counters."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.headers = headers


class MalformedError(GatewayError):
    status = 400
    code = "malformed"


class UnauthenticatedError(GatewayError):
    status = 401
    code = "unauthenticated"


class RefusedError(GatewayError):
    status = 403
    code = "refused"


class MissingError(GatewayError):
    status = 404
    code = "missing"


class MethodRefusedError(GatewayError):
    status = 405
    code = "method_refused"


class StalledError(GatewayError):
    status = 408
    code = "stalled"


class LengthRequiredError(GatewayError):
    status = 411
    code = "length_required"


class TooLargeError(GatewayError):
    status = 413
    code = "too_large"


class RangeUnsatisfiableError(GatewayError):
    status = 416
    code = "range_unsatisfiable"


class StorageTroubleError(GatewayError):
    status = 500
    code = "storage_trouble"


class UnavailableError(GatewayError):
    status = 503
    code = "unavailable"


class StorageFullError(GatewayError):
    status = 507
    code = "storage_full"
