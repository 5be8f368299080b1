"""The checks that look at the control plane: name, port, TLS, our certificate, the clock."""

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from sbs_agent.bus import connected
from sbs_agent.calls import HTTP_FAILURES, SECRETS_PATH
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.doctor.report import Finding, Verdict, failed, ok, skipped
from sbs_agent.errors import AgentError, ControlPlaneError
from sbs_agent.keys import NATS_ALPN, mutual_tls, utc_now
from sbs_agent.pace import Pace
from sbs_agent.reach import explain, refusal

_PATIENCE_SECONDS = 8.0
_CLOCK_TOLERANCE = timedelta(minutes=2)
_CLOCK_LIMIT = timedelta(hours=24)  # certificates are valid from 48 h before they were issued
_DEFAULT_PORTS = {"https": 443, "tls": 4222, "nats": 4222}


async def examine(state: StateDirectory, identity: Identity) -> list[Finding]:
    """Findings for both addresses; each further check only if the one before it held."""
    try:
        tls = mutual_tls(state)
    except AgentError as error:
        return [failed("network", error.message, error.todo)]
    agent_url, nats_url = identity.endpoints.agent_url, identity.endpoints.nats_url
    findings = [await _reach("server", agent_url)]
    if findings[-1].verdict is Verdict.OK:
        findings += await _https(agent_url, tls)
    else:
        findings += [skipped("server TLS", "not reached"), skipped("clock", "not reached")]
    findings.append(await _reach("bus", nats_url))
    if findings[-1].verdict is Verdict.OK:
        findings.append(await _bus(state, identity))
    else:
        findings.append(skipped("bus accepts us", "not reached"))
    return findings


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)


async def _reach(name: str, url: str) -> Finding:
    """Name and TCP."""
    host, port = _address(url)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except OSError as error:  # TimeoutError and gaierror too
        told = explain(error, url)
        return failed(name, told.message, told.todo)
    found = sorted({str(address[4][0]) for address in addresses})
    return ok(name, f"{host} is {', '.join(found)}; port {port} is open")


async def _https(url: str, tls: ssl.SSLContext) -> list[Finding]:
    """Any answer will do: a status says that TLS holds and our certificate passes the ingress."""
    host, port = _address(url)
    refused = await refusal(host, port, tls, url)
    if refused is not None:
        return [
            failed("server TLS", refused.message, refused.todo),
            skipped("clock", "no answer to compare with"),
        ]
    try:
        async with httpx.AsyncClient(verify=tls, timeout=_PATIENCE_SECONDS) as client:
            response = await client.get(url.rstrip("/") + SECRETS_PATH)
    except HTTP_FAILURES as error:
        told = explain(error, url)
        return [failed("server TLS", told.message, told.todo), skipped("clock", "no answer to compare with")]
    if response.status_code in {401, 403}:
        hint = "the enrolment may be revoked: ask the administrator, then enrol again with --force"
        verdict = failed(
            "server TLS", f"verified, but the server refuses this agent ({response.status_code})", hint
        )
    else:
        verdict = ok("server TLS", "verified, and our certificate is accepted")
    return [verdict, _clock(response.headers.get("date"))]


def _clock(date: str | None) -> Finding:
    if date is None:
        return skipped("clock", "the server's answer has no date")
    try:
        difference = utc_now() - parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return skipped("clock", "the server's date is not readable")
    side = "ahead of" if difference > timedelta() else "behind"
    text = f"{abs(difference.total_seconds()):.0f} s {side} the server"
    if abs(difference) > _CLOCK_LIMIT:
        return failed(
            "clock", text, "set this machine's clock: certificates look expired or not yet valid with it"
        )
    if abs(difference) > _CLOCK_TOLERANCE:
        return Finding("clock", Verdict.WARNING, text, "let this machine take its time from NTP")
    return ok("clock", text)


async def _bus(state: StateDirectory, identity: Identity) -> Finding:
    name = "bus accepts us"
    try:
        pace = replace(Pace(), connect=_PATIENCE_SECONDS)
        async with connected(identity, mutual_tls(state, alpn=NATS_ALPN), pace):
            return ok(name, "connected with our certificate")
    except ControlPlaneError as error:
        return failed(name, error.message, error.todo)
