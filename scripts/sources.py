"""What the checks share: which files there are, and how a finding is told."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("protocol", "restic", "server", "agent", "demo", "scripts", "bench", "tests")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something against a rule. A warning is told and forgiven."""

    path: Path
    line: int
    text: str
    warning: bool = False

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {'warning: ' if self.warning else ''}{self.text}"


def python_files(arguments: Sequence[str] = ()) -> list[Path]:
    """The files named by `arguments`, else all of the project's."""
    return [Path(name).resolve() for name in arguments] or sorted(_all_files())


def _all_files() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")


def report(what: str, files: Sequence[Path], findings: Iterable[Finding]) -> int:
    """Print the findings and a closing line; 1 if there is more than warnings."""
    found = list(findings)
    for finding in found:
        print(finding, file=sys.stderr)
    errors = sum(not finding.warning for finding in found)
    print(f"{what}: {len(files)} files, {errors} errors, {len(found) - errors} warnings")
    return 1 if errors else 0
