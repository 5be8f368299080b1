"""Where a group with a limit may be made."""

from pathlib import Path

import pytest

from bench.control_group import Group, find_parent
from bench.errors import BenchError


def test_the_root_group_of_the_first_version_is_taken(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").touch()
    assert find_parent(None, "4:memory:/\n1:cpu:/\n0::/\n", tmp_path) == tmp_path / "memory"


@pytest.mark.parametrize("below", [".", "unified"])
def test_the_root_group_of_the_second_version_is_taken(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(exist_ok=True)
    (tmp_path / below / "cgroup.controllers").write_text("cpu memory pids\n")
    assert find_parent(None, "0::/\n", tmp_path) == tmp_path / below


def test_a_group_that_somebody_else_manages_is_left_alone_unless_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    with pytest.raises(BenchError, match="that somebody else manages"):
        find_parent(None, "0::/user.slice\n", tmp_path)
    assert find_parent(tmp_path / "mine", "0::/user.slice\n", tmp_path) == tmp_path / "mine"


def test_a_kernel_without_control_of_memory_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(BenchError, match="no control of memory"):
        find_parent(None, "1:cpu:/\n0::/\n", tmp_path)


def test_what_the_kernel_counted_is_read_in_both_versions(tmp_path: Path) -> None:
    (tmp_path / "memory.max_usage_in_bytes").write_text("1024\n")
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    first = Group(tmp_path, first_version=True)
    assert (first.peak_bytes(), first.killed()) == (1024, 2)
    (tmp_path / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    second = Group(tmp_path, first_version=False)
    assert (second.peak_bytes(), second.killed()) == (None, 1)
