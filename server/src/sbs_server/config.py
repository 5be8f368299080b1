"""The settings of every server process: read once, in the entry point, and handed on from there.

Sources, strongest first: environment (`SBS_` prefix, `__` between levels), `<data directory>/sbs.env`
(written by the supervisor: addresses and paths, never secrets), defaults derived from the data directory.
Secrets are never settings: a setting names the *file* that holds one, and the file is read when it is needed.

Errors: `ConfigurationError` (one line per wrong value, naming the variable to change).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import URL

DatabaseRole = Literal["postgres", "sbs_owner", "sbs_app", "sbs_system", "sbs_migrator"]
Port = Annotated[int, Field(ge=0, le=65535)]

_ENV_PREFIX = "SBS_"
_NESTED = "__"
_ENV_FILE = "sbs.env"


class ConfigurationError(Exception):
    """A setting, or the file it names, can't be used; the message says which and what would be right."""


class _Group(BaseModel):
    """A group of settings; unknown keys are refused, because a misspelt key would otherwise be silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Group):
    """PostgreSQL. `password_dir` holds one file `pg_<role>` for each database role (mode 0600)."""

    host: str = "127.0.0.1"
    port: Port = 5432
    name: str = "sbs"
    password_dir: Path

    def password(self, role: DatabaseRole) -> str:
        """The password of `role`, read from its file now. Errors: ConfigurationError."""
        return read_secret(self.password_dir / f"pg_{role}")

    def url(self, role: DatabaseRole, *, name: str | None = None) -> URL:
        """An SQLAlchemy URL (driver asyncpg) for `role`; `name` replaces the database's name.

        `str()` of the result hides the password. Errors: ConfigurationError if the password can't be read.
        """
        return URL.create(
            "postgresql+asyncpg",
            username=role,
            password=self.password(role),
            host=self.host,
            port=self.port,
            database=name or self.name,
        )


class NatsSettings(_Group):
    """The bus. `cert_file`/`key_file` are the client certificate of this process (its role's own).

    `seeds_dir` holds the nkey seeds `issuer.nk`, `control.nk`, `callout.nk`, `sys.nk` (mode 0600).
    """

    url: str = "tls://127.0.0.1:4222"
    ca_file: Path
    cert_file: Path
    key_file: Path
    seeds_dir: Path

    def seed(self, name: Literal["issuer", "control", "callout", "sys"]) -> str:
        """The nkey seed `name` (text, starts with S), read now. Errors: ConfigurationError."""
        return read_secret(self.seeds_dir / f"{name}.nk")


class TemporalSettings(_Group):
    """The workflow server."""

    address: str = "127.0.0.1:7233"
    namespace: str = "default"
    task_queue: str = "sbs"


class ValkeySettings(_Group):
    """The cache: over a Unix socket where there is one (`socket`), else over TCP."""

    host: str = "127.0.0.1"
    port: Port = 6379
    socket: Path | None = None
    password_file: Path

    def password(self) -> str:
        """The password, read from its file now. Errors: ConfigurationError."""
        return read_secret(self.password_file)


class PkiSettings(_Group):
    """The local CA: root, agent CA, service CA, server certificate, service certificates."""

    dir: Path

    @property
    def root_certificate(self) -> Path:
        return self.dir / "root.crt"

    @property
    def trust_bundle(self) -> Path:
        """PEM bundle that agents get: every root that may be trusted now."""
        return self.dir / "trust.pem"

    @property
    def agent_ca_certificate(self) -> Path:
        return self.dir / "agent-ca.crt"

    @property
    def agent_ca_key(self) -> Path:
        return self.dir / "agent-ca.key"


class HttpSettings(_Group):
    """Where the roles listen, and the addresses under which the outside reaches them."""

    bind: str = "127.0.0.1"
    api_port: Port = 8080
    gateway_port: Port = 8081
    # Roles without an API of their own still answer /healthz and /readyz.
    bus_health_port: Port = 8082
    worker_health_port: Port = 8083
    ingress_secret_file: Path
    console_url: str = "https://localhost:8443"
    agent_url: str = "https://localhost:8444"
    nats_public_url: str = "tls://localhost:8445"

    def ingress_secret(self) -> str:
        """What Traefik sends as X-Sbs-Ingress, read from its file now. Errors: ConfigurationError."""
        return read_secret(self.ingress_secret_file)


class StorageSettings(_Group):
    """Folders below which tenants may place local repositories (declared by the platform operator)."""

    roots: list[Path]


class ConsoleSettings(_Group):
    """The web application that the API serves to browsers. `dir` is the output of its build; None: there is none."""

    dir: Path | None = None


class RunSettings(_Group):
    """Patience with agents. Both deadlines end a run as failed, with the reason."""

    # From an accepted command on: nothing at all was heard of it.
    silence_deadline_s: Annotated[int, Field(ge=30)] = 3600
    # Until an agent takes a command; a laptop may be away for two weeks.
    accept_deadline_s: Annotated[int, Field(ge=60)] = 14 * 86400


class HistorySettings(_Group):
    """For how many days rows are kept that nobody needs any more. The audit log is kept for ever."""

    # Runs that are over and made no snapshot that can still be restored.
    runs_days: Annotated[int, Field(ge=1, le=36500)] = 400
    # Files that such runs left out.
    warnings_days: Annotated[int, Field(ge=1, le=36500)] = 90
    # What agents were told to do, once it is done.
    commands_days: Annotated[int, Field(ge=1, le=36500)] = 30
    # Which of the agents' events were handled: one that comes a second time after that is handled again.
    messages_days: Annotated[int, Field(ge=7, le=36500)] = 30
    # Effects that have been carried out.
    outbox_days: Annotated[int, Field(ge=1, le=36500)] = 7


class Settings(BaseSettings):
    """Everything a server process needs to know; build it with `Settings.load()`."""

    model_config = SettingsConfigDict(
        env_prefix=_ENV_PREFIX,
        env_nested_delimiter=_NESTED,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    data_dir: Path
    database: DatabaseSettings
    nats: NatsSettings
    temporal: TemporalSettings = TemporalSettings()
    valkey: ValkeySettings
    pki: PkiSettings
    http: HttpSettings
    storage: StorageSettings
    runs: RunSettings = RunSettings()
    history: HistorySettings = HistorySettings()
    console: ConsoleSettings = ConsoleSettings()
    kek_file: Path
    restic_binary: Path | None = Field(
        default=None, validation_alias=AliasChoices("SBS_RESTIC_BINARY", "SBS_RESTIC", "restic_binary")
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # What the embedded mode listens on; 0 chooses a free port once and keeps it.
    listen: str = "127.0.0.1"
    port_console: Port = 8443
    port_agents: Port = 8444
    port_nats: Port = 8445
    # What people and agents use instead where something in front forwards ports (port_console, …) to us.
    public_port_console: Port | None = None
    public_port_agents: Port | None = None
    public_port_nats: Port | None = None
    # Further names of the server certificate, comma separated: the installation's own domain.
    public_domain: str = ""

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    @property
    def public_names(self) -> list[str]:
        """The names of `public_domain`, without blanks and empty parts."""
        return [name.strip() for name in self.public_domain.split(",") if name.strip()]

    @classmethod
    def load(cls, data_dir: Path | None = None, *, role: str | None = None) -> Settings:
        """Read the settings.

        `data_dir` wins over SBS_DATA_DIR, which wins over the default of `default_data_dir()`.
        `role` (api, bus, worker, gateway) chooses the NATS client certificate; default SBS_ROLE, else `api`.
        Errors: ConfigurationError.
        """
        directory = _absolute(data_dir or Path(os.environ.get("SBS_DATA_DIR") or default_data_dir()))
        values: dict[str, Any] = {"data_dir": directory}
        if role is not None:
            values["nats"] = _service_certificate(directory, role)
        try:
            return cls(**values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error, directory)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of the sources, strongest first; pydantic's own dotenv and secret folder are not used."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _EnvFile(settings_cls), _DataDirectory(settings_cls)

    def __repr__(self) -> str:
        """Short, and free of anything worth hiding even if a password ends up in a URL by mistake."""
        return f"Settings(data_dir={str(self.data_dir)!r})"

    __str__ = __repr__


class _EnvFile(DotEnvSettingsSource):
    """`<data_dir>/sbs.env`; where it lies is known only once the stronger sources have been read."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_file=None)

    def __call__(self) -> dict[str, Any]:
        directory = self.current_state.get("data_dir")
        if directory is None:
            return {}
        self.env_vars = self._read_env_file(Path(directory) / _ENV_FILE)
        return super().__call__()

    def _read_env_file(self, file_path: Path) -> Mapping[str, str | None]:
        try:
            return super()._read_env_file(file_path) if file_path.exists() else {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file_path}: can't be read: {error}") from error


class _DataDirectory(PydanticBaseSettingsSource):
    """Paths that follow from the data directory: the layout of the data directory, in one place."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        state = self.current_state.get("data_dir")
        if state is None:
            return {}
        root = Path(state)
        secrets = root / "secrets"
        return {
            "database": {"password_dir": secrets},
            "nats": {
                **_service_certificate(root, os.environ.get("SBS_ROLE") or "api"),
                "ca_file": root / "pki" / "root.crt",
                "seeds_dir": secrets / "nats",
            },
            "valkey": {"password_file": secrets / "valkey"},
            "pki": {"dir": root / "pki"},
            "http": {"ingress_secret_file": secrets / "ingress"},
            "storage": {"roots": [root / "storage"]},
            "kek_file": secrets / "kek",
        }


def default_data_dir() -> Path:
    """/var/lib/sbs for root, else `sbs` in the XDG state directory of the user."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/sbs")
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path is invalid and has to be ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "sbs"


def read_secret(path: Path) -> str:
    """The text in a secret's file, without surrounding white space. Errors: ConfigurationError."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigurationError(f"secret file {path}: {reason}; `sbs up` creates it") from error
    if not text:
        raise ConfigurationError(f"secret file {path} is empty; remove it and run `sbs up` to create it anew")
    return text


def _service_certificate(root: Path, role: str) -> dict[str, Path]:
    services = root / "pki" / "services"
    return {"cert_file": services / f"{role}.crt", "key_file": services / f"{role}.key"}


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


def _explain(error: ValidationError, directory: Path) -> str:
    """One line per wrong value; the value itself is left out, it might be a secret in the wrong place."""
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        variable = _ENV_PREFIX + _NESTED.join(str(part) for part in item["loc"]).upper()
        lines.append(f"{variable}: {item['msg']} (set in the environment or in {directory / _ENV_FILE})")
    return "\n".join(lines)
