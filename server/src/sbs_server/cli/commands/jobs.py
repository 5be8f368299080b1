"""`sbs jobs`: what is backed up, where to, and when."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.errors import CliError, worst
from sbs_server.cli.output import show, show_one
from sbs_server.cli.watching import watch as follow

app = typer.Typer(help="What is backed up, where to, and when.", no_args_is_help=True)
_COLUMNS = ("id", "name", "sources", "cron", "time_zone", "paused", "keep_last")
_RUN_COLUMNS = ("id", "agent_id", "state")


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All jobs."""
    show(client(session_path).items("/jobs"), _COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_job(job: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One job with its next runs."""
    api = client(session_path)
    show_one(api.get(f"/jobs/{api.find('/jobs', job)['id']}"), as_json=as_json)


@app.command()
@one_line
def create(  # noqa: PLR0917 - typer passes options by name
    name: str,
    source: Annotated[list[str], typer.Option(help="Absolute path on the machine; may be given again.")],
    agent: Annotated[list[str], typer.Option(help="Name or id; may be given again.")],
    repository: Annotated[list[str], typer.Option(help="Name or id; may be given again.")],
    include: Annotated[
        list[str] | None, typer.Option(help="Mask of what to take; everything without it.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Mask of what to leave out.")] = None,
    cron: Annotated[str, typer.Option(help="Minute, hour, day, month, weekday.")] = "",
    time_zone: Annotated[str, typer.Option(help="For the schedule, such as Europe/Berlin.")] = "UTC",
    keep_last: Annotated[int, typer.Option(min=0, help="Snapshots kept for each agent; 0 keeps all.")] = 0,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Make a job."""
    api = client(session_path)
    body = {
        "name": name,
        "sources": source,
        "includes": include or [],
        "excludes": exclude or [],
        "agent_ids": [api.find("/agents", one)["id"] for one in agent],
        "repository_ids": [api.find("/repositories", one)["id"] for one in repository],
        "cron": cron or None,
        "time_zone": time_zone,
        "keep_last": keep_last or None,
    }
    show_one(api.post("/jobs", body), as_json=as_json)


@app.command()
@one_line
def run(
    job: str,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the run; its end decides the exit code.")
    ] = False,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Start a job now, on all its agents."""
    api = client(session_path)
    runs = api.post(f"/jobs/{api.find('/jobs', job)['id']}/runs")["items"]
    if not runs:
        raise CliError("nothing was started: the job has no active agent")
    if not watch:
        show(runs, _RUN_COLUMNS, as_json=as_json)
        return
    raise typer.Exit(worst(follow(api, started["id"], as_json=as_json) for started in runs))


@app.command()
@one_line
def pause(job: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Stop a job's schedule."""
    _switch(job, "pause", as_json, session_path)


@app.command()
@one_line
def resume(job: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Let a job's schedule go on."""
    _switch(job, "resume", as_json, session_path)


def _switch(job: str, act: str, as_json: bool, session_path: SessionFile) -> None:
    api = client(session_path)
    show_one(api.post(f"/jobs/{api.find('/jobs', job)['id']}/{act}"), as_json=as_json)
