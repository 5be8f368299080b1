"""The main job, step by step, as an administrator would do it."""

import base64
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.api import Api, restore_order
from demo.compare import Aspect, compare
from demo.entries import Reader
from demo.errors import DemoError
from demo.machine import Machine
from demo.manifest import write_manifest
from demo.platform import Platform
from demo.report import Report
from demo.sample import Sample
from demo.tree import remove_tree
from demo.waiting import until

_JOB, _REPOSITORY = "Documents", "Main"
_KEEP_LAST = 10
_WARNINGS_NAMED = 5
# Enough for the edit to reach the workflow server before the schedule is due.
_LEAD_S = 4
# A schedule has whole minutes; the job's own offset says at which second of it this job starts.
_EVERY_MINUTE = "* * * * *"
_LEFT_OUT = {
    Aspect.NEW_HOLES: "restic restores sparsely: long runs of written zeros become holes",
    Aspect.ROOT: "the restore is asked for the folder's contents and parents, whose times are made anew",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A point in time: its snapshot, and the manifest made just before."""

    name: str
    run: dict[str, Any]
    manifest: Path


class Story:
    def __init__(self, api: Api, machine: Machine, platform: Platform, folder: Path, report: Report) -> None:
        self._api = api
        self._machine = machine
        self._platform = platform
        self._folder = folder
        self._report = report
        self._tree = Sample(machine.folder / "documents", folder / "sample.json", machine.person)

    def tell(self) -> None:
        """All of it. Raises DemoError at the first thing that does not hold."""
        with self._report.step("make a repository behind the gateway"):
            repository = self._repository()
        with self._report.step("enrol the agent"):
            self._enrol()
        with self._machine.running():
            with self._report.step("the agent reports for duty"):
                agent = until(self._agent, 60, "the agent to connect and to say what it runs")
                self._report.component("agent", agent["agent_version"])
                self._report.component("restic", agent["restic_version"])
            with self._report.step("make the files"):
                again = self._tree.open()
                self._say("working on the files of the run before" if again else "new files")
            job = self._job(agent["id"], repository["id"])
            self._two_points(job)

    def _two_points(self, job: dict[str, Any]) -> None:
        first = self._point("on demand", lambda: self._api.post(f"/jobs/{job['id']}/runs")["items"][0])
        with self._report.step("change some files"):
            self._say(", ".join(f"{count} {what}" for what, count in self._tree.change().items() if count))
        try:
            second = self._point("by schedule", lambda: self._scheduled(job))
        finally:
            self._api.post(f"/jobs/{job['id']}/pause")  # else it would go on each minute
        for point in (first, second):
            self._restore(point)

    def _point(self, name: str, start: Any) -> Point:
        manifest = self._folder / f"manifest-{name.replace(' ', '-')}.jsonl"
        person = self._machine.person
        with self._report.step(f"write the manifest of the files ({name})"):
            reader = Reader(person.uid, frozenset({person.gid}))
            write_manifest(self._tree.root, manifest, reader)
        with self._report.step(f"back up {name}"):
            run = self._watched(start())
            if run["state"] not in {"succeeded", "completed_with_warnings"}:
                raise DemoError(f"the backup {name} ended as {run['state']}: {self._why(run)}")
        self._count(name, run)
        return Point(name, run, manifest)

    def _count(self, name: str, run: dict[str, Any]) -> None:
        snapshot = self._snapshot(run)
        self._report.backed_up(snapshot["files"], snapshot["size_bytes"], 1)
        reported = [_path(warning) for warning in self._api.all(f"/runs/{run['id']}/warnings", limit=500)]
        self._report.unreadables(name, self._tree.planted(), reported)

    def _scheduled(self, job: dict[str, Any]) -> dict[str, Any]:
        """Lets the job's schedule come due in a few seconds and waits for the run it starts."""
        before = {run["id"] for run in self._api.all("/runs", job_id=job["id"])}
        second = (datetime.now().astimezone().second + _LEAD_S) % 60
        self._api.patch(f"/jobs/{job['id']}", {"cron": _EVERY_MINUTE, "offset_s": second})
        self._api.post(f"/jobs/{job['id']}/resume")
        return until(lambda: self._new_run(job["id"], before), 90, "the schedule to start a run")

    def _new_run(self, job_id: str, before: set[str]) -> dict[str, Any] | None:
        runs = self._api.all("/runs", job_id=job_id)
        return next((run for run in runs if run["id"] not in before and run["trigger"] == "schedule"), None)

    def _restore(self, point: Point) -> None:
        target = self._machine.folder / "restored" / point.name.replace(" ", "-")
        remove_tree(target)
        self._machine.person.own(target.parent)
        with self._report.step(f"restore the point in time ({point.name})"):
            order = restore_order(self._snapshot(point.run)["id"], point.run["agent_id"], target)
            run = self._watched(self._api.post("/restores", order)["run"])
            if run["state"] != "succeeded":
                raise DemoError(f"the restore ({point.name}) ended as {run['state']}: {self._why(run)}")
        with self._report.step(f"compare it with its manifest ({point.name})"):
            restored = Path(str(target) + str(self._tree.root))
            self._report.verified(point.name, compare(point.manifest, restored, _LEFT_OUT))

    def _snapshot(self, run: dict[str, Any]) -> dict[str, Any]:
        snapshots = self._api.all("/snapshots", agent_id=run["agent_id"])
        found = next((snapshot for snapshot in snapshots if snapshot["run_id"] == run["id"]), None)
        if found is None:
            raise DemoError(f"run {run['id']} ended as {run['state']}, but its snapshot is not listed")
        return found

    def _repository(self) -> dict[str, Any]:
        found = self._api.named("/repositories", _REPOSITORY)
        path = self._platform.data_dir / "storage" / "demo"
        made: dict[str, Any] = found or self._api.post(
            "/repositories", {"name": _REPOSITORY, "path": str(path)}
        )
        return made

    def _enrol(self) -> None:
        if self._machine.enrolled():
            self._say("already enrolled")
            return
        token = self._api.post("/enrolment-tokens", {"name": "demo", "expires_in_s": 600})["token"]
        self._machine.enrol(self._platform.console_url, token)

    def _agent(self) -> dict[str, Any] | None:
        """Connected, and its first words have come: a new one is connected before they are written down."""
        agent: dict[str, Any] = self._api.get(f"/agents/{self._machine.agent_id()}")
        return agent if agent["connected"] and agent["restic_version"] else None

    def _job(self, agent_id: str, repository_id: str) -> dict[str, Any]:
        """The job, paused until its schedule is wanted."""
        wanted = {
            "name": _JOB,
            "sources": [str(self._tree.root)],
            "agent_ids": [agent_id],
            "repository_ids": [repository_id],
            "cron": _EVERY_MINUTE,
            "keep_last": _KEEP_LAST,
        }
        with self._report.step("make a job with a schedule"):
            found = self._api.named("/jobs", _JOB)
            job: dict[str, Any] = found or self._api.post("/jobs", {**wanted, "paused": True})
            return job

    def _watched(self, run: dict[str, Any]) -> dict[str, Any]:
        ended = self._api.watch(run["id"], self._show)
        self._show("")
        return ended

    def _why(self, run: dict[str, Any]) -> str:
        """Its error, else the first of its warnings: a restore names there the owners that it could not give back."""
        if error := run["error"]:
            return f"{error['code']}: {error['message']} {error['detail'] or ''}"
        warnings = self._api.get(f"/runs/{run['id']}/warnings", limit=_WARNINGS_NAMED)["items"]
        return "; ".join(f"{one['path']}: {one['message']}" for one in warnings) or "no reason was given"

    def _show(self, text: str) -> None:
        """One line that is written over, on a terminal; nothing elsewhere."""
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"\r{text[:width]:<{width}}\r")
            sys.stdout.flush()

    def _say(self, text: str) -> None:
        print(f"    {text}")


def _path(warning: dict[str, Any]) -> bytes:
    raw = warning.get("path_raw")
    return base64.b64decode(raw) if raw else str(warning["path"]).encode()
