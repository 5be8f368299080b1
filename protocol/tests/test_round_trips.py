"""What is written on the wire is what is read from it, and what is not understood does no harm."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from sbs_protocol.commands import (
    BackupRun,
    Command,
    CommandCancel,
    ConflictPolicy,
    RestoreRun,
    command_adapter,
)
from sbs_protocol.enrolment import EnrolmentToken, TokenMalformedError
from sbs_protocol.events import (
    WARNINGS_PER_EVENT,
    CommandFinished,
    CommandResult,
    CommandWarnings,
    ErrorCode,
    Event,
    FileWarning,
    Heartbeat,
    Problem,
    event_adapter,
    message_id,
)
from sbs_protocol.identifiers import (
    agent_uri,
    command_consumer,
    command_id,
    command_subject,
    event_subject,
    parse_agent_uri,
    parse_hex_id,
    run_of_command,
)
from sbs_protocol.paths import WirePath, exact

_TIMES = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
_PATHS = st.binary(max_size=60).filter(lambda path: b"\0" not in path)
_STEPS = st.from_regex(r"\A[a-z][a-z0-9_-]{0,31}\Z")
_TEXTS = st.text(max_size=20)

_ANY_PATHS = _TEXTS | _PATHS.map(WirePath.from_bytes)

_BACKUPS = st.builds(
    BackupRun, sources=st.lists(_ANY_PATHS, min_size=1, max_size=3), includes=st.lists(_TEXTS, max_size=2)
)
_RESTORES = st.builds(
    RestoreRun,
    selection=st.lists(_PATHS.map(WirePath.from_bytes), max_size=3),
    policy=st.sampled_from(ConflictPolicy),
    target_folder=_ANY_PATHS,
)
_COMMANDS = st.builds(
    Command,
    attempt=st.integers(1, 1000),
    issued_at=_TIMES,
    body=st.one_of(_BACKUPS, _RESTORES, st.builds(CommandCancel)),
)
_PROBLEMS = st.builds(
    Problem, code=st.sampled_from(ErrorCode), paths=st.lists(_PATHS.map(WirePath.from_bytes), max_size=3)
)
_OUTCOMES = st.builds(
    CommandFinished,
    result=st.sampled_from(CommandResult),
    problem=st.none() | _PROBLEMS,
    started_at=st.none() | _TIMES,
    finished_at=_TIMES,
    backup=st.none(),
    restore=st.none(),
)
_EVENTS = st.builds(Event, at=_TIMES, body=_OUTCOMES)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_token_survives_being_written_down(secret: bytes, root: bytes) -> None:
    token = EnrolmentToken(secret, root)
    assert EnrolmentToken.parse(token.text()) == token
    assert EnrolmentToken.parse(f"  {token.text()}\n") == token
    assert "." not in token.text().split(".", 1)[1].replace(".", "", 1)


@given(st.text(max_size=120))
def test_what_is_no_token_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(TokenMalformedError) as caught:
        EnrolmentToken.parse(text)
    assert str(caught.value) == str(TokenMalformedError())


@given(st.binary(min_size=32, max_size=32), st.integers(0, 94), st.characters(codec="ascii"))
def test_a_token_with_one_wrong_character_is_another_token_or_none(
    secret: bytes, at: int, wrong: str
) -> None:
    text = EnrolmentToken(secret, b"r" * 32).text()
    changed = text[:at] + wrong + text[at + 1 :]
    if changed.strip() == text:
        return
    with suppress(TokenMalformedError):
        assert EnrolmentToken.parse(changed) != EnrolmentToken.parse(text)


@pytest.mark.parametrize("other", ["B", "C", "D"])
def test_a_token_has_one_spelling(other: str) -> None:
    text = EnrolmentToken(bytes(32), bytes(32)).text()
    with pytest.raises(TokenMalformedError):
        EnrolmentToken.parse(text[:-1] + other)


def test_a_token_does_not_show_its_secret() -> None:
    token = EnrolmentToken.new(b"r" * 32)
    assert token.secret.hex() not in repr(token)
    assert repr(token.secret) not in repr(token)


@given(_PATHS)
def test_a_path_of_any_bytes_survives_the_wire(path: bytes) -> None:
    wire = WirePath.model_validate_json(WirePath.from_bytes(path).model_dump_json())
    assert wire.to_bytes() == path
    assert WirePath.from_fs(os.fsdecode(path)) == wire


@given(_PATHS)
def test_a_path_is_the_same_as_text_and_as_bytes(path: bytes) -> None:
    assert exact(WirePath.from_bytes(path)) == path
    with suppress(UnicodeDecodeError):
        assert exact(path.decode("utf-8")) == path


@given(_PATHS)
def test_a_message_may_quote_any_name(path: bytes) -> None:
    text = f"no room for {os.fsdecode(path)}"
    shown = "".join("\ufffd" if "\udc80" <= character <= "\udcff" else character for character in text)
    for sent in (
        Problem(code=ErrorCode.INTERNAL, message=text, retryable=False),
        FileWarning(path=WirePath.from_bytes(path), code="other", message=text),
    ):
        assert type(sent).model_validate_json(sent.model_dump_json()).message == shown


@given(_PATHS)
def test_raw_travels_only_where_the_text_loses_something(path: bytes) -> None:
    wire = WirePath.from_bytes(path)
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        assert wire.raw is not None
        assert "�" in wire.text
    else:
        assert wire.raw is None


@given(st.binary(max_size=30))
def test_the_text_of_a_path_never_holds_what_a_database_refuses(path: bytes) -> None:
    assert "\x00" not in WirePath.from_bytes(path).text


def test_raw_that_is_no_base64_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"base64|padding"):
        WirePath(text="x", raw="%%%").to_bytes()


@given(st.uuids())
def test_an_id_survives_the_subject(value: UUID) -> None:
    assert parse_hex_id(value.hex) == value


@given(st.text(max_size=40))
def test_only_32_lower_case_digits_are_an_id(text: str) -> None:
    fits = len(text) == 32 and all(c in "0123456789abcdef" for c in text)
    if fits:
        assert parse_hex_id(text).hex == text
    else:
        with pytest.raises(ValueError, match="32 lower-case"):
            parse_hex_id(text)


@given(st.uuids(), _STEPS, st.uuids())
def test_a_command_id_tells_its_run(run: UUID, step: str, target: UUID) -> None:
    text = command_id(run, step, target)
    assert run_of_command(text) == run
    assert text.split(".") == [run.hex, step, target.hex]


@given(st.text(max_size=60))
def test_a_step_that_would_break_the_id_is_refused(step: str) -> None:
    try:
        text = command_id(UUID(int=1), step, UUID(int=2))
    except ValueError:
        return
    assert text.count(".") == 2
    assert run_of_command(text) == UUID(int=1)


@pytest.mark.parametrize(
    "text", ["", "a.b.c", f"{UUID(int=1)}.x.{UUID(int=2)}", f"{UUID(int=1).hex}.x.{UUID(int=2).hex}\n"]
)
def test_what_is_no_command_id_has_no_run(text: str) -> None:
    with pytest.raises(ValueError, match="<run>"):
        run_of_command(text)


@given(st.uuids(), st.uuids())
def test_the_name_in_a_certificate_tells_organization_and_agent(organization: UUID, agent: UUID) -> None:
    assert parse_agent_uri(agent_uri(organization, agent)) == (organization, agent)


@pytest.mark.parametrize(
    "uri", ["", "spiffe://sbs/org/x/agent/y", "spiffe://other/org/" + "0" * 32 + "/agent/" + "0" * 32]
)
def test_other_names_are_nobody(uri: str) -> None:
    with pytest.raises(ValueError, match="not an agent"):
        parse_agent_uri(uri)


@given(st.uuids())
def test_subjects_and_consumers_are_what_nats_allows(agent: UUID) -> None:
    assert command_subject(agent).split(".") == ["cmd", agent.hex]
    assert "." not in command_consumer(agent)
    assert event_subject(agent, "command.finished").split(".")[:2] == ["evt", agent.hex]


@given(_COMMANDS)
def test_a_command_survives_the_wire(command: Command) -> None:
    assert command_adapter.validate_json(command_adapter.dump_json(command)) == command


@given(_EVENTS)
def test_an_event_survives_the_wire(event: Event) -> None:
    again = event_adapter.validate_json(event_adapter.dump_json(event))
    assert again == event
    assert message_id(again) == message_id(event)


@given(_COMMANDS)
def test_fields_of_a_newer_peer_are_ignored_at_every_depth(command: Command) -> None:
    document = json.loads(command_adapter.dump_json(command))
    assert command_adapter.validate_python(_with_more(document)) == command


@given(_EVENTS)
def test_fields_of_a_newer_agent_are_ignored_at_every_depth(event: Event) -> None:
    document = json.loads(event_adapter.dump_json(event))
    assert event_adapter.validate_python(_with_more(document)) == event


def _with_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: _with_more(inner) for key, inner in value.items()}, "from_the_future": {"x": 1}}
    return [_with_more(inner) for inner in value] if isinstance(value, list) else value


@given(st.text(max_size=20))
def test_a_kind_nobody_knows_is_an_error(kind: str) -> None:
    if kind in {"backup.run", "restore.run", "command.cancel"}:
        return
    document = {
        "protocol": 1,
        "command_id": "x",
        "attempt": 1,
        "issued_at": "2026-01-01T00:00:00Z",
        "body": {"kind": kind},
    }
    with pytest.raises(ValidationError):
        command_adapter.validate_python(document)


def test_an_attempt_counts_from_one() -> None:
    with pytest.raises(ValidationError):
        Command(
            protocol=1,
            command_id="x",
            attempt=0,
            issued_at=datetime.now(UTC),
            body=CommandCancel(target_command_id="y"),
        )


def test_a_warnings_event_has_its_limit() -> None:
    warning = FileWarning(path=WirePath(text="/a"), code="other", message="")
    with pytest.raises(ValidationError):
        CommandWarnings(
            command_id="x", attempt=1, first_index=0, warnings=[warning] * (WARNINGS_PER_EVENT + 1)
        )


@pytest.mark.parametrize("message", [Heartbeat(protocol=1, boot_id="b"), WirePath(text="x")])
def test_messages_do_not_change(message: BaseModel) -> None:
    with pytest.raises(ValidationError):
        message.protocol = 2  # type: ignore[attr-defined]  # that is the mistake
