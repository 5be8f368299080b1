import json
from pathlib import Path

from scripts.check_dependencies import (
    addresses,
    asked_for,
    disagreeing,
    npm_packages,
    pinned,
    unexplained,
    unpinned,
)

IN = "# comment\n-r agent.in\nhttpx\nsqlalchemy[asyncio]\n"
LOCK = "httpx==0.28.1 \\\n    --hash=sha256:00\n    # via -r requirements/agent.in\n"
PATH = Path("requirements/server.in")


def test_names_are_read_without_comments_includes_and_extras() -> None:
    assert asked_for(IN) == {"httpx", "sqlalchemy"}


def test_pins_are_read_with_their_versions() -> None:
    assert pinned(LOCK) == {"httpx": "0.28.1"}


def test_a_package_that_is_not_locked_is_told() -> None:
    [found] = unpinned(PATH, asked_for(IN), pinned(LOCK))
    assert "sqlalchemy is not in server.txt" in str(found)


def test_a_package_without_a_reason_is_told() -> None:
    [found] = unexplained(PATH, asked_for(IN), "| `httpx` | calls over HTTP |")
    assert "sqlalchemy has no line" in str(found)


def test_lock_files_that_disagree_are_told() -> None:
    locks = {Path("agent.txt"): {"httpx": "0.28.1"}, Path("dev.txt"): {"httpx": "0.28.2", "ruff": "1"}}
    [found] = disagreeing(locks)
    assert "httpx is 0.28.2 here and 0.28.1 in agent.txt" in str(found)


def test_the_address_of_a_registry_is_told() -> None:
    assert list(addresses(PATH, LOCK)) == []
    assert len(list(addresses(PATH, "--index-url https://registry.invalid/simple\n"))) == 1


def test_a_package_of_npm_with_an_address_or_without_a_hash_is_told() -> None:
    packages = {
        "": {"name": "ours"},
        "node_modules/@sbs/ui": {"resolved": "packages/ui", "link": True},
        "packages/ui": {"version": "1.0.0"},
        "node_modules/good": {"version": "1.0.0", "integrity": "sha512-x"},
        "node_modules/a": {"resolved": "https://registry.invalid/a.tgz", "integrity": "sha512-x"},
        "packages/ui/node_modules/b": {"version": "1.0.0"},
    }
    found = [str(one) for one in npm_packages(PATH, json.dumps({"packages": packages}))]
    assert len(found) == 2
    assert "node_modules/a: an address" in found[0]
    assert "packages/ui/node_modules/b has no hash" in found[1]
