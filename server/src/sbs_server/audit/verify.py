"""Whether a chain of the audit log is whole. No database here: rows in, the first fault out.

An entry's hash is the SHA-256 of the hash before it (64 hex digits) and `canonical`, so that a text that was changed,
an entry that is gone and two that changed places show. The columns people read are compared with the text, and the
end of the chain with what `audit_chain` says of it, so that entries cut off at the end show as well.

What it can't show: a chain that somebody with a superuser's rights made anew from some entry on, with all hashes
after it and the end. Keep the end of each chain (`sbs audit verify --json`) outside of the database for that.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sbs_server.models import AuditChain, AuditEntry

FIRST_HASH = "0" * 64
"""What the first entry of a chain follows."""
_COLUMNS = (
    "chain",
    "sequence",
    "at",
    "actor_kind",
    "actor_id",
    "source_address",
    "action",
    "target_kind",
    "target_id",
    "result",
    "details",
)


class Problem(StrEnum):
    MISSING = "missing"  # one or more entries are not there
    REPEATED = "repeated"  # a number that was there before
    LINK = "link"  # does not follow the entry before it
    HASH = "hash"  # the text is not the one that was hashed
    TEXT = "text"  # the text is none of ours
    COLUMNS = "columns"  # a column says something else than the text
    END = "end"  # the chain should end elsewhere


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong, at which entry, in words."""

    sequence: int
    problem: Problem
    explanation: str


class ChainCheck:
    """Goes along one chain, entry by entry in the order of their numbers."""

    def __init__(self, chain: UUID) -> None:
        self._chain = chain
        self.sequence = 0
        self.hash = FIRST_HASH

    def add(self, entry: AuditEntry) -> Fault | None:
        """The next entry. After a fault the check has done its work."""
        fault = self._place(entry) or _content(self._chain, entry)
        if fault is None:
            self.sequence, self.hash = entry.sequence, entry.hash
        return fault

    def end(self, head: AuditChain | None) -> Fault | None:
        """All entries have been added; `head` is the chain's row of `audit_chain`."""
        if head is None:
            if self.sequence == 0:
                return None
            return Fault(self.sequence, Problem.END, "the chain's end is not written down any more")
        if head.sequence > self.sequence:
            lost = _span(self.sequence + 1, head.sequence)
            return Fault(
                self.sequence + 1, Problem.MISSING, f"{lost} missing; the chain ends with {head.sequence}"
            )
        if (head.sequence, head.hash) != (self.sequence, self.hash):
            return Fault(self.sequence, Problem.END, f"the chain should end with entry {head.sequence}")
        return None

    def _place(self, entry: AuditEntry) -> Fault | None:
        wanted, found = self.sequence + 1, entry.sequence
        if found > wanted:
            return Fault(wanted, Problem.MISSING, f"{_span(wanted, found - 1)} missing")
        if found < wanted:
            return Fault(found, Problem.REPEATED, f"entry {found} comes after entry {self.sequence}")
        if entry.previous_hash != self.hash:
            before = "the first entry follows nothing" if found == 1 else f"does not follow entry {found - 1}"
            return Fault(found, Problem.LINK, f"entry {found}: {before}: its previous hash is another")
        return None


def hash_of(previous_hash: str, canonical: str) -> str:
    """The hash of an entry, in hex."""
    return hashlib.sha256(f"{previous_hash}{canonical}".encode()).hexdigest()


def _content(chain: UUID, entry: AuditEntry) -> Fault | None:
    number = entry.sequence
    if hash_of(entry.previous_hash, entry.canonical) != entry.hash:
        return Fault(number, Problem.HASH, f"entry {number}: text and hash do not belong together")
    try:
        said = json.loads(entry.canonical)
    except ValueError:
        said = None
    if not isinstance(said, dict) or set(said) != set(_COLUMNS):
        return Fault(number, Problem.TEXT, f"entry {number}: its text is not that of an act")
    wrong = [name for name in _COLUMNS if _json(said[name]) != _json(_as_text(getattr(entry, name)))]
    if entry.chain != chain and "chain" not in wrong:
        wrong.append("chain")
    if wrong:
        named = ", ".join(wrong)
        return Fault(number, Problem.COLUMNS, f"entry {number}: not what was recorded: {named}")
    return None


def _json(value: object) -> str:
    """Comparable: Python would take 1, 1.0 and True for the same."""
    return json.dumps(value, sort_keys=True)


def _as_text(value: object) -> object:
    """A column as the text has it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    return str(value) if isinstance(value, UUID) else value


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
