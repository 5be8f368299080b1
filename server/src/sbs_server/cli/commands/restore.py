"""`sbs restore`: files back to a machine."""

from typing import Annotated

import typer

from sbs_protocol.commands import ConflictPolicy
from sbs_server.cli.client import Client
from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.errors import UsageError
from sbs_server.cli.output import show_one
from sbs_server.cli.telling import FACTS
from sbs_server.cli.values import Json, printable
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
        str, typer.Option(help="Which agent restores: name or id (default: the one that made the snapshot).")
    ] = "",
    from_other_agent: Annotated[
        bool,
        typer.Option(
            "--from-other-agent",
            help="Let --agent read what the snapshot's agent has backed up, and learn the password of its restic "
            "repository. Administrators only.",
        ),
    ] = False,
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
        **_restoring(api, found, agent, allowed=from_other_agent),
        "selection": path or [],
        "target_folder": target,
        "policy": policy.value,
    }
    run = api.post("/restores", body)["run"]
    if watch:
        raise typer.Exit(follow(api, run["id"], as_json=as_json))
    show_one(run, FACTS, as_json=as_json)


def _restoring(api: Client, snapshot: Json, agent: str, *, allowed: bool) -> Json:
    """Which agent restores, and whether it is another one than the snapshot's. UsageError: that was not said."""
    if allowed and not agent:
        raise UsageError("--from-other-agent: say which agent restores, with --agent")
    chosen = api.id_of("/agents", agent) if agent else snapshot["agent_id"]
    if chosen == snapshot["agent_id"]:
        return {"agent_id": chosen}
    if not allowed:
        source = printable(snapshot["agent_name"])
        raise UsageError(
            f"--agent {printable(agent)}: the snapshot was taken from {source}; --from-other-agent lets this one "
            f"read what {source} has backed up (administrators only)"
        )
    return {"agent_id": chosen, "from_other_agent": True}
