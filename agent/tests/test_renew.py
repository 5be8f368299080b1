"""Renewal, and the way back when the new certificate is refused."""

from datetime import timedelta

import pytest

from sbs_agent.config import StateDirectory
from sbs_agent.enrol import enrol, parse_token
from sbs_agent.errors import ControlPlaneError
from sbs_agent.keys import key_fits, pending_key, read_leaf
from sbs_agent.renew import confirm, fall_back, is_due, renew
from sbs_agent.testing.site import Site


@pytest.fixture
async def old(site: Site, state: StateDirectory) -> StateDirectory:
    """Enrolled long ago: past two thirds, not expired."""
    site.plane.lifetime = (timedelta(days=-80), timedelta(days=10))
    await enrol(state, site.servers.address, parse_token(site.plane.new_token()))
    return state


async def test_a_fresh_certificate_is_not_renewed(enrolled: StateDirectory) -> None:
    assert not is_due(enrolled)


async def test_renewal_brings_a_new_key_and_keeps_the_old_pair_until_it_is_confirmed(
    old: StateDirectory,
) -> None:
    before = old.read_certificate()
    assert is_due(old)
    await renew(old, old.identity())
    after = old.read_certificate()
    assert not is_due(old)
    assert key_fits(after, read_leaf(after, "new"))
    assert not key_fits(before, read_leaf(after, "new"))
    assert old.previous_certificate_file.read_bytes() == before
    confirm(old)
    assert not old.previous_certificate_file.exists()


async def test_a_refused_new_certificate_gives_way_to_the_one_before(old: StateDirectory) -> None:
    before = old.read_certificate()
    await renew(old, old.identity())
    assert fall_back(old)
    assert old.read_certificate() == before
    assert not fall_back(old)


async def test_a_renewal_whose_answer_was_lost_sends_the_same_request(
    old: StateDirectory, site: Site
) -> None:
    sent = pending_key(old, "renew")
    await renew(old, old.identity())
    assert site.plane.renewals == [sent.csr_pem]
    assert list(old.pending.iterdir()) == []


async def test_a_certificate_for_another_key_changes_nothing(
    old: StateDirectory, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.read_certificate()
    foreign = site.plane.certificate(pending_key(old, "other").csr_pem)
    monkeypatch.setattr(site.plane, "certificate", lambda _: foreign)
    with pytest.raises(ControlPlaneError, match="another key"):
        await renew(old, old.identity())
    assert old.read_certificate() == before
