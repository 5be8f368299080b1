"""The order of the checks, and those that look at this machine."""

import asyncio
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from sbs_agent.config import Identity, StateDirectory
from sbs_agent.doctor import network
from sbs_agent.doctor.report import Finding, Report, Verdict, failed, ok, skipped
from sbs_agent.errors import AgentError
from sbs_agent.journal_file import integrity_problem
from sbs_agent.keys import Leaf, key_fits, read_leaf, utc_now
from sbs_agent.platform import platform
from sbs_agent.restic_binary import ResticBinary
from sbs_restic.cli.errors import ResticUnavailableError

_LOW_SPACE_BYTES = 512 * 1024 * 1024
_SOON = timedelta(days=14)
_ENROL_AGAIN = "ask the administrator for a token, then: sbs-agent enrol <server> --force"


async def examine(state: StateDirectory) -> Report:
    """All findings; never raises for what it finds."""
    identity, enrolment = _enrolment(state)
    findings = [_state_directory(state), enrolment, _certificate(state), _journal(state)]
    findings += [await asyncio.to_thread(_restic, state), _cache(state), _space(state)]
    if identity is None:
        return Report([*findings, skipped("network", "not enrolled, so there is no server to look for")])
    return Report([*findings, *await network.examine(state, identity)])


def _enrolment(state: StateDirectory) -> tuple[Identity | None, Finding]:
    name = "enrolment"
    try:
        identity = state.identity()
    except AgentError as error:
        return None, failed(name, error.message, error.todo)
    return identity, ok(name, f"agent {identity.agent_id.hex} of {identity.server_url}")


def _state_directory(state: StateDirectory) -> Finding:
    name = "state directory"
    try:
        places = [
            p
            for p in (state.path, state.certificate_file, state.journal_file)
            if p == state.path or p.exists()
        ]
        problems = [f"{place}: {text}" for place in places if (text := platform.privacy_problem(place))]
    except FileNotFoundError:
        return failed(name, f"{state.path} does not exist", "enrol this machine: sbs-agent enrol <server>")
    except (OSError, AgentError) as error:
        return failed(name, f"{state.path}: {error}", "run this as the account that the agent runs as")
    if problems:
        hint = f"run this as the agent's account, or repair it: chown -R and chmod -R go= {state.path}"
        return failed(name, "; ".join(problems), hint)
    return ok(name, f"{state.path}, private")


def _certificate(state: StateDirectory) -> Finding:
    name = "certificate"
    if not state.certificate_file.exists():
        return skipped(name, "there is none yet")
    try:
        pem = state.read_certificate()
        leaf = read_leaf(pem, str(state.certificate_file))
        fits = key_fits(pem, leaf)
    except AgentError as error:
        return failed(name, error.message, error.todo)
    if not fits:
        return failed(name, "the key in agent.pem is not the certificate's", _ENROL_AGAIN)
    return _validity(name, leaf)


def _validity(name: str, leaf: Leaf) -> Finding:
    now = utc_now()
    if leaf.expired(now):
        return failed(
            name, f"expired at {leaf.not_after:%Y-%m-%d %H:%M} UTC", f"check the clock; else {_ENROL_AGAIN}"
        )
    if now < leaf.not_before:
        return failed(
            name, f"not valid before {leaf.not_before:%Y-%m-%d %H:%M} UTC", "set this machine's clock"
        )
    text = f"valid until {leaf.not_after:%Y-%m-%d}, renewed from {leaf.renew_from:%Y-%m-%d} on, key fits"
    if leaf.not_after - now < min(_SOON, (leaf.not_after - leaf.not_before) / 4):
        hint = "renewal is overdue: see the agent's log and the network checks below"
        return Finding(name, Verdict.WARNING, text, hint)
    return ok(name, text)


def _journal(state: StateDirectory) -> Finding:
    name = "journal"
    if not state.journal_file.exists():
        return ok(name, "none yet; the agent makes it when it runs first")
    problem = integrity_problem(state.journal_file)
    if problem is not None:
        hint = f"stop the agent, move {state.journal_file} away, start it again; what it had not reported is lost"
        return failed(name, f"{state.journal_file}: {problem}", hint)
    return ok(name, "whole")


def _restic(state: StateDirectory) -> Finding:
    try:
        located = ResticBinary.from_environment(state).find()
    except ResticUnavailableError as error:
        return failed("restic", str(error), "install restic 0.18 or newer, or set SBS_RESTIC to its path")
    return ok("restic", f"{located.version_text} at {located.path}")


def _cache(state: StateDirectory) -> Finding:
    name = "cache"
    if not state.cache.exists():
        return skipped(name, "not made yet")
    try:
        with tempfile.TemporaryFile(dir=state.cache) as probe:
            probe.write(b"x")
    except OSError as error:
        hint = "give the agent's account its state directory back, or free space"
        return failed(name, f"{state.cache} cannot be written: {error.strerror}", hint)
    return ok(name, f"{state.cache}, writable")


def _space(state: StateDirectory) -> Finding:
    name = "free space"
    place: Path = state.path if state.path.exists() else Path(os.sep)
    free = shutil.disk_usage(place).free
    if free < _LOW_SPACE_BYTES:
        return failed(
            name, f"{free // 2**20} MiB at {place}", "free some space: the journal and restic's cache need it"
        )
    return ok(name, f"{free // 2**20} MiB at {place}")
