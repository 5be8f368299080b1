"""Ids as they appear in NATS subjects, and the subjects themselves.

An id in a subject is 32 lower-case hex digits: it must be one subject token and a legal consumer name.
"""

import re
from uuid import UUID

COMMAND_STREAM = "CMD"
EVENT_STREAM = "EVT"

_COMMAND_ID = re.compile(r"^[0-9a-f]{32}\.[a-z][a-z0-9_-]{0,31}\.[0-9a-f]{32}$")


def parse_hex_id(text: str) -> UUID:
    """The id behind 32 lower-case hex digits.

    Raises:
        ValueError: the text has another form, upper case and hyphens included.
    """
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError("an id on the bus is 32 lower-case hex digits")
    return UUID(hex=text)


def command_id(run_id: UUID, step: str, target_id: UUID) -> str:
    """`<run>.<step>.<target>`: the same over all attempts at one piece of work.

    Raises:
        ValueError: the step is not a short lower-case word.
    """
    text = f"{run_id.hex}.{step}.{target_id.hex}"
    if not _COMMAND_ID.fullmatch(text):
        raise ValueError(f"{step!r} is no step name: lower-case letters, digits, - and _ only")
    return text


def run_of_command(command: str) -> UUID:
    """The run a command belongs to.

    Raises:
        ValueError: the text is not a command id.
    """
    if not _COMMAND_ID.fullmatch(command):
        raise ValueError("a command id has the form <run>.<step>.<target>")
    return UUID(hex=command.split(".", 1)[0])


def command_subject(agent_id: UUID) -> str:
    return f"cmd.{agent_id.hex}"


def command_consumer(agent_id: UUID) -> str:
    """The pull consumer the control plane makes for an agent; disposable."""
    return f"a_{agent_id.hex}"


def event_subject(agent_id: UUID, kind: str) -> str:
    return f"evt.{agent_id.hex}.{kind}"


def progress_subject(agent_id: UUID) -> str:
    return f"prg.{agent_id.hex}"


def heartbeat_subject(agent_id: UUID) -> str:
    return f"hb.{agent_id.hex}"


def inbox_prefix(agent_id: UUID) -> str:
    return f"_INBOX_{agent_id.hex}"


def agent_uri(organization_id: UUID, agent_id: UUID) -> str:
    """The subject alternative name (URI) of an agent's certificate."""
    return f"spiffe://sbs/org/{organization_id.hex}/agent/{agent_id.hex}"


def parse_agent_uri(uri: str) -> tuple[UUID, UUID]:
    """Organization and agent from a certificate's URI.

    Raises:
        ValueError: the URI names something else.
    """
    match = re.fullmatch(r"spiffe://sbs/org/([0-9a-f]{32})/agent/([0-9a-f]{32})", uri)
    if match is None:
        raise ValueError("not an agent's URI")
    return UUID(hex=match[1]), UUID(hex=match[2])
