"""Every router of the API, in the order of the document. A domain adds its line here and nowhere else."""

from fastapi import APIRouter

from sbs_server.about.endpoints import router as about
from sbs_server.agents.agent_endpoints import router as agent_api
from sbs_server.agents.endpoints import router as agents
from sbs_server.agents.endpoints import token_router as enrolment_tokens
from sbs_server.auth.endpoints import router as session
from sbs_server.changes.endpoints import router as events
from sbs_server.jobs.endpoints import router as jobs
from sbs_server.organizations.endpoints import router as organizations
from sbs_server.overview.endpoints import router as overview
from sbs_server.repositories.endpoints import root_router as storage_roots
from sbs_server.repositories.endpoints import router as repositories
from sbs_server.restores.endpoints import router as restores
from sbs_server.runs.endpoints import router as runs
from sbs_server.schedules.endpoints import router as schedules
from sbs_server.snapshots.endpoints import router as snapshots

ROUTERS: list[APIRouter] = [
    about,
    session,
    organizations,
    overview,
    events,
    enrolment_tokens,
    agents,
    storage_roots,
    repositories,
    schedules,
    jobs,
    runs,
    snapshots,
    restores,
    agent_api,
]

TAGS: dict[str, str] = {
    "about": "The product.",
    "session": "Signing in and out.",
    "organizations": "The tenants.",
    "overview": "What needs attention, and how much there is.",
    "events": "What changes, as it happens.",
    "enrolment_tokens": "One-time secrets that turn machines into agents.",
    "agents": "The machines that are backed up.",
    "storage_roots": "Where repositories may be made.",
    "repositories": "The places for backups.",
    "schedules": "When something would run.",
    "jobs": "What is backed up, where to, and when.",
    "runs": "What was started, how far it is, what became of it.",
    "snapshots": "Points in time, and the files in them.",
    "restores": "Bringing files back.",
}
