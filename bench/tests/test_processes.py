"""CPU time and memory of process trees."""

import os
import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.processes import cpu_of_trees, measured, memory_of_tree, run_measured

_BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
_NESTED = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_BURN!r}])"


def test_the_time_of_a_child_that_has_ended_belongs_to_the_tree() -> None:
    usage = measured(lambda: subprocess.run([sys.executable, "-c", _NESTED], check=True), [os.getpid()], [])
    assert usage.client_cpu_s >= 0.3
    assert usage.servers_cpu_s == 0
    assert usage.wall_s >= 0.3


def test_a_command_is_told_from_the_servers_it_uses() -> None:
    usage = run_measured([sys.executable, "-c", _BURN], [])
    assert usage.client_cpu_s >= 0.3
    assert usage.cpu_s == usage.client_cpu_s


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="ended with 3"):
        run_measured([sys.executable, "-c", "raise SystemExit(3)"], [])


def test_memory_is_that_of_all_processes_of_a_tree() -> None:
    code = "data = b'x' * (64 << 20); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert memory_of_tree(os.getpid()) > memory_of_tree(child.pid) > 64 << 20
        child.communicate(b"\n")


def test_a_server_that_is_gone_is_no_measurement() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(BenchError, match="has ended"):
        cpu_of_trees([child.pid])
