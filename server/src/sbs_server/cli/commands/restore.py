"""`sbs restore`: files back to a machine."""

from typing import Annotated

import typer

from sbs_protocol.commands import ConflictPolicy
from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.output import show_one
from sbs_server.cli.telling import FACTS
from sbs_server.cli.watching import watch as follow


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Administration")(restore)


@one_line
def restore(  # noqa: PLR0917 - typer passes options by name
    snapshot: str,
    target: Annotated[str, typer.Option(help="Absolute folder on the machine.")],
    policy: Annotated[ConflictPolicy, typer.Option(help="What to do with a file that is already there.")],
    path: Annotated[
        list[str] | None, typer.Option(help="Absolute path in the snapshot; all without it.")
    ] = None,
    agent: Annotated[
        str, typer.Option(help="Name or id; so far only the agent that made the snapshot.")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow it; its end decides the exit code.")] = False,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Restore a snapshot, or some paths of it, into a folder; every file is verified.

    With --watch the exit code is the run's: 0 succeeded, 3 with warnings, 1 failed, 4 cancelled.
    """
    api = client(session_path)
    found = api.find("/snapshots", snapshot)
    body = {
        "snapshot_id": found["id"],
        "agent_id": api.id_of("/agents", agent) if agent else found["agent_id"],
        "selection": path or [],
        "target_folder": target,
        "policy": policy.value,
    }
    run = api.post("/restores", body)["run"]
    if watch:
        raise typer.Exit(follow(api, run["id"], as_json=as_json))
    show_one(run, FACTS, as_json=as_json)
