"""One platform for all faults: its agents come through a cable, a second storage root is a small disk."""

from collections.abc import Iterator

import pytest

from tests.faults.matrix import today
from tests.harness.cable import Cable
from tests.harness.disk import SmallDisk, may_mount, small_disk
from tests.harness.faults import Place
from tests.harness.folder import temporary_folder
from tests.harness.installation import Installation, enrolled, installed

_DISK_BYTES = 320 * 2**20


def pytest_report_header() -> str:
    return f"faults: the quick part is that of SBS_FAULT_DAY={today()}"


@pytest.fixture(scope="session")
def cable() -> Iterator[Cable]:
    made = Cable()
    yield made
    made.close()


@pytest.fixture(scope="session")
def disk() -> Iterator[SmallDisk | None]:
    """None for an ordinary user, who can't mount one."""
    if not may_mount():
        yield None
        return
    with temporary_folder("disk") as folder:
        folder.chmod(0o1777)  # the platform's account makes its repositories there
        with small_disk(folder, _DISK_BYTES) as made:
            yield made


@pytest.fixture(scope="session")
def installation(cable: Cable, disk: SmallDisk | None) -> Iterator[Installation]:
    with installed(cable.environment, more_storage=[disk.folder] if disk else []) as running:
        cable.join(running.services.ports["agents"], running.services.ports["nats_public"])
        yield running


@pytest.fixture(scope="module")
def place(installation: Installation, cable: Cable, disk: SmallDisk | None) -> Iterator[Place]:
    with enrolled(installation) as agent:
        yield Place(installation, agent, cable, disk)
