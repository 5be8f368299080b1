"""The OpenAPI document: complete, consistent, and the same each time."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sbs_server.api.app import described_app
from sbs_server.api.routers import TAGS

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "openapi.py"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described_app().openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield path, method, operation


def test_it_is_openapi_3_1_of_the_administrators_api_alone(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/api/v1/") for path in document["paths"])


def test_operation_ids_are_unique_and_begin_with_their_tag(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for _, _, operation in operations(document):
        (tag,) = operation["tags"]
        assert tag in TAGS
        assert re.fullmatch(rf"{tag}_[a-z_]+", operation["operationId"])


def test_every_operation_is_described_secured_and_answers_with_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("description"), where
        if operation["operationId"] not in {"session_create", "about_get"}:
            assert "session" in operation["security"][0], where
            assert ("csrf" in operation["security"][0]) == (method != "get"), where
        assert any(status.startswith("2") for status in operation["responses"]), where
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                assert list(response["content"]) == ["application/problem+json"], f"{where} {status}"


def test_every_reference_leads_somewhere_and_no_schema_is_left_over(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert used == set(document["components"]["schemas"])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )


def test_script_writes_the_same_file_each_time_and_notices_a_stale_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "openapi.json"
    missing = run("--check", "--target", str(target))
    assert (missing.returncode, "is stale" in missing.stderr) == (1, True)
    assert run("--target", str(target)).returncode == 0
    first = target.read_text()
    assert run("--check", "--target", str(target)).returncode == 0
    target.write_text(first.replace("3.1.0", "3.1.1"))
    assert run("--check", "--target", str(target)).returncode == 1
    assert run("--target", str(target)).returncode == 0
    assert target.read_text() == first
