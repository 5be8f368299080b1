"""Check the chain of migrations without a database: `python -m scripts.check_migrations`.

One line of revisions with one head, and none that can't be undone. That they run up and down with data in the
tables, and give what the models say, is tested on a real PostgreSQL (make test-unit).
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.sources import ROOT, Finding, report

VERSIONS = ROOT / "server" / "src" / "sbs_server" / "migrations" / "versions"


def revision_of(tree: ast.Module) -> tuple[str | None, str | None]:
    """`revision` and `down_revision` of a migration."""
    values: dict[str, str | None] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            values[target.id] = value.value if isinstance(value.value, str) else None
    return values.get("revision"), values.get("down_revision")


def does_something(tree: ast.Module, name: str) -> bool:
    """Whether the module has a function `name` that is more than `pass` or a text."""
    bodies = [node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return any(
        not isinstance(step, ast.Pass | ast.Raise) and not _is_text(step) for body in bodies for step in body
    )


def _is_text(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def findings(texts: Mapping[Path, str]) -> Iterator[Finding]:
    """What is wrong with the migrations: path to content."""
    trees = {path: ast.parse(text) for path, text in texts.items()}
    heads = {revision_of(tree)[0]: path for path, tree in trees.items()}
    followers: dict[str | None, Path] = {}
    for path, tree in trees.items():
        before = revision_of(tree)[1]
        heads.pop(before, None)
        if before in followers:
            yield Finding(path, 1, f"follows {before} like {followers[before].name}: put one after the other")
        followers.setdefault(before, path)
        for name in ("upgrade", "downgrade"):
            if not does_something(tree, name):
                yield Finding(path, 1, f"{name}() does nothing: each migration goes up and down")
    if len(heads) != 1:
        yield Finding(
            VERSIONS, 1, f"{len(heads)} heads instead of one: {sorted(str(head) for head in heads)}"
        )


def main() -> int:
    """1 if anything is wrong."""
    texts = {path: path.read_text() for path in sorted(VERSIONS.glob("*.py"))}
    return report("migrations", list(texts), findings(texts))


if __name__ == "__main__":
    sys.exit(main())
