"""What the documents name is there: files, folders, tests, the targets of make, the files behind links."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from scripts import sources
from scripts.sources import ROOT, python_files

DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "web" / "README.md",
        *ROOT.glob("changelog/**/*.md"),
    ]
)
# Of these a document may speak in paths from the project's root. What is built or installed there comes later.
FOLDERS = (*sources.FOLDERS, "changelog", "docs", "requirements", "web")
MADE = ("web/node_modules", "web/apps/admin/dist")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATTERN = re.compile(r"[<>*…{} ]")


def _words(document: Path) -> list[str]:
    return _CODE.findall(_FENCED.sub("", document.read_text(encoding="utf-8")))


@cache
def _tests() -> frozenset[tuple[str, str]]:
    """(file name, test) of every test there is."""
    files = [path for path in python_files() if path.name.startswith("test_")]
    return frozenset(
        (path.name, node.name)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_is_there(document: Path) -> None:
    named = [
        word.partition("::")[0] for word in _words(document) if word.split("/")[0] in FOLDERS and "/" in word
    ]
    paths = [name for name in named if not _PATTERN.search(name) and not name.startswith(MADE)]
    assert [name for name in paths if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_is_there(document: Path) -> None:
    last, missing = "", []
    for word in _words(document):
        file, _, test = word.partition("::")
        if not test:
            continue
        last = last if file == "…" else Path(file).name  # … is the file named before
        if (last, test) not in _tests():
            missing.append(word)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_is_there(document: Path) -> None:
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    text = document.read_text(encoding="utf-8")
    lines = [*_words(document), *"\n".join(_FENCED.findall(text)).splitlines()]
    used = [line.split()[1] for line in lines if re.match(r"make [a-z]", line)]
    assert sorted(set(used) - targets) == []


def test_it_looks_at_something() -> None:
    architecture = ROOT / "docs" / "architecture.md"
    assert architecture in DOCUMENTS
    assert sum("::" in word for word in _words(architecture)) > 10
