"""What an agent may do: one table, everything else is refused."""

from __future__ import annotations

from enum import Enum, auto

from sbs_server.gateway.errors import GatewayError, MalformedError, MethodRefusedError, RefusedError
from sbs_server.gateway.layout import Kind, Target

READING = frozenset({"GET", "HEAD"})


class Act(Enum):
    """An allowed operation."""

    READ_OBJECT = auto()
    LIST_FOLDER = auto()
    ADD_OBJECT = auto()
    ADD_LOCK = auto()
    REMOVE_OWN_LOCK = auto()


_OBJECT_RULES: dict[tuple[str, Kind], Act] = {
    **{(method, kind): Act.READ_OBJECT for method in READING for kind in Kind},
    ("POST", Kind.DATA): Act.ADD_OBJECT,
    ("POST", Kind.INDEX): Act.ADD_OBJECT,
    ("POST", Kind.SNAPSHOTS): Act.ADD_OBJECT,
    ("POST", Kind.LOCKS): Act.ADD_LOCK,
    ("DELETE", Kind.LOCKS): Act.REMOVE_OWN_LOCK,
}

# What a restore needs, in a repository that is another agent's.
_TO_RESTORE = frozenset({Act.READ_OBJECT, Act.LIST_FOLDER, Act.ADD_LOCK, Act.REMOVE_OWN_LOCK})

_WHY_NOT = {
    ("POST", Kind.CONFIG): "config is written once, by the control plane, when it initialises the repository",
    ("POST", Kind.KEYS): "keys are added by the control plane only",
}


def decide(method: str, target: Target, query: bytes, *, own: bool) -> Act:
    """The operation a request asks for. `own`: the repository is the agent's; else it only restores from it.

    Raises:
        RefusedError: understood, and not allowed to agents; MethodRefusedError: no operation of the protocol;
        MalformedError: parameters the protocol does not have.
    """
    act = _decide(method, target, query)
    if not own and act not in _TO_RESTORE:
        raise RefusedError("this agent may only restore from this repository: it belongs to another one")
    return act


def _decide(method: str, target: Target, query: bytes) -> Act:
    if method not in {"GET", "HEAD", "POST", "DELETE"}:
        raise MethodRefusedError(
            f"{method} is no operation of restic's REST protocol",
            headers=((b"allow", b"GET, HEAD, POST, DELETE"),),
        )
    if target.kind is None:
        raise _for_repository(method)
    if query:
        raise MalformedError("objects and folders have no query parameters")
    if target.kind is not Kind.CONFIG and target.name is None:
        return _for_folder(method, target.kind)
    act = _OBJECT_RULES.get((method, target.kind))
    if act is None:
        raise RefusedError(_WHY_NOT.get((method, target.kind), _no_removal(target.kind)))
    return act


def _for_folder(method: str, kind: Kind) -> Act:
    if method in READING:
        return Act.LIST_FOLDER
    raise RefusedError(f"{method} on the folder {kind} is not allowed: only single objects can be added")


def _for_repository(method: str) -> GatewayError:
    if method == "POST":
        return RefusedError(
            "repositories are initialised by the control plane only, not by agents (POST ?create=true)"
        )
    if method == "DELETE":
        return RefusedError("a repository can't be deleted by an agent")
    return MalformedError(
        "the repository itself can't be read: name config or a folder, for example snapshots/"
    )


def _no_removal(kind: Kind) -> str:
    return (
        f"an agent must not remove anything from {kind}: it may only remove locks it made itself; "
        "forget and prune are done by the control plane"
    )
