"""Requests nobody would think of, made from the OpenAPI document: no 5xx, and every answer as it is documented."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sbs_server.api.app import described_app
from sbs_server.auth.sessions import COOKIE
from sbs_server.testing.api import Api, served

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# The server's own answer to a request line or header that HTTP does not allow.
_BAD_REQUEST, _NOT_HTTP = 400, b"Invalid HTTP request received."
# Live views have no end; everything else is asked for.
schema = schemathesis.openapi.from_dict(described_app().openapi()).exclude(
    operation_id=["session_delete", "runs_events", "events_follow"]
)


@dataclass(frozen=True, slots=True)
class Target:
    """A served API and a platform operator who is signed in to it."""

    url: str
    headers: dict[str, str]
    organization_id: str


@pytest.fixture(scope="module")
async def target(
    api_stage: Api, unused_tcp_port_factory: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    port = unused_tcp_port_factory()
    person = await api_stage.person(is_platform_operator=True)
    headers = {
        "X-Sbs-Ingress": api_stage.services.settings.http.ingress_secret(),
        "X-CSRF-Token": person.client.headers["X-CSRF-Token"],
        "Cookie": f"{COOKIE}={person.client.cookies[COOKIE]}",
        "Host": "localhost",
    }
    log = tmp_path_factory.mktemp("fuzz") / "log"
    async with served(api_stage.services.settings, port, log):
        yield Target(f"http://127.0.0.1:{port}", headers, str(person.organization_id))


@pytest.mark.slow
@pytest.mark.timeout(600)  # a sign-in is slow on purpose, and there are many of them
@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_it(case: Case[Any], target: Target) -> None:
    if "organization_id" in case.path_parameters:
        # An invented organization would be answered with 404 and nothing behind it be reached.
        case.path_parameters["organization_id"] = target.organization_id
    response = case.call(base_url=target.url, headers=target.headers, timeout=60)
    if response.status_code == _BAD_REQUEST and response.content == _NOT_HTTP:
        return  # what is no HTTP never reaches the application
    case.validate_response(response, checks=CHECKS)
