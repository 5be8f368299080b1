"""Faults in a chain, without a database."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sbs_server.audit.verify import FIRST_HASH, ChainCheck, Fault, Problem, hash_of
from sbs_server.kit.ids import new_id
from sbs_server.models import AuditChain, AuditEntry

CHAIN = new_id()
BEGAN = datetime(2026, 11, 22, 21, 15, 27, 616505, UTC)


def entry(sequence: int, previous_hash: str) -> AuditEntry:
    at = BEGAN + timedelta(seconds=sequence)
    columns: dict[str, Any] = {
        "actor_kind": "user",
        "actor_id": str(new_id()),
        "source_address": None,
        "action": "job.edited",
        "target_kind": "job",
        "target_id": "1",
        "result": "done",
        "details": {"before": {"keep": 1}, "after": {"имя": "café \u2028"}},
    }
    said = columns | {
        "chain": str(CHAIN),
        "sequence": sequence,
        "at": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
    }
    canonical = json.dumps(said, ensure_ascii=False)
    return AuditEntry(
        chain=CHAIN,
        sequence=sequence,
        at=at,
        canonical=canonical,
        previous_hash=previous_hash,
        hash=hash_of(previous_hash, canonical),
        **columns,
    )


def head_of(entries: list[AuditEntry]) -> AuditChain:
    return AuditChain(chain=CHAIN, sequence=entries[-1].sequence, hash=entries[-1].hash)


@pytest.fixture
def entries() -> list[AuditEntry]:
    made: list[AuditEntry] = []
    for sequence in range(1, 7):
        made.append(entry(sequence, made[-1].hash if made else FIRST_HASH))
    return made


def first_fault(entries: list[AuditEntry], head: AuditChain | None) -> Fault | None:
    """As `audit.repository.check` does it, on entries of its own."""
    check = ChainCheck(CHAIN)
    return next(filter(None, map(check.add, entries)), None) or check.end(head)


def found(entries: list[AuditEntry], head: AuditChain | None) -> tuple[int, Problem] | None:
    fault = first_fault(entries, head)
    return None if fault is None else (fault.sequence, fault.problem)


def test_whole_chain_has_no_fault(entries: list[AuditEntry]) -> None:
    assert found(entries, head_of(entries)) is None
    assert found([], None) is None


def remove(entries: list[AuditEntry]) -> None:
    del entries[2]


def remove_the_first(entries: list[AuditEntry]) -> None:
    del entries[0]


def remove_two(entries: list[AuditEntry]) -> None:
    del entries[2:4]


def remove_and_renumber(entries: list[AuditEntry]) -> None:
    del entries[2]
    for number, one in enumerate(entries, start=1):
        one.sequence = number


def remove_and_link(entries: list[AuditEntry]) -> None:
    remove_and_renumber(entries)
    entries[2].previous_hash = entries[1].hash


def swap(entries: list[AuditEntry]) -> None:
    entries[2].sequence, entries[3].sequence = entries[3].sequence, entries[2].sequence
    entries.sort(key=lambda one: one.sequence)


def repeat(entries: list[AuditEntry]) -> None:
    entries.insert(3, entries[2])


def cut_off(entries: list[AuditEntry]) -> None:
    del entries[4:]


def everything(entries: list[AuditEntry]) -> None:
    entries.clear()


def add(entries: list[AuditEntry]) -> None:
    entries.append(entry(7, entries[-1].hash))


def change_the_text(entries: list[AuditEntry]) -> None:
    entries[2].canonical = entries[2].canonical.replace("job.edited", "job.viewed")


def change_text_and_hash(entries: list[AuditEntry]) -> None:
    change_the_text(entries)
    entries[2].hash = hash_of(entries[2].previous_hash, entries[2].canonical)
    entries[2].action = "job.viewed"


def no_text_of_ours(entries: list[AuditEntry]) -> None:
    entries[2].canonical = "not an act"
    entries[2].hash = hash_of(entries[2].previous_hash, entries[2].canonical)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove, (3, Problem.MISSING)),
        (remove_the_first, (1, Problem.MISSING)),
        (remove_two, (3, Problem.MISSING)),
        (remove_and_renumber, (3, Problem.LINK)),
        (remove_and_link, (3, Problem.HASH)),
        (swap, (3, Problem.LINK)),
        (repeat, (3, Problem.REPEATED)),
        (cut_off, (5, Problem.MISSING)),
        (everything, (1, Problem.MISSING)),
        (add, (7, Problem.END)),
        (change_the_text, (3, Problem.HASH)),
        (change_text_and_hash, (4, Problem.LINK)),
        (no_text_of_ours, (3, Problem.TEXT)),
    ],
)
def test_damage_is_found_where_it_is(
    entries: list[AuditEntry], damage: Callable[[list[AuditEntry]], None], expected: tuple[int, Problem]
) -> None:
    head = head_of(entries)
    damage(entries)
    assert found(entries, head) == expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", BEGAN),
        ("actor_kind", "agent"),
        ("actor_id", None),
        ("source_address", "10.0.0.1"),
        ("action", "job.viewed"),
        ("target_kind", None),
        ("target_id", "2"),
        ("result", "denied"),
        ("details", {}),
        ("details", {"before": {"keep": True}, "after": {"имя": "café \u2028"}}),
        ("chain", new_id()),
    ],
)
def test_column_that_says_something_else_than_the_text_is_found(
    entries: list[AuditEntry], column: str, value: object
) -> None:
    head = head_of(entries)
    setattr(entries[2], column, value)
    fault = first_fault(entries, head)
    assert fault is not None
    assert (fault.sequence, fault.problem) == (3, Problem.COLUMNS)
    assert fault.explanation.endswith(f": {column}")


def test_end_that_is_not_written_down_or_says_another_hash_is_found(entries: list[AuditEntry]) -> None:
    assert found(entries, None) == (6, Problem.END)
    head = head_of(entries)
    head.hash = entries[0].hash
    assert found(entries, head) == (6, Problem.END)


def test_explanation_names_what_is_missing(entries: list[AuditEntry]) -> None:
    head = head_of(entries)
    fault = first_fault([*entries[:2], *entries[4:]], head)
    assert fault is not None
    assert fault.explanation == "entries 3 to 4 are missing"
    fault = first_fault(entries[:5], head)
    assert fault is not None
    assert fault.explanation == "entry 6 is missing; the chain ends with 6"
