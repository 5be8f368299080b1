"""Ratios, goals, tables and files of results."""

import json
from pathlib import Path

import pytest

from bench.results import Goal, Metric, Result, alone, compared, markdown, percentile, summarised, table


def test_the_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    metric = compared("wall", "s", [10, 30, 11], [10, 10, 10])
    assert (metric.ours, metric.other) == (11, 10)
    assert metric.ratio == pytest.approx(1.1)
    assert compared("wall", "s", [1, 4, 100], [1, 2, 10]).ratio == 2


def test_sides_with_different_numbers_of_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compared("wall", "s", [1, 2], [1])


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(1.1), True),
        (Goal(1.0), False),
        (Goal(1.0, at="least"), True),
        (Goal(1.2, at="least"), False),
        (Goal(11, of="ours"), True),
        (Goal(10.9, of="ours"), False),
        (None, None),
    ],
)
def test_a_goal_binds_the_ratio_or_our_number_from_above_or_below(
    goal: Goal | None, met: bool | None
) -> None:
    assert compared("wall", "s", [11], [10], goal=goal).met is met


def test_a_goal_without_a_number_is_neither_met_nor_missed() -> None:
    metric = alone("demo passes", "", [], goal=Goal(1, at="least", of="ours"))
    assert (metric.ours, metric.met) == (None, None)
    assert alone("no other side", "s", [3], goal=Goal(1.1)).met is None


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)
    assert percentile([7], 99) == 7


def test_a_summary_over_all_rounds_is_compared_as_a_whole() -> None:
    metric = summarised("p100", "s", max, [1, 4], [2, 1])
    assert (metric.ours, metric.other, metric.ratio) == (4, 2, 2)


def test_the_table_shows_every_metric_with_its_goal_and_whether_it_is_met() -> None:
    metrics = [
        compared("backup", "s", [12], [10], goal=Goal(1.1)),
        compared("speed", "MiB/s", [95], [100], goal=Goal(0.9, at="least")),
        compared("start", "s", [0.5], [0.25], goal=Goal(1, of="ours")),
        alone("memory", "MB", [], note="there is none"),
    ]
    lines = [line.split() for line in table(metrics).splitlines()]
    assert lines[0] == ["metric", "ours", "other", "ratio", "goal", "met"]
    assert lines[1:] == [
        ["backup", "12", "s", "10", "s", "1.2", "≤", "1.1", "NO"],
        ["speed", "95", "MiB/s", "100", "MiB/s", "0.95", "≥", "0.9", "yes"],
        ["start", "0.5", "s", "0.25", "s", "2", "≤", "1", "s", "yes"],
        ["memory", "-", "-", "-", "-", "-"],
    ]
    assert markdown(metrics).splitlines()[2] == "| backup | 12 s | 10 s | 1.2 | ≤ 1.1 | NO |"


def test_the_file_has_what_the_numbers_depend_on_and_the_raw_numbers_of_each_side(tmp_path: Path) -> None:
    document = json.loads(
        _result([compared("wall", "s", [1.23456], [1], goal=Goal(1.1))]).write(tmp_path).read_text()
    )
    assert {"name", "command", "date", "machine", "versions", "sizes", "metrics"} == set(document)
    assert document["metrics"] == [
        {
            "metric": "wall",
            "unit": "s",
            "ours": 1.235,
            "other": 1,
            "ratio": 1.235,
            "goal": 1.1,
            "goal_is": "ratio at most",
            "met": False,
            "note": "",
            "runs": {"ours": [1.235], "other": [1]},
        }
    ]


def test_the_page_beside_the_file_tells_machine_versions_and_notes(tmp_path: Path) -> None:
    path = _result([alone("memory", "MB", [3], note="nobody else has it")]).write(tmp_path)
    page = path.with_suffix(".md").read_text()
    for part in (
        "# some",
        "`python -m bench some`",
        "| memory | 3 MB |",
        "- memory: nobody",
        "- cpu: x",
        "- restic: 0",
    ):
        assert part in page


def _result(metrics: list[Metric]) -> Result:
    command = "python -m bench some"
    return Result("some", command, "2026-01-01", {"cpu": "x"}, {"restic": "0"}, {"rounds": 1}, metrics)
