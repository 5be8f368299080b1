"""Enrolment against a real HTTPS server, with every refusal a person may meet."""

import socket
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from sbs_agent.config import StateDirectory
from sbs_agent.enrol import enrol, parse_token
from sbs_agent.errors import (
    AgentError,
    AlreadyEnrolledError,
    AnswerError,
    ControlPlaneError,
    NotTrustedError,
    StateLockedError,
    TokenError,
    UnreachableError,
)
from sbs_agent.keys import key_fits, mutual_tls, pending_key, read_leaf
from sbs_agent.platform import platform
from sbs_agent.testing.control_plane import Servers
from sbs_agent.testing.pki import Authority
from sbs_agent.testing.site import Site
from sbs_agent.trust import server_address
from sbs_protocol.enrolment import EnrolmentToken


def _token(site: Site) -> EnrolmentToken:
    return parse_token(site.plane.new_token())


async def test_a_token_becomes_an_identity_that_only_this_account_can_read(
    site: Site, state: StateDirectory
) -> None:
    identity = await enrol(state, site.servers.address, _token(site))
    assert identity.agent_id == site.plane.agent_id
    assert state.identity() == identity
    pem = state.read_certificate()
    assert key_fits(pem, read_leaf(pem, "test"))
    mutual_tls(state)
    files = [state.path, *(path for path in state.path.rglob("*"))]
    assert [path for path in files if platform.privacy_problem(path)] == []
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert list(state.pending.iterdir()) == []


async def test_a_second_enrolment_is_refused_unless_forced(site: Site, state: StateDirectory) -> None:
    await enrol(state, site.servers.address, _token(site))
    before = state.read_certificate()
    with pytest.raises(AlreadyEnrolledError, match="--force"):
        await enrol(state, site.servers.address, _token(site))
    assert state.read_certificate() == before
    await enrol(state, site.servers.address, _token(site), force=True)
    assert state.read_certificate() != before


async def test_a_half_done_enrolment_is_repeated_with_the_same_request(
    site: Site, state: StateDirectory
) -> None:
    token = _token(site)
    state.create()
    sent = pending_key(state, "enrol")  # as if the answer had been lost: the server has seen this request
    site.plane.used_by_csr = sent.csr_pem
    await enrol(state, site.servers.address, token)
    assert sent.key_pem in state.read_certificate()


async def test_nothing_is_kept_of_a_refused_enrolment(site: Site, state: StateDirectory) -> None:
    site.plane.refuse_with = (403, "token_expired", "this token expired on 1 May")
    with pytest.raises(AnswerError, match=r"expired on 1 May.*new token") as caught:
        await enrol(state, site.servers.address, _token(site))
    assert caught.value.code == "token_expired"
    assert not state.is_enrolled()


async def test_a_used_token_is_told(site: Site, state: StateDirectory) -> None:
    token = _token(site)
    site.plane.used_by_csr = "another machine's request"
    with pytest.raises(AnswerError, match="already used"):
        await enrol(state, site.servers.address, token)


async def test_an_unknown_token_is_told(site: Site, state: StateDirectory, authority: Authority) -> None:
    with pytest.raises(AnswerError, match="not known"):
        await enrol(state, site.servers.address, EnrolmentToken.new(authority.spki_sha256))


async def test_a_server_with_another_root_is_not_sent_the_token(site: Site, state: StateDirectory) -> None:
    other = EnrolmentToken.new(Authority("another").spki_sha256)
    with pytest.raises(NotTrustedError, match="intercepted"):
        await enrol(state, site.servers.address, other)
    assert not state.is_enrolled()


