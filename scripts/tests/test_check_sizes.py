from pathlib import Path

from scripts.check_sizes import findings

LONG = "def long():\n" + "    pass\n" * 50


def texts(source: str) -> list[str]:
    return [str(found) for found in findings(Path("module.py"), source)]


def test_a_function_of_fifty_lines_is_fine() -> None:
    assert texts("def short():\n" + "    pass\n" * 49) == []


def test_a_longer_function_is_told_with_its_name_and_line() -> None:
    [found] = texts("\n" + LONG)
    assert found.startswith("module.py:2: long has 51 lines")


def test_methods_and_coroutines_are_functions_too() -> None:
    source = "class A:\n    async def long(self):\n" + "        pass\n" * 50
    assert len(texts(source)) == 1


def test_a_reason_on_the_line_of_the_def_or_above_it_is_accepted() -> None:
    assert texts("# long: one table\n" + LONG) == []
    assert texts(LONG.replace("def long():", "def long():  # long: one table")) == []
    assert texts("# long: one table\n@decorated\n" + LONG) == []


def test_a_mark_without_a_reason_is_not_accepted() -> None:
    assert len(texts("# long:\n" + LONG)) == 1


def test_a_file_is_warned_of_from_400_lines_on_and_refused_above_600() -> None:
    assert texts("\n" * 400) == []
    [warning] = findings(Path("module.py"), "\n" * 401)
    assert warning.warning
    [refusal] = findings(Path("module.py"), "\n" * 601)
    assert not refusal.warning
