"""Check the size of functions and files: `python -m scripts.check_sizes [PATH...]`.

A function above 50 lines (from `def` to its end, text included) says why in a comment `# long: <reason>` on the
line of its `def` or the one above. A file above 600 lines is split by idea; from 400 on there is a warning.
Exempt are database migrations: written once, never edited, never read again as a whole.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.sources import Finding, python_files, report

MOST_IN_FUNCTION = 50
MANY_IN_FILE, MOST_IN_FILE = 400, 600
EXEMPT = "*/migrations/versions/*.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def findings(path: Path, text: str) -> Iterator[Finding]:
    """What is too long in the file `path` with the content `text`."""
    lines = text.splitlines()
    if len(lines) > MOST_IN_FILE:
        yield Finding(path, 1, f"{len(lines)} lines; split it by idea (at most {MOST_IN_FILE})")
    elif len(lines) > MANY_IN_FILE:
        yield Finding(path, 1, f"{len(lines)} lines; it is time to split it by idea", warning=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function) and _length(node) > MOST_IN_FUNCTION and not _explained(node, lines):
            yield Finding(
                path,
                node.lineno,
                f"{node.name} has {_length(node)} lines (at most {MOST_IN_FUNCTION}); split it, or say why not in a "
                "comment `# long: <reason>` on the line of its def or above",
            )


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _explained(node: Function, lines: Sequence[str]) -> bool:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    near = [lines[node.lineno - 1], *lines[max(first - 2, 0) : first - 1]]
    return any(line.partition("# long:")[2].strip() for line in near)


def main(arguments: Sequence[str]) -> int:
    """1 if anything is too long."""
    files = [path for path in python_files(arguments) if not path.match(EXEMPT)]
    return report("sizes", files, (found for path in files for found in findings(path, path.read_text())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