async def test_an_interceptor_that_repeats_the_true_root_fails_at_tls(
    site: Site, state: StateDirectory, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority("interceptor")
    folder = tmp_path / "interceptor"
    folder.mkdir()
    (folder / "root.crt").write_text(stranger.root_pem)
    site.plane.offered_roots = authority.root_pem
    servers = Servers(site.plane, stranger.server_files(folder), folder / "root.crt")
    try:
        with pytest.raises(NotTrustedError, match="intercepting"):
            await enrol(state, servers.address, _token(site))
    finally:
        servers.close()
    assert site.plane.used_by_csr is None


async def test_a_certificate_out_of_its_time_makes_one_think_of_the_clock(
    site: Site, state: StateDirectory, authority: Authority, tmp_path: Path
) -> None:
    root = tmp_path / "root.crt"
    root.write_text(authority.root_pem)
    servers = Servers(site.plane, authority.server_files(tmp_path, "old", timedelta(days=-1)), root)
    try:
        with pytest.raises(NotTrustedError, match="check the clock"):
            await enrol(state, servers.address, _token(site))
    finally:
        servers.close()


async def test_a_bundle_that_holds_no_certificates_is_not_trusted(site: Site, state: StateDirectory) -> None:
    site.plane.offered_roots = "-----BEGIN CERTIFICATE-----\nnonsense\n"
    with pytest.raises(NotTrustedError):
        await enrol(state, site.servers.address, _token(site))


async def test_an_answer_without_end_is_refused(site: Site, state: StateDirectory) -> None:
    site.plane.offered_roots = "x" * 1_000_000
    with pytest.raises(ControlPlaneError, match="more than"):
        await enrol(state, site.servers.address, _token(site))


async def test_a_closed_port_is_told(site: Site, state: StateDirectory) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"localhost:{port}.*refuses connections"):
        await enrol(state, f"localhost:{port}", _token(site))


async def test_a_name_that_does_not_exist_is_told(site: Site, state: StateDirectory) -> None:
    with pytest.raises(UnreachableError, match="cannot be resolved"):
        await enrol(state, "control-plane.invalid", _token(site))


async def test_enrolling_beside_a_running_agent_is_refused(site: Site, state: StateDirectory) -> None:
    state.create()
    with platform.exclusive_lock(state.lock_file), pytest.raises(StateLockedError):
        await enrol(state, site.servers.address, _token(site))


@pytest.mark.parametrize("text", ["", "sbsenr1.abc", "sbsenr1.%%.%%", "password"])
def test_a_malformed_token_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        parse_token(text)
    assert "sbsenr1.<secret>.<hash>" in str(caught.value)
    assert not text or f"{text} " not in f"{caught.value} "


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sbs.example.org", "https://sbs.example.org"),
        ("localhost:8443", "https://localhost:8443"),
        (" https://sbs.example.org/ ", "https://sbs.example.org"),
        ("[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_server_may_be_typed_in_several_ways(typed: str, meant: str) -> None:
    assert server_address(typed) == meant


@pytest.mark.parametrize(
    "typed", ["http://host", "https://host/path", "", "ftp://host", "host:port", "https://u:p@host"]
)
def test_what_is_no_server_is_refused(typed: str) -> None:
    with pytest.raises(AgentError, match="not a server's address"):
        server_address(typed)


async def test_a_certificate_for_another_key_is_not_accepted(
    site: Site, state: StateDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = StateDirectory(tmp_path / "other")
    other.create()
    foreign = site.plane.certificate(pending_key(other, "enrol").csr_pem)
    monkeypatch.setattr(site.plane, "certificate", lambda _: foreign)
    with pytest.raises(ControlPlaneError, match="another key"):
        await enrol(state, site.servers.address, _token(site))
    assert not state.is_enrolled()


def test_a_leaf_is_renewed_at_two_thirds_of_its_life(
    authority: Authority, state: StateDirectory, site: Site
) -> None:
    state.create()
    site.plane.lifetime = (timedelta(days=-30), timedelta(days=60))
    leaf = read_leaf(site.plane.certificate(pending_key(state, "x").csr_pem).chain_pem.encode(), "test")
    assert leaf.renew_from - leaf.not_before == timedelta(days=60)
