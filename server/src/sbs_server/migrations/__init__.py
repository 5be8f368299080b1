"""Alembic migrations. Run as `sbs_owner` by `sbs migrate`; see `docs/development.md` for how to write one."""
