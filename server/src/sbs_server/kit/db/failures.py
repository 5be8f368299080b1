"""Telling a database that is down from a statement that is wrong."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_UNREADABLE_CLASSES = {"22", "23"}  # data exception, integrity constraint violation
# Connection, transaction rollback (deadlock), resources, object in use, operator intervention, system error.
_PASSING_CLASSES = {"08", "40", "53", "55", "57", "58"}


def sqlstate(error: SQLAlchemyError) -> str:
    """PostgreSQL's five characters; empty where there are none."""
    origin = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(origin, "sqlstate", None) or "")


def is_passing(error: SQLAlchemyError) -> bool:
    """Whether the same statement may work later."""
    if isinstance(error, PoolTimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return True
    return sqlstate(error)[:2] in _PASSING_CLASSES


def is_wrong_data(error: SQLAlchemyError) -> bool:
    """Whether the values themselves can't be stored."""
    return sqlstate(error)[:2] in _UNREADABLE_CLASSES
