"""Signals to children: the exit code that is told afterwards is the child's own."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from sbs_restic.cli.control import ProcessControl, system_control

CHILDREN = 40


@pytest.mark.skipif(sys.platform != "linux", reason="others have no descriptors of processes")
@pytest.mark.parametrize("ask", ["interrupt", "terminate"])
def test_a_stranger_who_has_got_the_number_of_a_child_that_has_ended_gets_no_signal(
    ask: str,
) -> None:
    """The stranger is this process: no child of ours, as it would be. The child's end is not known yet."""
    got: list[int] = []
    reaped = SimpleNamespace(pid=os.getpid(), returncode=None)
    number = signal.SIGINT if ask == "interrupt" else signal.SIGTERM
    before = signal.signal(number, lambda number, _frame: got.append(number))
    try:
        getattr(system_control(), ask)(reaped)
        assert got == []
    finally:
        signal.signal(number, before)


async def _end_of_one(control: ProcessControl, end: Callable[[asyncio.subprocess.Process], None]) -> int:
    with control.inputs(None) as inputs:
        process = await control.spawn(["/bin/sleep", "60"], control.environment(), inputs, 1000)
    end(process)
    async with asyncio.timeout(60):
        return await process.wait()


@pytest.mark.parametrize("how", ["kill", "terminate_twice"])
async def test_who_was_ended_by_a_signal_is_told_to_have_been(how: str) -> None:
    """Many, since the wrong code came only when the child's end met the next signal."""
    control = system_control()

    def twice(process: asyncio.subprocess.Process) -> None:
        for _ in range(3):
            control.terminate(process)

    end, expected = (control.kill, -signal.SIGKILL) if how == "kill" else (twice, -signal.SIGTERM)
    assert {await _end_of_one(control, end) for _ in range(CHILDREN)} == {expected}
