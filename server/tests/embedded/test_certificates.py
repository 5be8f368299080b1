"""The CA on disk: made once, renewed in time, never half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sbs_server.embedded.certificates import SERVICES, ensure_certificates
from sbs_server.embedded.errors import DataDirectoryError
from sbs_server.kit.pki import load_certificates

NOW = datetime.now(UTC)


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    (tmp_path / "services").mkdir()
    return tmp_path


def names(path: Path) -> set[str]:
    leaf = load_certificates(path)[0]
    return {
        str(name.value) for name in leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    }


def test_the_first_start_makes_everything_and_the_second_nothing(pki: Path) -> None:
    made = ensure_certificates(pki, now=NOW)
    assert made == ["root", "agent-ca", "service-ca", "server", *(f"services/{role}" for role in SERVICES)]
    assert ensure_certificates(pki, now=NOW) == []
    assert names(pki / "server.crt") == {
        "localhost",
        "console.localhost",
        "portal.localhost",
        "127.0.0.1",
        "::1",
    }


def test_leaves_are_renewed_when_two_thirds_of_their_life_have_passed(pki: Path) -> None:
    ensure_certificates(pki, now=NOW)
    assert ensure_certificates(pki, now=NOW + timedelta(days=59)) == []
    assert "server" in ensure_certificates(pki, now=NOW + timedelta(days=60))


def test_a_new_domain_gives_a_new_server_certificate(pki: Path) -> None:
    ensure_certificates(pki, now=NOW)
    assert ensure_certificates(pki, ["backup.example.org", "192.0.2.7"], now=NOW) == ["server"]
    assert {"backup.example.org", "console.backup.example.org", "192.0.2.7"} <= names(pki / "server.crt")


def test_a_key_that_does_not_fit_is_replaced_with_its_certificate(pki: Path) -> None:
    ensure_certificates(pki, now=NOW)
    (pki / "server.key").write_bytes((pki / "services" / "api.key").read_bytes())
    assert ensure_certificates(pki, now=NOW) == ["server"]


def test_a_lost_part_of_the_ca_is_an_error_and_nothing_is_made_anew(pki: Path) -> None:
    ensure_certificates(pki, now=NOW)
    root = (pki / "root.crt").read_bytes()
    (pki / "agent-ca.key").unlink()
    with pytest.raises(DataDirectoryError, match=r"agent-ca\.key is missing"):
        ensure_certificates(pki, now=NOW)
    assert (pki / "root.crt").read_bytes() == root


def test_a_first_start_that_was_interrupted_begins_again(pki: Path) -> None:
    ensure_certificates(pki, now=NOW)
    for name in ("trust.pem", "service-ca.crt"):
        (pki / name).unlink()
    assert "root" in ensure_certificates(pki, now=NOW)
    assert ensure_certificates(pki, now=NOW) == []
