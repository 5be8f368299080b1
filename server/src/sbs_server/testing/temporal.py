"""A pytest plugin: Temporal's dev server, for tests that bring workers of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from sbs_server.embedded import binaries


@pytest_asyncio.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    """A client of a server that nothing but this test module uses."""
    server = str(binaries.script("temporal"))
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=server) as environment:
        yield environment.client
