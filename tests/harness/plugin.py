"""Fixtures: one platform for a session, one machine for a module."""

from collections.abc import Iterator

import pytest

from tests.harness.installation import Agent, Installation, enrolled, installed


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    with installed() as running:
        yield running


@pytest.fixture(scope="module")
def agent(installation: Installation) -> Iterator[Agent]:
    with enrolled(installation) as machine:
        yield machine
