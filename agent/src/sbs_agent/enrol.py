"""Enrolment: a one-time token becomes a certificate.

Safe to repeat at any point: key and request are on disk before the call and are sent again as they are;
agent.json is written last, so a half-done enrolment counts as none.
"""

import httpx

from sbs_agent import __version__
from sbs_agent.calls import ENROL_PATH, TIMEOUT, call
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.errors import AlreadyEnrolledError, AnswerError, ControlPlaneError, TokenError
from sbs_agent.files import write_atomically
from sbs_agent.journal_file import remove_journal
from sbs_agent.keys import (
    PendingKey,
    forget_pending,
    key_fits,
    pending_key,
    read_leaf,
    save_certificate,
    utc_now,
    verified_tls,
)
from sbs_agent.platform import platform
from sbs_agent.trust import fetch_root, server_address
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.enrolment import EnrolmentToken, EnrolRequest, EnrolResponse, TokenMalformedError
from sbs_protocol.identifiers import agent_uri

_TODO = "ask the administrator for a new token"


def parse_token(text: str) -> EnrolmentToken:
    """Raises `TokenError`, which never repeats the text."""
    try:
        return EnrolmentToken.parse(text)
    except TokenMalformedError as error:
        raise TokenError(str(error)) from error


async def enrol(
    state: StateDirectory, server: str, token: EnrolmentToken, *, force: bool = False
) -> Identity:
    """Exchange the token for this machine's identity and save it.

    Raises:
        AlreadyEnrolledError: and `force` was not given.
        StateLockedError: the agent runs.
        ControlPlaneError: anything the other side refuses, or that lies between.
    """
    address = server_address(server)
    state.create()
    with platform.exclusive_lock(state.lock_file):
        if state.is_enrolled() and not force:
            present = state.identity()
            raise AlreadyEnrolledError(present.server_url, present.agent_id.hex)
        root_pem = await fetch_root(address, token)
        pending = pending_key(state, "enrol")
        response = await _ask(address, root_pem, _request(token, pending))
        return _save(state, address, pending, response)


def _request(token: EnrolmentToken, pending: PendingKey) -> EnrolRequest:
    system = platform.describe()
    return EnrolRequest(
        token=token.text(),
        csr_pem=pending.csr_pem,
        protocol=PROTOCOL_VERSION,
        hostname=system.hostname,
        os=system.os,
        arch=system.arch,
        agent_version=__version__,
    )


async def _ask(address: str, root_pem: str, request: EnrolRequest) -> EnrolResponse:
    async with httpx.AsyncClient(verify=verified_tls(root_pem), timeout=TIMEOUT) as client:
        try:
            return await call(client, "POST", address + ENROL_PATH, request, EnrolResponse)
        except AnswerError as error:
            if error.may_pass:
                raise AnswerError(
                    error.status,
                    error.code,
                    f"the server cannot enrol right now: {error.message}",
                    "try again later",
                ) from error
            # The token's own faults (used, expired, revoked, unknown) are told by the server.
            raise AnswerError(
                error.status, error.code, f"the server refuses: {error.message}", _TODO
            ) from error


def _save(state: StateDirectory, address: str, pending: PendingKey, response: EnrolResponse) -> Identity:
    leaf = read_leaf(response.certificate.chain_pem.encode(), "the server's answer")
    if not key_fits(pending.key_pem, leaf):
        raise ControlPlaneError("the server's answer holds a certificate for another key", "try again")
    if agent_uri(response.organization_id, response.agent_id) not in leaf.uris:
        raise ControlPlaneError(
            "the server's certificate names another agent than its answer", "tell the administrator"
        )
    identity = Identity(
        organization_id=response.organization_id,
        agent_id=response.agent_id,
        server_url=address,
        endpoints=response.endpoints,
        enrolled_at=utc_now(),
    )
    state.identity_file.unlink(missing_ok=True)  # --force: until the end of this, there is no identity
    remove_journal(state.journal_file)  # it belongs to the identity before
    state.previous_certificate_file.unlink(missing_ok=True)
    state.status_file.unlink(missing_ok=True)
    save_certificate(state.certificate_file, response.certificate.chain_pem, pending.key_pem)
    write_atomically(state.roots_file, response.certificate.roots_pem.encode("ascii"))
    state.save_identity(identity)
    forget_pending(state, "enrol")
    forget_pending(state, "renew")
    return identity
