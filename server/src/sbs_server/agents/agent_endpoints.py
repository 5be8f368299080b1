"""/agent/v1: what agents ask over HTTPS. Trust and enrolment without a certificate, the rest with one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from sbs_protocol.enrolment import Certificate, EnrolResponse, SecretsResponse, TrustBundle
from sbs_server.agents.command_secrets import CommandSecrets
from sbs_server.agents.enrolment import Enrolment
from sbs_server.agents.identity import CurrentAuthority, EnrolledAgent
from sbs_server.agents.schemas import EnrolIn, RenewIn, SecretsIn
from sbs_server.kit.errors import ForbiddenError
from sbs_server.kit.http.edge import CurrentEdge, TransactionalRoute
from sbs_server.kit.http.ingress import client_address
from sbs_server.kit.throttle import Throttle, Window, network_of

# Only failures count: a thousand machines behind one address may enrol at once.
FAILED_ENROLMENTS = Window("enrolment-failed", 60, 5 * 60)

# Not in the document of the administrators' API: its clients are agents, its contract is sbs_protocol.
router = APIRouter(
    prefix="/agent/v1", tags=["agent_api"], route_class=TransactionalRoute, include_in_schema=False
)


def _enrolment(request: Request) -> Enrolment:
    enrolment: Enrolment = request.app.state.enrolment
    return enrolment


def _command_secrets(request: Request) -> CommandSecrets:
    secrets: CommandSecrets = request.app.state.command_secrets
    return secrets


def _throttle(request: Request) -> Throttle:
    throttle: Throttle = request.app.state.failed_enrolments
    return throttle


CurrentEnrolment = Annotated[Enrolment, Depends(_enrolment)]


@router.get("/trust")
async def agent_api_trust(authority: CurrentAuthority) -> TrustBundle:
    """The roots in force. Read over a connection that is not verified yet: the token says which root is right."""
    return TrustBundle(roots_pem=authority.roots_pem)


@router.post("/enrol")
async def agent_api_enrol(
    body: EnrolIn,
    request: Request,
    edge: CurrentEdge,
    enrolment: CurrentEnrolment,
    throttle: Annotated[Throttle, Depends(_throttle)],
) -> EnrolResponse:
    """Exchange a token for a certificate."""
    address = client_address(request)
    await throttle.check(network_of(address))
    try:
        return await enrolment.enrol(edge, body, address)
    except ForbiddenError:
        await throttle.hit(network_of(address))
        raise


@router.post("/renew")
async def agent_api_renew(body: RenewIn, caller: EnrolledAgent, enrolment: CurrentEnrolment) -> Certificate:
    """Another certificate, before the one in force ends."""
    return await enrolment.renew(caller, body.csr_pem)


@router.post("/secrets")
async def agent_api_secrets(
    body: SecretsIn, caller: EnrolledAgent, secrets: Annotated[CommandSecrets, Depends(_command_secrets)]
) -> SecretsResponse:
    """What opens the restic repository of a command that is under way."""
    return await secrets.for_command(caller, body.command_id)
