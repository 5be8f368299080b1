"""Following a run to its end, and saying how it ended."""

import sys
import time

import typer

from sbs_server.cli import telling
from sbs_server.cli.client import Client
from sbs_server.cli.errors import INTERRUPTED, RUN_EXIT_CODES, UnreachableError
from sbs_server.cli.live_line import LiveLine
from sbs_server.cli.output import Fact, field, show_one
from sbs_server.cli.values import Json, counted, duration, printable, size

# In a row, without a word about the run in between.
_BREAKS = 30
_PAUSE_S = 2.0


def watch(client: Client, run_id: str, *, as_json: bool) -> int:
    """Shows progress until the run has ended; gives back the exit code that stands for its state.

    Progress goes to standard error; with `as_json` there is none of it. The end goes to standard output.
    """
    line = LiveLine(sys.stderr)
    try:
        run = _follow(client, run_id, None if as_json else View(line))
    except KeyboardInterrupt as error:
        line.say(
            f"sbs: run {run_id} goes on: `sbs runs watch {run_id}` follows it again, "
            f"`sbs runs cancel {run_id}` stops it"
        )
        raise typer.Exit(INTERRUPTED) from error
    finally:
        line.clear()
    show_one(run, _ENDS.get(run["kind"], telling.FACTS), as_json=as_json)
    return RUN_EXIT_CODES[run["state"]]


class View:
    """What is shown while a run goes on."""

    def __init__(self, line: LiveLine) -> None:
        self._line = line
        self._told = ""
        self._trouble = ""
        self._repositories: dict[str, str] = {}

    def on_run(self, run: Json) -> None:
        """The run's state, and while it waits why: a silent terminal looks like a hang."""
        targets = run.get("targets", [])
        self._repositories = {
            target["restic_repository_id"].replace("-", ""): target["repository_name"] for target in targets
        }
        why = telling.why_it_waits(run.get("wait"))
        told = f"run {run['id']} {telling.state(run)}{f': {why}' if why else ''}"
        if told != self._told:
            self._line.say(told)
            self._told = told

    def on_progress(self, data: Json) -> None:
        where = self._repositories.get(data.get("command_id", "").rsplit(".", 1)[-1])
        # Several repositories are written side by side, each with progress of its own.
        label = f"{printable(where)}: " if where and len(self._repositories) > 1 else ""
        self._line.update(label + progress(data), f"{label}{data['phase']}")

    def on_break(self, error: UnreachableError) -> None:
        """Once for each trouble, however often it is tried."""
        if str(error) != self._trouble:
            self._line.say(f"sbs: {error}; trying again")
            self._trouble = str(error)

    def on_news(self) -> None:
        self._trouble = ""


def progress(data: Json) -> str:
    """Step, files, bytes, rate, time left, warnings and the current file, as far as they are known."""
    total, rate, left = (data.get(name) for name in ("bytes_total", "bytes_per_second", "seconds_left"))
    of_all = f" of {size(total)} ({data['bytes_done'] / total:.0%})" if total else ""
    told = [
        counted(data["files_done"], "file", of=data.get("files_total")),
        f"{size(data['bytes_done'])}{of_all}",
        f"{size(rate)}/s" if rate is not None else "",
        f"{duration(left)} left" if left is not None else "",
        counted(data["warnings"], "warning") if data.get("warnings") else "",
        printable(data.get("current_file") or ""),
    ]
    if not (data["files_done"] or data["bytes_done"] or total):
        return str(data["phase"])  # nothing to count in this step
    return f"{data['phase']}: {', '.join(one for one in told if one)}"


def _follow(client: Client, run_id: str, view: View | None) -> Json:
    """The live view may break off (a restart of the platform): the run's own state decides."""
    silent = 0
    while silent < _BREAKS:
        heard, trouble = _look(client, run_id, view)
        silent = 0 if heard else silent
        try:
            run = _state(client, run_id, with_details=view is not None)
        except UnreachableError as error:
            silent, trouble = silent + 1, error
        else:
            silent = 0
            if run["state"] in RUN_EXIT_CODES:
                return run
            if view is not None:
                view.on_run(run)
        if view is not None and trouble is not None:
            view.on_break(trouble)
        time.sleep(_PAUSE_S if trouble is None else max(_PAUSE_S, trouble.retry_after_s))
    raise UnreachableError(
        f"the live view of run {run_id} broke off again and again, and the run goes on without it; "
        f"look later with `sbs runs watch {run_id}`"
    )


def _look(client: Client, run_id: str, view: View | None) -> tuple[bool, UnreachableError | None]:
    """Until the stream ends. Gives back whether it told anything, and what broke it off."""
    heard = False
    try:
        for event, data in client.events(f"/runs/{run_id}/events"):
            heard = True
            if view is not None:
                _show(view, event, data)
    except UnreachableError as error:
        return heard, error
    return heard, None


def _show(view: View, event: str, data: Json) -> None:
    view.on_news()
    if event == "progress":
        view.on_progress(data)
    elif event == "run":
        view.on_run(data)


def _state(client: Client, run_id: str, *, with_details: bool) -> Json:
    """The run; with what a summary for people says beyond it, once it has ended."""
    run = client.get(f"/runs/{run_id}")
    if with_details and run["kind"] == "restore" and run["state"] in RUN_EXIT_CODES:
        run["restore"] = client.get(f"/restores/{run_id}")
    return run


_BEGINNING = (
    Fact("state", telling.state),
    Fact("error", lambda run: telling.error(run["error"])),
    field("id", "run"),
    field("agent_name", "agent"),
)
_END = (Fact("warnings", telling.warnings), Fact("took", telling.took))
_ENDS = {
    "backup": (
        *_BEGINNING,
        field("job_name", "job"),
        Fact("snapshot", lambda run: run["snapshot_id"] or "none was made"),
        Fact("repositories", telling.targets),
        *_END,
    ),
    "restore": (
        *_BEGINNING,
        Fact("target folder", lambda run: printable(run["restore"]["target_folder"])),
        Fact("files", lambda run: telling.done(run["result"]) or "nothing was restored"),
        *telling.RESTORED,
        *_END,
    ),
}
