"""What 0006 changes while others write, and what 0007 fills in, in a database that has rows from before 0005."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sbs_server.config import Settings
from sbs_server.kit.ids import new_id
from sbs_server.testing.bus import eventually
from sbs_server.testing.description import contents
from sbs_server.testing.rows import Filled, fill
from sbs_server.testing.services import PlatformServices
from sbs_server.testing.superuser import downgrade, engine_of, own_database, upgrade

_OLD_RUN = (
    "UPDATE run SET kind = 'backup', state = 'failed', error_code = 'no_space', finished_at = now(),"
    " dataset_id = :dataset WHERE id = :run",
    "UPDATE run_target SET state = 'failed' WHERE run_id = :run",
    "UPDATE command SET state = 'finished', ordered_at = now() - interval '2 hours',"
    " accepted_at = now() - interval '1 hour', attempt = 1 WHERE run_id = :run",
    "UPDATE run_attempt SET attempt = 1, finished_at = now(), ordered_at = NULL, accepted_at = NULL"
    " WHERE run_id = :run",
    "UPDATE dataset SET last_run_id = NULL, last_state = NULL WHERE id = :dataset",
)
# Asked for later: one that says nothing of how backups go, and one that is still open.
_NEWER_RUN = (
    "INSERT INTO run (id, organization_id, kind, state, trigger, agent_id, dataset_id)"
    " SELECT :newer, organization_id, 'backup', :state, 'manual',"
    " agent_id, dataset_id FROM run WHERE id = :run"
)


@pytest_asyncio.fixture
async def database(platform_services: PlatformServices) -> AsyncIterator[Settings]:
    """A database of the test's own, as 0005 left it."""
    async with own_database(platform_services.settings, "backfill") as settings:
        await upgrade(settings)
        await downgrade(settings, "0005")
        yield settings


async def _old_rows(settings: Settings) -> Filled:
    async with engine_of(settings) as engine, engine.begin() as connection:
        filled = await fill(connection)
        ids = {"run": filled.rows["run"]["id"], "dataset": filled.rows["dataset"]["id"]}
        for statement in _OLD_RUN:
            await connection.execute(text(statement), {k: v for k, v in ids.items() if f":{k}" in statement})
        for state in ("cancelled", "waiting"):
            values = {"run": ids["run"], "state": state, "newer": new_id()}
            await connection.execute(text(_NEWER_RUN), values)
    return filled


async def _rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    async with engine_of(settings) as engine, engine.connect() as connection:
        return await contents(connection)


async def test_old_rows_of_each_organization_are_filled_in_from_their_own(database: Settings) -> None:
    filled = [await _old_rows(database) for _ in range(2)]
    await upgrade(database)
    found = await _rows(database)
    for one in filled:
        owner = str(one.organization_id)
        (dataset,) = (row for row in found["dataset"] if row["organization_id"] == owner)
        run = next(row for row in found["run"] if row["id"] == str(one.rows["run"]["id"]))
        assert dataset["last_run_id"] == run["id"]
        assert (dataset["last_state"], dataset["last_error_code"]) == ("failed", "no_space")
        assert dataset["last_finished_at"] == run["finished_at"]
        (target,) = (row for row in found["run_target"] if row["organization_id"] == owner)
        assert target["recorded_at"] == target["updated_at"]
        (attempt,) = (row for row in found["run_attempt"] if row["organization_id"] == owner)
        (command,) = (row for row in found["command"] if row["organization_id"] == owner)
        assert (attempt["ordered_at"], attempt["accepted_at"]) == (
            command["ordered_at"],
            command["accepted_at"],
        )


async def test_what_is_known_already_is_left_as_it_is(database: Settings) -> None:
    await _old_rows(database)
    async with engine_of(database) as engine, engine.begin() as connection:
        known = (
            "UPDATE dataset SET last_run_id = gen_random_uuid(), last_state = 'succeeded'",
            "UPDATE run_target SET recorded_at = '2020-01-01'",
            "UPDATE run_attempt SET ordered_at = '2020-01-01'",
        )
        for statement in known:
            await connection.execute(text(statement))
    before = await _rows(database)
    await upgrade(database)
    assert await _rows(database) == before


async def test_down_and_up_again_changes_nothing_that_was_filled_in(database: Settings) -> None:
    await _old_rows(database)
    await upgrade(database)
    before = await _rows(database)
    await downgrade(database, "0005")
    assert await _rows(database) == before
    await upgrade(database)
    assert await _rows(database) == before


# Stands for a connection that breaks: the second organization's rows can't be written, then.
_BREAKS = (
    "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'broken off' USING ERRCODE = 'connection_failure'; END $$",
    "CREATE TRIGGER breaks BEFORE UPDATE ON dataset FOR EACH ROW WHEN (OLD.organization_id = '{later}')"
    " EXECUTE FUNCTION breaks()",
)
_WORKS_AGAIN = ("DROP TRIGGER breaks ON dataset", "DROP FUNCTION breaks()")


async def _execute(settings: Settings, *statements: str) -> None:
    async with engine_of(settings) as engine, engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_broken_off_it_keeps_what_it_has_done_and_goes_on_from_there(database: Settings) -> None:
    earlier, later = sorted([str((await _old_rows(database)).organization_id) for _ in range(2)])
    await _execute(database, *(statement.format(later=later) for statement in _BREAKS))

    async def filled_in() -> set[str]:
        return {
            row["organization_id"]
            for row in (await _rows(database))["dataset"]
            if row["last_run_id"] is not None
        }

    with pytest.raises(DBAPIError, match="broken off"):
        await upgrade(database)
    assert await filled_in() == {earlier}
    await _execute(database, *_WORKS_AGAIN)
    await upgrade(database)
    assert await filled_in() == {earlier, later}


async def test_runs_can_be_written_while_the_indexes_are_made(database: Settings) -> None:
    run = (await _old_rows(database)).rows["run"]["id"]
    waiting = text(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX%')"
    )
    touch = text("UPDATE run SET updated_at = now() WHERE id = :run")
    async with engine_of(database) as engine, engine.connect() as looking, engine.connect() as writer:
        await writer.execute(touch, {"run": run})
        migration = asyncio.create_task(upgrade(database))

        async def waits() -> bool:
            async with looking.begin():
                return bool(await looking.scalar(waiting))

        await eventually(waits, "the index waits for the transaction that was there before")
        async with engine.begin() as another:
            await another.execute(text("SET LOCAL lock_timeout = '30s'"))
            await another.execute(text("UPDATE run SET updated_at = now() WHERE id <> :run"), {"run": run})
        await writer.commit()
        await migration


async def test_what_is_left_of_an_index_that_was_broken_off_is_made_anew(database: Settings) -> None:
    await _execute(database, "CREATE INDEX ix_command_finished ON command (id)")
    await upgrade(database)
    async with engine_of(database) as engine, engine.connect() as connection:
        query = text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_command_finished'")
        assert "finished_at" in str(await connection.scalar(query))
