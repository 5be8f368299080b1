"""Where settings come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sbs_server.config import ConfigurationError, Settings, default_data_dir
from sbs_server.embedded.environment import managed_values
from sbs_server.embedded.ports import INTERNAL, PUBLIC


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SBS_"):
            monkeypatch.delenv(name)


def test_paths_follow_from_the_data_directory(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path, role="bus")
    assert settings.nats.cert_file == tmp_path / "pki" / "services" / "bus.crt"
    assert settings.storage.roots == [tmp_path / "storage"]
    assert settings.kek_file == tmp_path / "secrets" / "kek"


def test_the_environment_wins_over_sbs_env_key_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sbs.env").write_text("SBS_DATABASE__PORT=5555\nSBS_DATABASE__NAME=one\n")
    monkeypatch.setenv("SBS_DATABASE__NAME", "two")
    database = Settings.load(tmp_path).database
    assert (database.port, database.name, database.password_dir) == (5555, "two", tmp_path / "secrets")


def test_the_outside_is_told_the_ports_that_something_in_front_forwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = dict.fromkeys((*INTERNAL, *PUBLIC), 1) | {"console": 8443, "agents": 8444, "nats_public": 8445}
    monkeypatch.setenv("SBS_PUBLIC_PORT_AGENTS", "443")
    told = managed_values(Settings.load(tmp_path), ports)
    assert told["SBS_HTTP__AGENT_URL"] == "https://localhost:443"
    assert told["SBS_HTTP__NATS_PUBLIC_URL"] == "tls://localhost:8445"
    assert (told["SBS_HTTP__CONSOLE_URL"], told["SBS_PORT_AGENTS"]) == ("https://localhost:8443", "8444")


def test_the_data_directory_comes_from_the_call_then_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBS_DATA_DIR", str(tmp_path / "environment"))
    assert Settings.load(tmp_path / "call").data_dir == tmp_path / "call"
    assert Settings.load().data_dir == tmp_path / "environment"


def test_the_default_data_directory_of_a_user_is_the_xdg_state_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_data_dir() == Path("/state/sbs")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_data_dir() == Path("/home/somebody/.local/state/sbs")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/sbs")


def test_a_wrong_value_names_its_variable_and_not_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBS_HTTP__API_PORT", "letmein")
    with pytest.raises(ConfigurationError, match="SBS_HTTP__API_PORT") as caught:
        Settings.load(tmp_path)
    assert "letmein" not in str(caught.value)


def test_an_operator_declares_storage_roots_and_patience(tmp_path: Path) -> None:
    (tmp_path / "sbs.env").write_text(
        'SBS_STORAGE__ROOTS=["/srv/a", "/srv/b"]\nSBS_RUNS__SILENCE_DEADLINE_S=600\n'
    )
    settings = Settings.load(tmp_path)
    assert settings.storage.roots == [Path("/srv/a"), Path("/srv/b")]
    assert (settings.runs.silence_deadline_s, settings.runs.accept_deadline_s) == (600, 14 * 86400)


def test_a_missing_secret_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pg_sbs_app"):
        Settings.load(tmp_path).database.url("sbs_app")


def test_neither_settings_nor_urls_show_a_password(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pg_sbs_app").write_text("hunter2\n")
    settings = Settings.load(tmp_path)
    url = settings.database.url("sbs_app")
    assert url.password == "hunter2"
    assert "hunter2" not in f"{settings!r}{settings}{url}{url!r}{settings.model_dump_json()}"
