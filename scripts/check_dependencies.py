"""Check the dependencies: `python -m scripts.check_dependencies`.

Every package named in requirements/*.in is pinned with hashes in the lock file of the same name, has a line in
docs/dependencies.md, and the lock files agree on versions. No file of requirements/ names a registry's address.
The console's packages are locked by npm: web/package-lock.json has a hash for each, and no address either.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.sources import ROOT, Finding, report

REQUIREMENTS = ROOT / "requirements"
NPM_LOCK = ROOT / "web" / "package-lock.json"
_NAME = re.compile(r"^([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*])?==(\S+)", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links", re.IGNORECASE)


def asked_for(text: str) -> set[str]:
    """Names of the packages that an .in file lists."""
    return {found[1].lower() for line in text.splitlines() if (found := _NAME.match(line))}


def pinned(text: str) -> dict[str, str]:
    """Package to version in a lock file."""
    return {found[1].lower(): found[2] for line in text.splitlines() if (found := _PIN.match(line))}


def unpinned(path: Path, asked: set[str], pins: Mapping[str, str]) -> Iterator[Finding]:
    """Packages that are asked for but not locked."""
    for name in sorted(asked - pins.keys()):
        yield Finding(path, 1, f"{name} is not in {path.with_suffix('.txt').name}: run `make lock`")


def unexplained(path: Path, asked: set[str], document: str) -> Iterator[Finding]:
    """Packages without a line in docs/dependencies.md."""
    for name in sorted(asked):
        if f"`{name}`" not in document:
            yield Finding(path, 1, f"{name} has no line in docs/dependencies.md: what for, and why this one?")


def disagreeing(locks: Mapping[Path, Mapping[str, str]]) -> Iterator[Finding]:
    """Packages that two lock files pin at different versions."""
    seen: dict[str, tuple[Path, str]] = {}
    for path, pins in locks.items():
        for name, version in pins.items():
            other, its_version = seen.setdefault(name, (path, version))
            if version != its_version:
                yield Finding(
                    path, 1, f"{name} is {version} here and {its_version} in {other.name}: run `make lock`"
                )


def addresses(path: Path, text: str) -> Iterator[Finding]:
    """Lines with the address of a registry: where packages come from is a matter of the machine."""
    for number, line in enumerate(text.splitlines(), 1):
        if _ADDRESS.search(line):
            yield Finding(path, number, "an address of a registry has no place here")


def npm_packages(path: Path, text: str) -> Iterator[Finding]:
    """Packages of npm's lock file that are named with an address, or could be anything, having no hash."""
    for place, package in json.loads(text)["packages"].items():
        if "node_modules/" not in place or package.get("link"):
            continue  # a package of ours
        if _ADDRESS.search(package.get("resolved", "")):
            wrong = "an address of a registry has no place here: set omit-lockfile-registry-resolved"
            yield Finding(path, 1, f"{place}: {wrong}")
        if not package.get("integrity"):
            yield Finding(path, 1, f"{place} has no hash: lock it anew")


def main() -> int:
    """1 if anything is wrong."""
    document = (ROOT / "docs" / "dependencies.md").read_text()
    locks = {path: pinned(path.read_text()) for path in sorted(REQUIREMENTS.glob("*.txt"))}
    found = list(disagreeing(locks))
    for path in sorted(REQUIREMENTS.glob("*.in")):
        asked = asked_for(path.read_text())
        # A list without a lock of its own (embedded.in) is part of the largest one.
        lock = locks.get(path.with_suffix(".txt"), locks[REQUIREMENTS / "dev.txt"])
        found += [*unpinned(path, asked, lock), *unexplained(path, asked, document)]
    found += npm_packages(NPM_LOCK, NPM_LOCK.read_text())
    files = sorted(REQUIREMENTS.iterdir())
    for path in files:
        found += addresses(path, path.read_text())
    return report("dependencies", [*files, NPM_LOCK], found)


if __name__ == "__main__":
    sys.exit(main())
