"""Alembic migrations. Run as `sbs_owner` by `sbs migrate`; see `docs/development.md` for how to write one."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path


def scripts() -> AbstractContextManager[Path]:
    """The folder of the migrations, for `kit.db.migrate`: a real one also where the package is an archive."""
    return as_file(files(__name__))
