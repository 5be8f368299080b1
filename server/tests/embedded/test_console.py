"""Where the embedded mode finds the console's build."""

from pathlib import Path

import pytest

from sbs_server.config import ConsoleSettings, Settings
from sbs_server.embedded import console
from sbs_server.roles.welcome import console_address, welcome


def test_an_operators_own_choice_is_left_alone(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path).model_copy(update={"console": ConsoleSettings(dir=tmp_path)})
    assert console.environment(settings) == {}


def test_in_a_checkout_it_is_where_the_build_puts_it(tmp_path: Path) -> None:
    (found,) = console.environment(Settings.load(tmp_path)).values()
    assert Path(found) == Path(__file__).parents[3] / "web" / "apps" / "admin" / "dist"


def test_an_installation_has_it_beside_its_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    (tmp_path / "share" / "sbs" / "console").mkdir(parents=True)
    assert console.environment(Settings.load(tmp_path)) == {
        "SBS_CONSOLE__DIR": str(tmp_path / "share" / "sbs" / "console")
    }


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://localhost:8443", "https://console.localhost:8443"),
        ("https://backup.example.org:8443", "https://backup.example.org:8443"),
    ],
)
def test_people_are_told_the_name_that_is_the_consoles_own(tmp_path: Path, url: str, address: str) -> None:
    settings = Settings.load(tmp_path)
    http = settings.http.model_copy(update={"console_url": url})
    assert console_address(settings.model_copy(update={"http": http})) == address


def test_who_may_not_read_the_secrets_is_told_the_address_all_the_same(tmp_path: Path) -> None:
    told = welcome(tmp_path)  # no secrets are here, as none are to be read in another account's folder
    assert told.startswith("Console: https://")
    assert "create-admin" not in told
