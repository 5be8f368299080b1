"""The rule table, every cell of it."""

from uuid import UUID

import pytest

from sbs_server.gateway.access import Act, decide
from sbs_server.gateway.errors import GatewayError, MalformedError, MethodRefusedError, RefusedError
from sbs_server.gateway.layout import Kind, Target

NAME = "ab" * 32
REPOSITORY = UUID(int=1)
METHODS = ("GET", "HEAD", "POST", "DELETE")
ALLOWED = {
    **{(method, kind): Act.READ_OBJECT for method in ("GET", "HEAD") for kind in Kind},
    ("POST", Kind.DATA): Act.ADD_OBJECT,
    ("POST", Kind.INDEX): Act.ADD_OBJECT,
    ("POST", Kind.SNAPSHOTS): Act.ADD_OBJECT,
    ("POST", Kind.LOCKS): Act.ADD_LOCK,
    ("DELETE", Kind.LOCKS): Act.REMOVE_OWN_LOCK,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", Kind)
def test_an_object_allows_exactly_what_the_table_says(method: str, kind: Kind) -> None:
    target = Target(REPOSITORY, kind, None if kind is Kind.CONFIG else NAME)
    expected = ALLOWED.get((method, kind))
    if expected is None:
        with pytest.raises(RefusedError):
            decide(method, target, b"", own=True)
    else:
        assert decide(method, target, b"", own=True) is expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CONFIG])
def test_a_folder_can_be_listed_and_nothing_else(method: str, kind: Kind) -> None:
    target = Target(REPOSITORY, kind, None)
    if method in ("GET", "HEAD"):
        assert decide(method, target, b"", own=True) is Act.LIST_FOLDER
    else:
        with pytest.raises(RefusedError, match="single objects"):
            decide(method, target, b"", own=True)


@pytest.mark.parametrize(
    ("method", "query", "error"),
    [
        ("POST", b"create=true", RefusedError),
        ("POST", b"", RefusedError),
        ("DELETE", b"", RefusedError),
        ("GET", b"", MalformedError),
        ("PUT", b"", MethodRefusedError),
    ],
)
def test_the_repository_itself_is_the_control_planes(
    method: str, query: bytes, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        decide(method, Target(REPOSITORY, None, None), query, own=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", Kind)
def test_who_only_restores_reads_and_locks_and_nothing_else(method: str, kind: Kind) -> None:
    target = Target(REPOSITORY, kind, None if kind is Kind.CONFIG else NAME)
    expected = ALLOWED.get((method, kind))
    if expected in {None, Act.ADD_OBJECT}:
        with pytest.raises(RefusedError):
            decide(method, target, b"", own=False)
    else:
        assert decide(method, target, b"", own=False) is expected


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(MethodRefusedError):
        decide(method, Target(REPOSITORY, Kind.DATA, NAME), b"", own=True)


def test_parameters_are_refused() -> None:
    with pytest.raises(MalformedError):
        decide("GET", Target(REPOSITORY, Kind.DATA, NAME), b"create=true", own=True)
