"""Reading restic's lines."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_restic.cli import messages
from sbs_restic.cli.errors import UnexpectedOutputError
from sbs_restic.cli.messages import BACKUP, CHECK, LS, RESTORE, Text, parse_document, parse_line
from sbs_restic.cli.streams import Conversation, Lines

KINDS = st.sampled_from([BACKUP, RESTORE, CHECK, LS, messages.INIT, messages.VERSION, messages.NONE])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = sorted(
    {name for kinds in (BACKUP, RESTORE, CHECK, LS) for kind in kinds.values() for name in kind.model_fields}
)
TYPES = [
    "status",
    "error",
    "summary",
    "exit_error",
    "node",
    "snapshot",
    "initialized",
    "version",
    "verbose_status",
]
LIKE_A_MESSAGE = st.builds(
    lambda kind, fields: {"message_type": kind, **fields},
    st.sampled_from(TYPES) | JSON,
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
)


@given(st.binary(), KINDS)
def test_no_bytes_make_it_fail(line: bytes, kinds: messages.Kinds) -> None:
    parse_line(line, kinds)


@given(JSON | LIKE_A_MESSAGE, KINDS)
def test_no_json_makes_it_fail(document: object, kinds: messages.Kinds) -> None:
    parse_line(json.dumps(document).encode(), kinds)


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b'{"message_type":"\\ud800"}']
)
def test_malicious_json_is_text(line: bytes) -> None:
    assert isinstance(parse_line(line, BACKUP), Text | None)


def test_unknown_types_are_ignored_and_unknown_fields_too() -> None:
    assert parse_line(b'{"message_type":"news","x":1}', BACKUP) is None
    status = parse_line(b'{"message_type":"status","percent_done":0.5,"new_field":{}}', BACKUP)
    assert isinstance(status, messages.BackupStatus)
    assert status.percent_done == 0.5


def test_the_same_word_means_other_things_in_other_commands() -> None:
    line = b'{"message_type":"summary","total_files":2,"num_errors":1}'
    assert isinstance(parse_line(line, RESTORE), messages.RestoreSummary)
    assert isinstance(parse_line(line, CHECK), messages.CheckSummary)


def test_text_is_kept_without_control_characters() -> None:
    assert parse_line(b"\r\x1b[2Ksignal interrupt received, cleaning up ", BACKUP) == Text(
        text="signal interrupt received, cleaning up"
    )
    assert parse_line(b"\r\x1b[2K", BACKUP) is None
    assert parse_line(b"", BACKUP) is None


def test_an_unreadable_document_says_where() -> None:
    with pytest.raises(UnexpectedOutputError, match=r"restic snapshots .*0\.time"):
        parse_document(b'[{"id":"x","time":"never"}]', list[messages.Snapshot], "snapshots")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)), st.integers(1, 50))
def test_lines_are_the_same_however_they_are_cut(data: bytes, cuts: list[int], limit: int) -> None:
    """With `limit` below a line's length, its neighbours still arrive whole."""
    heard: list[bytes] = []

    async def hear(line: bytes) -> None:
        heard.append(line)

    async def feed() -> None:
        lines = Lines(hear, limit=limit)
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for start, end in pairwise(edges):
            await lines.feed(data[start:end])
        await lines.close()

    asyncio.run(feed())
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert len(heard) == len(expected)
    for got, line in zip(heard, expected, strict=True):
        if len(line) <= limit:
            assert got == line
        else:
            assert got.endswith(b"(cut: a line of %d bytes)" % len(line))


async def test_diagnostics_are_bounded() -> None:
    conversation = Conversation(BACKUP, None)
    for number in range(1000):
        await conversation.hear(b"odd line %d " % number + b"x" * 10_000)
    assert len(conversation.diagnostics) == 50
    assert conversation.diagnostics[-1].startswith("odd line 999")
    assert all(len(line) <= 2000 for line in conversation.diagnostics)
