"""The administrator's side: the public API, over TLS that is checked against the installation's own root."""

import json
import ssl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from demo.errors import DemoError
from demo.waiting import until

_OPEN = {"waiting", "running"}
_RUN_DEADLINE_S = 240


def has_ended(run: dict[str, Any]) -> bool:
    """Whether a run, as the API or its live view gives it, will change its state no more."""
    return run["state"] not in _OPEN


def restore_order(
    snapshot_id: str, agent_id: str, target: Path, policy: str = "refuse", **more: Any
) -> dict[str, Any]:
    """What to post to `/restores`; `policy` is about files that are in the way."""
    return {
        "snapshot_id": snapshot_id,
        "agent_id": agent_id,
        "target_folder": str(target),
        "policy": policy,
        **more,
    }


class Api:
    """Signed in as the administrator of one organization."""

    def __init__(self, url: str, root_certificate: str) -> None:
        context = ssl.create_default_context(cafile=root_certificate)
        self._http = httpx.Client(base_url=f"{url}/api/v1", verify=context, timeout=30)
        self._organization = ""

    def close(self) -> None:
        self._http.close()

    def sign_in(self, email: str, password: str, organization: str) -> None:
        """Raises DemoError if that is refused, or the organization is not the person's."""
        session = self._answer(self._http.post("/session", json={"email": email, "password": password}))
        self._http.headers["X-CSRF-Token"] = session["csrf_token"]
        ids = [m["organization_id"] for m in session["memberships"] if m["organization_name"] == organization]
        if not ids:
            raise DemoError(f"{email} is no member of {organization}")
        self._organization = f"/organizations/{ids[0]}"

    @property
    def organization_id(self) -> str:
        return self._organization.rpartition("/")[2]

    def get(self, path: str, /, **query: str | int) -> Any:
        return self._answer(self._http.get(self._organization + path, params=query))

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Any:
        """An Idempotency-Key goes with it, so that a repetition with the same `key` does nothing twice."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._answer(self._http.post(self._organization + path, json=body or {}, headers=headers))

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Edits what it has just read."""
        tag = self._http.get(self._organization + path).headers["ETag"]
        return self._answer(self._http.patch(self._organization + path, json=body, headers={"If-Match": tag}))

    def all(self, path: str, /, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        page = self.get(path, **query)
        yield from page["items"]
        while page["next_cursor"]:
            page = self.get(path, **{**query, "cursor": page["next_cursor"]})
            yield from page["items"]

    def named(self, path: str, name: str) -> dict[str, Any] | None:
        """The item of a list with that name."""
        return next((item for item in self.all(path) if item["name"] == name), None)

    def watch(self, run_id: str, show: Callable[[str], None]) -> dict[str, Any]:
        """Follows a run live to its end and gives back the run as it is then."""
        for event, data in self.events(run_id):
            if event == "progress":
                show(_progress(data))
            elif event == "run" and has_ended(data):
                break
        return until(lambda: self._ended(run_id), _RUN_DEADLINE_S, f"the end of run {run_id}")

    def events(self, run_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The run's live view: (`run` or `progress`, data) until the server ends it."""
        address = f"{self._organization}/runs/{run_id}/events"
        with self._http.stream("GET", address, timeout=_RUN_DEADLINE_S) as stream:
            if stream.status_code != httpx.codes.OK:
                stream.read()
                self._answer(stream)
            yield from _events(stream.iter_lines())

    def download(self, path: str, /, **query: str) -> bytes:
        """The body of an answer that is no JSON."""
        response = self._http.get(self._organization + path, params=query)
        if not response.is_success:
            self._answer(response)
        return response.content

    def _ended(self, run_id: str) -> dict[str, Any] | None:
        run: dict[str, Any] = self.get(f"/runs/{run_id}")
        return run if has_ended(run) else None

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json() if response.content else None
        problem = response.json()
        fields = "; ".join(f"{e['pointer']}: {e['message']}" for e in problem.get("errors", []))
        where = f"{response.request.method} {response.request.url.path}"
        raise DemoError(f"{where} answered {response.status_code}: {problem['detail']} {fields}".strip())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events: (event, data as JSON)."""
    event, data = "message", ""
    for line in lines:
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield event, json.loads(data)
            event, data = "message", ""


def _progress(data: dict[str, Any]) -> str:
    mib, total = data["bytes_done"] / 2**20, data.get("bytes_total")
    of = f" of {total / 2**20:.0f}" if total else ""
    rate = data.get("bytes_per_second")
    speed = f", {rate / 2**20:.0f} MiB/s" if rate else ""
    return f"{data['phase']}: {data['files_done']} files, {mib:.0f}{of} MiB{speed}"
