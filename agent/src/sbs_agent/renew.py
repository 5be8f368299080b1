"""Renewal of the certificate at two thirds of its life, with a new key.

The request is on disk before it is sent, so a repeated call sends the same CSR and gets the same certificate.
The certificate before stays as previous.pem until the new one has connected (`session` calls `confirm`);
if the new one is refused, `fall_back` puts the old one back and the renewal starts over later.
"""

import asyncio
from collections.abc import Callable

import httpx
import structlog

from sbs_agent.calls import RENEW_PATH, TIMEOUT, call
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.errors import AgentError, ControlPlaneError
from sbs_agent.files import write_atomically
from sbs_agent.keys import (
    forget_pending,
    key_fits,
    mutual_tls,
    pending_key,
    read_leaf,
    save_certificate,
    utc_now,
)
from sbs_agent.pace import Pace
from sbs_protocol.enrolment import Certificate, RenewRequest
from sbs_protocol.identifiers import agent_uri

log = structlog.get_logger(__name__)


def is_due(state: StateDirectory) -> bool:
    """Raises `StateDamagedError`, `OSError` if there is no usable certificate."""
    leaf = read_leaf(state.read_certificate(), str(state.certificate_file))
    return utc_now() >= leaf.renew_from


async def renew(state: StateDirectory, identity: Identity) -> None:
    """Get a new certificate and put it in force; connections made from now on use it.

    Raises:
        ControlPlaneError: refused, or no usable answer. Nothing has changed then.
    """
    pending = pending_key(state, "renew")
    async with httpx.AsyncClient(verify=mutual_tls(state), timeout=TIMEOUT) as client:
        url = identity.endpoints.agent_url.rstrip("/") + RENEW_PATH
        certificate = await call(client, "POST", url, RenewRequest(csr_pem=pending.csr_pem), Certificate)
    leaf = read_leaf(certificate.chain_pem.encode(), "the answer to a renewal")
    uri = agent_uri(identity.organization_id, identity.agent_id)
    if not key_fits(pending.key_pem, leaf) or uri not in leaf.uris:
        forget_pending(state, "renew")
        raise ControlPlaneError(
            "the renewed certificate is for another key or another agent", "it is asked for again"
        )
    write_atomically(state.previous_certificate_file, state.read_certificate())
    write_atomically(state.roots_file, certificate.roots_pem.encode("ascii"))
    save_certificate(state.certificate_file, certificate.chain_pem, pending.key_pem)
    forget_pending(state, "renew")
    log.info("certificate renewed", not_after=leaf.not_after.isoformat())


def confirm(state: StateDirectory) -> None:
    """The certificate in force has connected: the one before is not needed any more."""
    state.previous_certificate_file.unlink(missing_ok=True)


def fall_back(state: StateDirectory) -> bool:
    """Put the certificate before a renewal back in force, if there is one. True if it was done."""
    if not state.previous_certificate_file.exists():
        return False
    state.previous_certificate_file.replace(state.certificate_file)
    log.warning("the renewed certificate was refused; the one before is used again")
    return True


async def keep_renewed(
    state: StateDirectory, identity: Identity, pace: Pace, reconnect: Callable[[], None]
) -> None:
    """Look now and then whether renewal is due, and do it; `reconnect` makes the session use the new one."""
    backoff = pace.unreachable()
    while True:
        try:
            if is_due(state):
                await renew(state, identity)
                reconnect()
            backoff.reset()
            await asyncio.sleep(pace.renew_check)
        except (AgentError, OSError) as error:
            wait = max(backoff.next(), pace.renew_check / 60)
            log.warning("certificate not renewed", reason=str(error), next_try_s=round(wait))
            await asyncio.sleep(wait)
