"""Enrolment and renewal: a token, or the certificate in force, becomes a certificate.

Both may be repeated when an answer was lost: the same request for a certificate gets the same certificate.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol import OLDEST_SUPPORTED_VERSION, PROTOCOL_VERSION
from sbs_protocol.enrolment import (
    Certificate,
    Endpoints,
    EnrolmentToken,
    EnrolResponse,
    TokenMalformedError,
)
from sbs_server.agents import repository
from sbs_server.agents.authority import AgentAuthority, csr_sha256
from sbs_server.agents.identity import AgentCaller
from sbs_server.agents.repository import TokenUse
from sbs_server.agents.schemas import EnrolIn
from sbs_server.audit.denials import Denial, note
from sbs_server.audit.service import Actor, record
from sbs_server.kit.errors import FieldProblem, ForbiddenError, SbsError, invalid
from sbs_server.kit.http.edge import Edge
from sbs_server.kit.ids import new_id
from sbs_server.kit.pki import IssuedCertificate
from sbs_server.messaging import outbox
from sbs_server.models import AgentCertificate

_TOKEN_CODES = {
    "unknown": "enrolment.token_unknown",
    "used": "enrolment.token_used",
    "expired": "enrolment.token_expired",
    "revoked": "enrolment.token_revoked",
}
# A token that is used up or still good may have been used by this very machine, whose answer was lost.
_REPEATABLE = {None, "used"}
_LONGEST_BASE = 190  # leaves room for the number that makes a name unique


class Enrolment:
    def __init__(self, authority: AgentAuthority, endpoints: Endpoints) -> None:
        self._authority = authority
        self._endpoints = endpoints

    async def enrol(self, edge: Edge, wanted: EnrolIn, address: str | None) -> EnrolResponse:
        """A new agent with its first certificate; or, for a repeated request, the one it made before.

        Raises: InvalidError (protocol, form of token and request), ForbiddenError (the token is not good; audited).
        """
        _check_protocol(wanted.protocol)
        token = self._parse(wanted.token)
        digest = csr_sha256(wanted.csr_pem)
        use, before = await self._use(edge, token.secret_sha256(), digest)
        if before is not None:
            return self._response(before.organization_id, before.agent_id, before)
        if use.problem is not None or use.organization_id is None:
            raise _refused(edge, use, wanted, address)
        return await self._add(
            edge.session, use.organization_id, use.token_id, wanted=wanted, digest=digest, address=address
        )

    async def renew(self, caller: AgentCaller, csr_pem: str) -> Certificate:
        """A further certificate for an agent. Those it has stay good until they end.

        Raises: InvalidError.
        """
        digest = csr_sha256(csr_pem)
        before = await repository.certificate_for(caller.session, digest, caller.agent_id)
        if before is not None:
            return self._certificate(before)
        issued = self._authority.issue(csr_pem, caller.organization_id, caller.agent_id)
        added = await _keep(caller.session, caller.organization_id, caller.agent_id, issued, digest)
        if not added:  # the same request was faster on another connection
            return await self._repeated(caller, digest)
        target = ("agent", str(caller.agent_id))
        details = {"serial": issued.serial, "previous": caller.serial}
        await record(
            caller.session,
            caller.organization_id,
            caller.actor,
            "agent.renewed",
            target=target,
            details=details,
        )
        return self._certificate(issued)

    async def _repeated(self, caller: AgentCaller, digest: bytes) -> Certificate:
        before = await repository.certificate_for(caller.session, digest, caller.agent_id)
        if before is None:
            raise ForbiddenError("agent.certificate_revoked")
        return self._certificate(before)

    def _parse(self, text: str) -> EnrolmentToken:
        try:
            token = EnrolmentToken.parse(text)
        except TokenMalformedError as error:
            raise invalid("/token", "enrolment.token_malformed") from error
        if not self._authority.is_ours(token.root_spki_sha256):
            raise invalid("/token", "enrolment.token_foreign")
        return token

    async def _use(
        self, edge: Edge, secret_sha256: bytes, csr_digest: bytes
    ) -> tuple[TokenUse, AgentCertificate | None]:
        """Uses the token once. If this request was answered before, gives the use back and that certificate."""
        savepoint = await edge.session.begin_nested()
        use = await repository.use_token(edge.session, secret_sha256)
        if use.organization_id is None:
            return use, None
        await edge.enter(use.organization_id, None)
        if use.problem not in _REPEATABLE:
            return use, None
        before = await repository.certificate_for(edge.session, csr_digest)
        if before is not None:
            await savepoint.rollback()
            await edge.enter(use.organization_id, None)  # the rollback took the setting along
        return use, before

    async def _add(
        self,
        session: AsyncSession,
        organization_id: UUID,
        token_id: UUID | None,
        *,
        wanted: EnrolIn,
        digest: bytes,
        address: str | None,
    ) -> EnrolResponse:
        agent_id = new_id()
        issued = self._authority.issue(wanted.csr_pem, organization_id, agent_id)
        name = await _insert_agent(session, organization_id, agent_id, wanted)
        await _keep(session, organization_id, agent_id, issued, digest)
        await outbox.event(
            session, organization_id, f"agent:{agent_id.hex}", "agent.enrolled.v1", {"agent_id": agent_id.hex}
        )
        if token_id is not None:
            await outbox.event(
                session,
                organization_id,
                f"enrolment_token:{token_id.hex}",
                "enrolment_token.used.v1",
                {"enrolment_token_id": token_id.hex},
            )
        details = {
            "name": name,
            "hostname": wanted.hostname,
            "token_id": str(token_id),
            "serial": issued.serial,
        }
        actor = Actor("agent", str(agent_id), address)
        target = ("agent", str(agent_id))
        await record(session, organization_id, actor, "agent.enrolled", target=target, details=details)
        return self._response(organization_id, agent_id, issued)

    def _response(
        self, organization_id: UUID, agent_id: UUID, certificate: IssuedCertificate | AgentCertificate
    ) -> EnrolResponse:
        return EnrolResponse(
            organization_id=organization_id,
            agent_id=agent_id,
            certificate=self._certificate(certificate),
            endpoints=self._endpoints,
        )

    def _certificate(self, certificate: IssuedCertificate | AgentCertificate) -> Certificate:
        return Certificate(
            chain_pem=certificate.chain_pem,
            roots_pem=self._authority.roots_pem,
            not_after=certificate.not_after,
        )


def _check_protocol(given: int) -> None:
    if given < OLDEST_SUPPORTED_VERSION:
        raise invalid("/protocol", "enrolment.protocol_too_old", given=given, oldest=OLDEST_SUPPORTED_VERSION)
    if given > PROTOCOL_VERSION:
        raise invalid("/protocol", "enrolment.protocol_too_new", given=given, newest=PROTOCOL_VERSION)


def _refused(edge: Edge, use: TokenUse, wanted: EnrolIn, address: str | None) -> SbsError:
    target = None if use.token_id is None else ("enrolment_token", str(use.token_id))
    details = {"hostname": wanted.hostname}
    actor = Actor("agent", None, address)
    note(edge.request, Denial(use.organization_id, actor, "agent.enrolled", target, details))
    code = _TOKEN_CODES[use.problem or "unknown"]
    return ForbiddenError(code, FieldProblem("/token", code))


async def _insert_agent(session: AsyncSession, organization_id: UUID, agent_id: UUID, wanted: EnrolIn) -> str:
    """Writes the row under the host's name, numbered if that is taken; gives back the name."""
    values = {
        "id": agent_id,
        "organization_id": organization_id,
        "hostname": wanted.hostname,
        "os": wanted.os,
        "arch": wanted.arch,
        "agent_version": wanted.agent_version,
        "protocol_version": wanted.protocol,
    }
    base = wanted.hostname[:_LONGEST_BASE]
    while True:
        name = _free_name(base, await repository.names_like(session, base))
        # Another machine of that name may be enrolling just now, so the database has the last word.
        if await repository.add_agent(session, {**values, "name": name}):
            return name


def _free_name(base: str, taken: set[str]) -> str:
    if base not in taken:
        return base
    return next(name for number in range(2, len(taken) + 3) if (name := f"{base}-{number}") not in taken)


async def _keep(
    session: AsyncSession, organization_id: UUID, agent_id: UUID, issued: IssuedCertificate, digest: bytes
) -> bool:
    values = {
        "organization_id": organization_id,
        "agent_id": agent_id,
        "serial": issued.serial,
        "csr_sha256": digest,
        "chain_pem": issued.chain_pem,
        "not_before": issued.not_before,
        "not_after": issued.not_after,
    }
    return await repository.add_certificate(session, values)
