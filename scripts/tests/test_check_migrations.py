from pathlib import Path

from scripts.check_migrations import findings


def migration(revision: str, before: str | None, downgrade: str = "op.drop_table('a')") -> str:
    return (
        f"revision = {revision!r}\ndown_revision = {before!r}\n"
        f"def upgrade():\n    op.create_table('a')\ndef downgrade():\n    {downgrade}\n"
    )


def texts(*sources: str) -> list[str]:
    return [found.text for found in findings({Path(f"{n}.py"): text for n, text in enumerate(sources)})]


def test_a_chain_with_one_head_is_fine() -> None:
    assert texts(migration("1", None), migration("2", "1"), migration("3", "2")) == []


def test_two_heads_are_told() -> None:
    found = texts(migration("1", None), migration("2", "1"), migration("3", "1"))
    assert found == ["follows 1 like 1.py: put one after the other", "2 heads instead of one: ['2', '3']"]


def test_a_migration_that_can_not_be_undone_is_told() -> None:
    assert texts(migration("1", None, "pass")) == [
        "downgrade() does nothing: each migration goes up and down"
    ]
    assert texts(migration("1", None, '"""Nothing to do."""')) != []
