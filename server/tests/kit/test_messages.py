"""Every text a person may read is there in both languages, and says the same in both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sbs_server
from sbs_server.kit import errors
from sbs_server.kit.i18n import LOCALES, catalogue

ROOT = Path(sbs_server.__file__).parent
# Programs for people at the machine and the gateway, whose client is restic, speak for themselves.
OTHER_TREES = {"gateway", "embedded", "testing", "migrations"}
CODE = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")
RAISED = {name for name, value in vars(errors).items() if isinstance(value, type) and name.endswith("Error")}
# Where the code stands among the arguments.
POSITIONS = {**dict.fromkeys(RAISED, 0), "FieldProblem": 1, "invalid": 1, "PydanticCustomError": 0}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        if not OTHER_TREES & set(path.relative_to(ROOT).parts):
            yield path, ast.parse(path.read_text("utf-8"))


def used(tree: ast.Module) -> Iterator[str]:
    """Codes given to errors, and those in tables called *_CODES."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            place = POSITIONS.get(name)
            if place is not None and len(node.args) > place:
                yield from constants(node.args[place])
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id.endswith("_CODES") for target in targets):
                yield from constants(node.value)


def constants(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def test_every_code_in_the_source_has_a_text() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {code}"
        for path, tree in sources()
        for code in used(tree)
        if code not in catalogue()
    }
    assert missing == set()


def test_the_walk_finds_codes_at_all() -> None:
    found = {code for _, tree in sources() for code in used(tree)}
    assert {"session.refused", "enrolment.token_used", "field.missing", "organization.name_taken"} <= found


def test_every_status_of_an_error_has_a_title() -> None:
    statuses = {getattr(errors, name).status for name in RAISED}
    assert {f"status.{status}" for status in statuses} <= set(catalogue())


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_both_languages_have_the_same_parts(code: str) -> None:
    entry = catalogue()[code]
    assert set(entry) == set(LOCALES)
    assert set(entry["en"]) == set(entry["ru"]) <= {"text", "hint"}
    for part in entry["en"]:
        placeholders = [set(re.findall(r"\{(\w+)\}", entry[locale][part])) for locale in LOCALES]
        assert placeholders[0] == placeholders[1]
        assert all(entry[locale][part].strip() for locale in LOCALES)


def test_russian_is_russian() -> None:
    latin = [
        code
        for code, entry in catalogue().items()
        if not re.search("[а-яё]", entry["ru"]["text"], re.IGNORECASE)
    ]
    assert latin == []
