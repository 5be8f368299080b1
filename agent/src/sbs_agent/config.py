"""Where the agent keeps its state, and who it is.

The state directory (mode 0700)::

    agent.json   ids and endpoints; written last, so that its existence means "enrolled"
    agent.pem    certificate chain and key in one file: one rename swaps both, restic takes it as it is
    previous.pem the one before a renewal, until the new one has connected
    roots.pem    what may be trusted
    pending/     key and request of an enrolment or renewal that is not finished
    journal.db   commands and events that must not be lost (SQLite)
    status.json  what `sbs-agent status` shows; only a picture, written by the running agent
    cache/       restic's cache
    lock         held by the running agent
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ValidationError

from sbs_agent.errors import NotEnrolledError, StateDamagedError, StateError
from sbs_agent.files import write_atomically
from sbs_agent.platform import platform
from sbs_protocol.enrolment import Endpoints

STATE_DIRECTORY_VARIABLE = "SBS_AGENT_STATE_DIR"
ENROL_TOKEN_VARIABLE = "SBS_ENROL_TOKEN"  # noqa: S105 - a variable's name


class Identity(BaseModel):
    """Content of agent.json."""

    organization_id: UUID
    agent_id: UUID
    server_url: str
    endpoints: Endpoints
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class StateDirectory:
    path: Path

    @classmethod
    def locate(cls, given: Path | None) -> "StateDirectory":
        """What `--state-dir` or SBS_AGENT_STATE_DIR says (typer reads both), else the system's usual place."""
        return cls((given or platform.state_directory()).absolute())

    @property
    def identity_file(self) -> Path:
        return self.path / "agent.json"

    @property
    def certificate_file(self) -> Path:
        return self.path / "agent.pem"

    @property
    def previous_certificate_file(self) -> Path:
        return self.path / "previous.pem"

    @property
    def roots_file(self) -> Path:
        return self.path / "roots.pem"

    @property
    def pending(self) -> Path:
        return self.path / "pending"

    @property
    def journal_file(self) -> Path:
        return self.path / "journal.db"

    @property
    def status_file(self) -> Path:
        return self.path / "status.json"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    def create(self) -> None:
        """Make the directory and what is below it, private to this account.

        Raises:
            StateError: it can't be made, or belongs to somebody else.
        """
        try:
            for folder in (self.path, self.pending, self.cache):
                platform.make_private_directory(folder)
        except OSError as error:
            raise StateError(
                f"the state directory {self.path} cannot be used: {error.strerror or error}",
                "run as the account that owns it, or give --state-dir",
            ) from error

    def is_enrolled(self) -> bool:
        return self._read(self.identity_file) is not None

    def identity(self) -> Identity:
        """Raises `NotEnrolledError`, `StateDamagedError`, or `StateError` if it may not be read."""
        text = self._read(self.identity_file)
        if text is None:
            raise NotEnrolledError(str(self.path))
        try:
            return Identity.model_validate_json(text)
        except ValidationError as error:
            raise StateDamagedError(
                f"{self.identity_file} is damaged ({error.error_count()} wrong fields)",
                "enrol again with --force",
            ) from error

    def read_certificate(self) -> bytes:
        """agent.pem. Raises `StateDamagedError` if it is not there or may not be read."""
        try:
            return self.certificate_file.read_bytes()
        except OSError as error:
            raise StateDamagedError(
                f"{self.certificate_file} cannot be read: {error.strerror}", "enrol again with --force"
            ) from error

    def save_identity(self, identity: Identity) -> None:
        write_atomically(self.identity_file, identity.model_dump_json(indent=2).encode())

    def _read(self, file: Path) -> str | None:
        try:
            return file.read_text("utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(
                f"{file} cannot be read: {error.strerror}",
                "run as the account the agent runs as (often root: use sudo)",
            ) from error
