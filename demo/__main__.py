"""`python -m demo`: the main job on real files, from enrolment to a verified restore, with a report."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import httpx

from demo.api import Api
from demo.errors import DemoError
from demo.machine import Machine, Person
from demo.platform import ADMINISTRATOR, ORGANIZATION, Platform
from demo.report import Report
from demo.story import Story


def main() -> int:
    """Exit code 0 only if all of it held."""
    options = _options()
    folder = options.var.resolve() / "demo"
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    report = Report(folder / "report.json", say=lambda step: print(f"--> {step}", flush=True))
    try:
        _run(options, folder, report)
    except (DemoError, httpx.HTTPError, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"demo: {error}\n")
        report.broke_off(f"{type(error).__name__}: {error}")
    good = report.finish()
    print(report.table())
    print(f"Report: {folder / 'report.json'}")
    if good:
        print(_what_next(Platform(options.data_dir.resolve()), folder))
    return 0 if good else 1


def _what_next(platform: Platform, folder: Path) -> str:
    """Where the console is, and how to get in."""
    return "\n".join(
        [
            "The platform goes on running: `make status` shows it, `make down` stops it.",
            f"Console: {platform.console_page}",
            f"  sign in as   {ADMINISTRATOR}",
            f"  password in  {folder / 'admin-password'}",
            f"  its CA is    {platform.root_certificate} (import it into the browser)",
        ]
    )


def _run(options: argparse.Namespace, folder: Path, report: Report) -> None:
    platform = Platform(options.data_dir.resolve())
    with report.step("start the platform"):
        platform.up()
    for name, version in platform.versions().items():
        report.component(name, version)
    with report.step("create organization and administrator, sign in"):
        password = platform.administrator(folder / "admin-password")
        api = Api(platform.console_url, str(platform.root_certificate))
        api.sign_in(ADMINISTRATOR, password, ORGANIZATION)
    person = Person.choose()
    machine = Machine(person, person.own(folder / "machine"), options.restic.resolve())
    story = Story(api, machine, platform, folder, report)
    story.tell()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--var", type=Path, default=Path("var"), help="where the demo works (default: var)")
    parser.add_argument("--data-dir", type=Path, help="the platform's data directory (default: VAR/sbs)")
    parser.add_argument("--restic", type=Path, help="the restic binary (default: $SBS_RESTIC)")
    options = parser.parse_args()
    options.data_dir = options.data_dir or options.var / "sbs"
    given = options.restic or os.environ.get("SBS_RESTIC")  # env: the Makefile's choice of restic
    if not given:
        parser.error("name the restic binary with --restic or SBS_RESTIC; `make demo` does that")
    options.restic = Path(given)
    return options


if __name__ == "__main__":
    sys.exit(main())
