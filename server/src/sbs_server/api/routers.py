"""Every router of the API, in the order of the document. A domain adds its line here and nowhere else."""

from fastapi import APIRouter

from sbs_server.agents.agent_endpoints import router as agent_api
from sbs_server.agents.endpoints import router as agents
from sbs_server.agents.endpoints import token_router as enrolment_tokens
from sbs_server.auth.endpoints import router as session
from sbs_server.jobs.endpoints import router as jobs
from sbs_server.organizations.endpoints import router as organizations
from sbs_server.repositories.endpoints import router as repositories
from sbs_server.restores.endpoints import router as restores
from sbs_server.runs.endpoints import router as runs
from sbs_server.snapshots.endpoints import router as snapshots

ROUTERS: list[APIRouter] = [
    session,
    organizations,
    enrolment_tokens,
    agents,
    repositories,
    jobs,
    runs,
    snapshots,
    restores,
    agent_api,
]

TAGS: dict[str, str] = {
    "session": "Signing in and out.",
    "organizations": "The tenants.",
    "enrolment_tokens": "One-time secrets that turn machines into agents.",
    "agents": "The machines that are backed up.",
    "repositories": "The places for backups.",
    "jobs": "What is backed up, where to, and when.",
    "runs": "What was started, how far it is, what became of it.",
    "snapshots": "Points in time, and the files in them.",
    "restores": "Bringing files back.",
}
