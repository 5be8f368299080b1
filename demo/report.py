"""The report of a demonstration: what was done, what came of it, and whether all of it held.

`ok` is worked out, never set: it is true only if there was a step and each step succeeded, something was
backed up into at least one snapshot, the unreadable paths were exactly the planted ones, files were
compared with a manifest for each snapshot, no difference was found, and nothing broke it off. The file is
written whole or not at all, after each step again, so that a demonstration that is killed leaves a report
with `ok` false behind."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.compare import Comparison, NotCompared, same_paths
from demo.errors import ReportError
from demo.paths import as_bytes, readable

DETAILS_MAX = 200  # differences named one by one; all of them are counted
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One step that has ended."""

    name: str
    seconds: float
    ok: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """What one backup was not to read, what it said it could not, and how the two differ."""

    backup: str
    planted: list[str]
    reported: list[str]
    missing: list[str]
    unexpected: list[str]

    def failures(self) -> list[str]:
        said = {"unreadable, but not reported": self.missing, "reported, but not planted": self.unexpected}
        return [f"{self.backup}: {what}: {path!r}" for what, paths in said.items() for path in paths]


class Report:
    """Collects what happens. Keys of the file: `ok`, `steps`, `backup`, `unreadable`, `verification`,
    `components`, and for the reader of a failure `planted`, `finished`. `say` is told each step as it begins."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._say = say
        self._steps: list[Step] = []
        self._backup = {"files": 0, "bytes": 0, "snapshots": 0}
        self._unreadable: list[_Unreadable] = []
        self._verified: list[tuple[str, Comparison]] = []
        self._components: dict[str, str] = {}
        self._broken_off: str | None = None
        self._finished = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what is done inside; an exception makes the step a failed one and goes on its way."""
        self._say(name)
        started = self._clock()
        error: str | None = "interrupted"
        try:
            yield
            error = None
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
            raise
        finally:
            self._steps.append(Step(name, round(self._clock() - started, 3), error is None, error))
            self.write()

    def backed_up(self, files: int, size_bytes: int, snapshots: int) -> None:
        """Adds what a backup read (files and bytes of its source) and how many snapshots it made."""
        for key, value in (("files", files), ("bytes", size_bytes), ("snapshots", snapshots)):
            self._backup[key] += value

    def unreadables(self, backup: str, planted: Iterable[bytes], reported: Iterable[bytes | str]) -> None:
        """Adds what one backup could not read beside what was planted: both absolute, or both relative.

        `reported` has exact paths, or text as restic prints it (see `compare.same_paths`).
        """
        wanted, got = list(planted), [as_bytes(path) for path in reported]
        missing, unexpected = same_paths(wanted, got)
        self._unreadable.append(
            _Unreadable(backup, list(map(readable, wanted)), list(map(readable, got)), missing, unexpected)
        )

    def verified(self, name: str, comparison: Comparison) -> None:
        """Adds the comparison of one restored point in time."""
        self._verified.append((name, comparison))

    def component(self, name: str, version: str) -> None:
        """Adds a part of the platform and the version that ran."""
        self._components[name] = version

    def broke_off(self, reason: str) -> None:
        """The demonstration ends before its end, whether inside of a step or between two of them."""
        self._broken_off = reason

    def finish(self) -> bool:
        """No more steps: writes the file for the last time and says whether all of it held."""
        if not self._steps:
            raise ReportError("a report without a step proves nothing: run the steps inside `step(...)`")
        self._finished = True
        self.write()
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether the demonstration came to its end and each claim held."""
        return self._finished and not self.failures()

    def failures(self) -> list[str]:
        """What does not hold, in words; empty if all does."""
        failed = [f"step failed: {step.name}: {step.error}" for step in self._steps if not step.ok]
        if self._broken_off is not None and not failed:
            failed.append(f"broken off: {self._broken_off}")
        failed += [f"no {key} backed up" for key, value in self._backup.items() if value < 1]
        if not self._unreadable:
            failed.append("no list of unreadable files was looked at")
        failed += [text for each in self._unreadable for text in each.failures()]
        if self._sum("files_checked") < 1:
            failed.append("no restored file was compared with a manifest")
        if len(self._verified) < self._backup["snapshots"]:
            failed.append(
                f"{self._backup['snapshots']} snapshots, but {len(self._verified)} of them compared"
            )
        failed += [f"{name}: {_found(result)}" for name, result in self._verified if not result.ok]
        return failed

    def write(self) -> None:
        """Writes the file as things stand, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(self._path.name + ".part")
        # A lone surrogate, from a name that is not UTF-8, becomes \udcXX: in JSON an escape, and exact.
        with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(self.as_json(), file, ensure_ascii=False, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    def as_json(self) -> Json:
        """The content of the file."""
        return {
            "ok": self.ok,
            "finished": self._finished,
            "failures": self.failures(),
            "steps": [_step(step) for step in self._steps],
            "backup": dict(self._backup),
            "unreadable": self._reported(),
            "planted": self._planted(),
            "verification": self._verification(),
            "components": dict(sorted(self._components.items())),
        }

    def table(self) -> str:
        """The report for a terminal."""
        width = max((len(step.name) for step in self._steps), default=4)
        lines = [
            f"  {'ok' if each.ok else 'FAILED':<6}  {each.name:<{width}}  {each.seconds:8.2f} s"
            for each in self._steps
        ]
        lines.append("")
        lines += [f"  {name:<16}  {value}" for name, value in self._totals().items()]
        lines += [f"  {name:<16}  {version}" for name, version in sorted(self._components.items())]
        lines += [f"  FAILED  {_printable(failure)}" for failure in self.failures()]
        return "\n".join([*lines, "", f"  {'all of it held' if self.ok else 'NOT ok'}: {self._path}"])

    def _totals(self) -> Mapping[str, str]:
        size_mib = self._backup["bytes"] / (1 << 20)
        return {
            "backup": f"{self._backup['files']} files, {size_mib:.1f} MiB, "
            f"{self._backup['snapshots']} snapshots",
            "unreadable": f"{len(self._reported())} reported, {len(self._planted())} planted",
            "verification": f"{self._sum('files_checked')} files compared, {self._mismatches()} mismatches",
            "not compared": f"{len(self._not_compared())} things, named with their reasons in the report",
        }

    def _not_compared(self) -> list[NotCompared]:
        """Each thing once, in the order in which it came."""
        return list(dict.fromkeys(each for _, result in self._verified for each in result.not_compared))

    def _verification(self) -> Json:
        details = [
            {
                "restore": name,
                "path": readable(each.path),
                "difference": each.difference.value,
                "detail": each.detail,
            }
            for name, result in self._verified
            for each in result.mismatches
        ]
        return {
            "files_checked": self._sum("files_checked"),
            "mismatches": self._mismatches(),
            "entries_checked": self._sum("entries_checked"),
            "bytes_checked": self._sum("bytes_checked"),
            "restores": [name for name, _ in self._verified],
            "details": details[:DETAILS_MAX],
            "not_compared": [{"what": each.what, "reason": each.reason} for each in self._not_compared()],
        }

    def _planted(self) -> list[str]:
        return sorted({path for each in self._unreadable for path in each.planted})

    def _reported(self) -> list[str]:
        return sorted({path for each in self._unreadable for path in each.reported})

    def _mismatches(self) -> int:
        return sum(len(result.mismatches) for _, result in self._verified)

    def _sum(self, counter: str) -> int:
        return sum(getattr(result, counter) for _, result in self._verified)


def _step(step: Step) -> Json:
    fields: Json = {"name": step.name, "seconds": step.seconds, "ok": step.ok}
    return fields if step.error is None else fields | {"error": step.error}


def _found(result: Comparison) -> str:
    return f"{len(result.mismatches)} mismatches" if result.mismatches else "nothing was compared"


def _printable(text: str) -> str:
    """No control character of a file name reaches the terminal."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
