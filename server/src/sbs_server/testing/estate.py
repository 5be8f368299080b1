"""What organizations have, for tests of the API: agents without machines, folders, jobs, files of any name."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sbs_server.kit.ids import new_id
from sbs_server.models import Agent, AgentState
from sbs_server.testing.api import Api, Person


async def add_agent(
    api: Api,
    person: Person,
    *,
    state: AgentState = AgentState.ACTIVE,
    os: str = "linux",
    connected: bool = True,
) -> UUID:
    """An agent of the person's organization."""
    agent_id = new_id()
    async with api.services.database.transaction(person.organization_id) as session:
        session.add(
            Agent(
                id=agent_id,
                organization_id=person.organization_id,
                name=f"machine {agent_id.hex}",
                hostname="machine",
                os=os,
                arch="x86_64",
                agent_version="2.5.0",
                protocol_version=1,
                state=state,
                connected=connected,
            )
        )
    return agent_id


def storage_root(api: Api) -> Path:
    """The first storage root, there for certain."""
    root = api.services.settings.storage.roots[0]
    root.mkdir(parents=True, exist_ok=True)
    return root


async def add_repository(api: Api, person: Person, name: str = "place") -> UUID:
    """A repository in a new folder, made by the API."""
    path = storage_root(api) / new_id().hex
    answer = await person.client.post(f"{person.root}/repositories", json={"name": name, "path": str(path)})
    assert answer.status_code == 201, answer.text  # noqa: S101 - a test's own check
    return UUID(answer.json()["id"])


async def job_body(api: Api, person: Person, **changes: object) -> dict[str, Any]:
    """A body that is good for a job, with an agent and a repository of its own."""
    body: dict[str, Any] = {"name": f"job {new_id().hex}", "sources": ["/srv/documents"], **changes}
    if "agent_ids" not in body:
        body["agent_ids"] = [str(await add_agent(api, person))]
    if "repository_ids" not in body:
        body["repository_ids"] = [str(await add_repository(api, person, f"place {new_id().hex}"))]
    return body


async def add_job(api: Api, person: Person, **changes: object) -> dict[str, Any]:
    """A job, made by the API; its answer."""
    answer = await person.client.post(f"{person.root}/jobs", json=await job_body(api, person, **changes))
    assert answer.status_code == 201, answer.text  # noqa: S101 - a test's own check
    document: dict[str, Any] = answer.json()
    return document


def problems_of(answer: Any) -> list[tuple[str, str]]:
    """Pointer and code of each field that was wrong."""
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
