"""`sbs jobs`: what is backed up, where to, and when."""

from typing import Annotated, Literal

import typer

from sbs_server.cli.client import Client
from sbs_server.cli.commands.options import AsJson, SessionFile, Yes, client, confirm, one_line
from sbs_server.cli.errors import CliError, UsageError, worst
from sbs_server.cli.job_facts import COLUMNS, show_job
from sbs_server.cli.output import field, fields, show
from sbs_server.cli.values import Json
from sbs_server.cli.watching import watch as follow

app = typer.Typer(help="What is backed up, where to, and when.", no_args_is_help=True)
_RUN_COLUMNS = (*fields("id", "agent_id"), field("agent_name", "agent"), field("state"))


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All jobs."""
    show(client(session_path).items("/jobs"), COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_(job: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One job with its next runs."""
    api = client(session_path)
    show_job(api, api.get(api.place("/jobs", job)), as_json=as_json)


Include = Annotated[
    list[str] | None, typer.Option(help="Mask of what to take; everything without it. May be given again.")
]
Exclude = Annotated[list[str] | None, typer.Option(help="Mask of what to leave out; may be given again.")]
Cron = Annotated[
    str | None, typer.Option(help="Minute, hour, day, month, weekday; without it the job runs by hand only.")
]
Instead = Annotated[
    list[str] | None, typer.Option(help="Instead of those it has, as with `create`; may be given again.")
]
CompressionLevel = Annotated[
    Literal["auto", "off", "max"], typer.Option(help="How hard the data is packed; max is slow.")
]


@app.command()
@one_line
def create(  # noqa: PLR0917 - typer passes options by name
    name: str,
    source: Annotated[list[str], typer.Option(help="Absolute path on the machine; may be given again.")],
    agent: Annotated[list[str], typer.Option(help="Name or id; may be given again.")],
    repository: Annotated[list[str], typer.Option(help="Name or id; may be given again.")],
    include: Include = None,
    exclude: Exclude = None,
    cron: Cron = None,
    time_zone: Annotated[str, typer.Option(help="For the schedule, such as Europe/Berlin.")] = "UTC",
    keep_last: Annotated[int, typer.Option(min=0, help="Snapshots kept for each agent; 0 keeps all.")] = 0,
    compression: CompressionLevel = "auto",
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Make a job."""
    schedule = _schedule(cron, "leave --cron out for a job that runs by hand only")
    api = client(session_path)
    body = {
        "name": name,
        "sources": source,
        "includes": include or [],
        "excludes": exclude or [],
        "agent_ids": _ids(api, "/agents", agent),
        "repository_ids": _ids(api, "/repositories", repository),
        "cron": schedule,
        "time_zone": time_zone,
        "keep_last": keep_last or None,
        "compression": compression,
    }
    show_job(api, api.post("/jobs", body), as_json=as_json)


@app.command()
@one_line
def edit(  # noqa: PLR0917 - typer passes options by name
    job: str,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    source: Instead = None,
    agent: Instead = None,
    repository: Instead = None,
    include: Include = None,
    exclude: Exclude = None,
    no_masks: Annotated[bool, typer.Option("--no-masks", help="Take everything: no masks any more.")] = False,
    cron: Cron = None,
    no_schedule: Annotated[bool, typer.Option("--no-schedule", help="From now on by hand only.")] = False,
    time_zone: Annotated[str | None, typer.Option(help="For the schedule, such as Europe/Berlin.")] = None,
    keep_last: Annotated[
        int | None, typer.Option(min=0, help="Snapshots kept for each agent; 0 keeps all.")
    ] = None,
    compression: Annotated[
        Literal["auto", "off", "max"] | None, typer.Option(help="How hard the data is packed; max is slow.")
    ] = None,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Change a job. What is not given stays as it is; a list that is given replaces the one before."""
    _either("--cron", cron is not None, "--no-schedule", no_schedule)
    _either("--include or --exclude", bool(include or exclude), "--no-masks", no_masks)
    schedule = _schedule(cron, "--no-schedule makes it a job that runs by hand only")
    api = client(session_path)
    given = {
        "name": name,
        "sources": source or None,
        "agent_ids": _ids(api, "/agents", agent) or None,
        "repository_ids": _ids(api, "/repositories", repository) or None,
        "includes": [] if no_masks else include or None,
        "excludes": [] if no_masks else exclude or None,
        "cron": schedule,
        "time_zone": time_zone,
        "compression": compression,
    }
    body: Json = {field: value for field, value in given.items() if value is not None}
    if no_schedule:
        body["cron"] = None
    if keep_last is not None:
        body["keep_last"] = keep_last or None
    if not body:
        raise UsageError("nothing to change: give at least one option (`sbs jobs edit --help`)")
    show_job(api, api.patch(api.place("/jobs", job), body), as_json=as_json)


@app.command()
@one_line
def delete(job: str, yes: Yes = False, session_path: SessionFile = None) -> None:
    """End a job. Its runs and snapshots stay."""
    api = client(session_path)
    found = api.find("/jobs", job)
    confirm(f"End the job {found['name']}? Its snapshots stay", yes=yes)
    api.delete(f"/jobs/{found['id']}")
    typer.echo(f"Ended: {found['name']}. Its runs and snapshots stay.", err=True)


def _ids(api: Client, path: str, wanted: list[str] | None) -> list[str]:
    return [api.id_of(path, one) for one in wanted or []]


def _either(option: str, given: bool, other: str, other_given: bool) -> None:
    if given and other_given:
        raise UsageError(f"{option} and {other} contradict each other: give one of them")


def _schedule(cron: str | None, hint: str) -> str | None:
    """An empty text is more likely a variable that was not set than a wish."""
    if cron is not None and not cron.strip():
        raise UsageError(
            f"--cron is empty: give minute, hour, day, month, weekday, such as '30 2 * * *'; {hint}"
        )
    return cron


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
    """Start a job now, on all its agents.

    With --watch the exit code is the run's: 0 succeeded, 3 with warnings or partial, 1 failed, 4 cancelled; of
    several the worst.
    """
    api = client(session_path)
    runs = api.post(f"{api.place('/jobs', job)}/runs")["items"]
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
    show_job(api, api.post(f"{api.place('/jobs', job)}/{act}"), as_json=as_json)
