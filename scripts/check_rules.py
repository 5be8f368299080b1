"""Check rules that no linter knows: `python -m scripts.check_rules [PATH...]`.

commit   `.commit(` in the server only in kit/db: one transaction for a request, message or activity, committed
         at its edge. Tests may.
env      the environment is read in config modules and entry points; elsewhere in our packages a line that
         touches it says why in a comment `# env: <reason>`.
tenant   `set_config(` only where a transaction is told its tenant: one file. Another would be a way around
         row-level security.
sleep    a test waits for a condition: a sleep is at most the pause of a `while` loop that asks for one.
reason   whoever switches a check off says why, on the line: `# noqa: E501 - <reason>`,
         `# type: ignore[code]  # <reason>`; so does whoever catches every error there is and does not raise it on.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.sources import ROOT, Finding, python_files, report

SERVER = "server/src/sbs_server/"
TENANT_FILE = SERVER + "kit/db/session.py"
ENVIRONMENT = {"environ", "environb", "getenv", "putenv"}
_SWITCH = re.compile(
    r"(?:ruff: |flake8: )?noqa(?:: ?[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)?|type: ?ignore(?:\[[^\]]*\])?"
)
_LETTERS = re.compile(r"\w{2}")


def findings(name: str, text: str) -> Iterator[Finding]:
    """What is against a rule in the file `name` (path from the project's root, with `/`) with content `text`."""
    tree, lines = ast.parse(text), text.splitlines()
    path = ROOT / name
    test = "/tests/" in f"/{name}" or "/testing/" in name
    for node in ast.walk(tree):
        if name.startswith(SERVER) and not test:
            yield from _commit(path, name, node)
        if "/src/" in name and not test:
            yield from _environment(path, name, node, lines)
        if "/src/" in name:
            yield from _tenant(path, name, node)
    if "/tests/" in f"/{name}":
        yield from _sleeps(path, tree)
    yield from _reasons(path, tree, _comments(text))


def _commit(path: Path, name: str, node: ast.AST) -> Iterator[Finding]:
    if name.startswith(SERVER + "kit/db/"):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
        yield Finding(path, node.lineno, "commit: the edge commits (kit/db, kit/http/edge), nobody else")


def _environment(path: Path, name: str, node: ast.AST, lines: Sequence[str]) -> Iterator[Finding]:
    if name.endswith("/config.py") or not isinstance(node, ast.Attribute) or node.attr not in ENVIRONMENT:
        return
    if not (isinstance(node.value, ast.Name) and node.value.id == "os"):
        return
    near = lines[max(node.lineno - 2, 0) : node.lineno]
    if not any(line.partition("# env:")[2].strip() for line in near):
        text = "env: config.py reads the environment; take the value from there, or say why not: `# env: <reason>`"
        yield Finding(path, node.lineno, text)


def _tenant(path: Path, name: str, node: ast.AST) -> Iterator[Finding]:
    if name == TENANT_FILE:
        return
    spoken = (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and "set_config(" in node.value.lower()
    )
    called = isinstance(node, ast.Attribute) and node.attr == "set_config"
    if spoken or called:
        line = getattr(node, "lineno", 1)
        yield Finding(path, line, "tenant: only kit/db/session.py sets a transaction's tenant")


def _sleeps(path: Path, tree: ast.Module) -> Iterator[Finding]:
    pauses = {id(call) for loop in ast.walk(tree) if isinstance(loop, ast.While) for call in ast.walk(loop)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _is_sleep(node.func)) or id(node) in pauses:
            continue
        if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0:
            continue  # gives way once, which is no waiting
        yield Finding(path, node.lineno, "sleep: a test waits for a condition, never for time")


def _is_sleep(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr == "sleep" and function.value.id in {"time", "asyncio", "anyio"}
    return isinstance(function, ast.Name) and function.id == "sleep"


def _comments(text: str) -> dict[int, str]:
    """The comment of each line that has one, without its first `#`."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string[1:] for token in tokens if token.type == tokenize.COMMENT}


def _reasons(path: Path, tree: ast.Module, comments: dict[int, str]) -> Iterator[Finding]:
    for line, comment in comments.items():
        rest = _SWITCH.sub("", comment)
        if rest != comment and not _LETTERS.search(rest):
            yield Finding(
                path, line, "reason: say why this check is switched off here: `# noqa: E501 - <reason>`"
            )
    for node in ast.walk(tree):
        if not (isinstance(node, ast.ExceptHandler) and _catches_all(node.type)) or _raises(node):
            continue
        if not _LETTERS.search(comments.get(node.lineno, "")):  # a mere `noqa` is told of above
            text = "reason: name the errors that are meant, or say on the line why it has to be every one"
            yield Finding(path, node.lineno, text)


def _catches_all(caught: ast.expr | None) -> bool:
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether it tidies up and passes the error on as it is."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def main(arguments: Sequence[str]) -> int:
    """1 if anything is against a rule."""
    files = python_files(arguments)
    found = (
        finding for path in files for finding in findings(path.relative_to(ROOT).as_posix(), path.read_text())
    )
    return report("rules", files, found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
