"""What a check found, and how it is shown."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"  # works today
    FAILED = "failed"
    SKIPPED = "skipped"  # could not be looked at, because of another failure


@dataclass(frozen=True, slots=True)
class Finding:
    """`hint` says what would be right; empty if all is well."""

    name: str
    verdict: Verdict
    text: str
    hint: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, Verdict.OK, text)


def failed(name: str, text: str, hint: str) -> Finding:
    return Finding(name, Verdict.FAILED, text, hint)


def skipped(name: str, why: str) -> Finding:
    return Finding(name, Verdict.SKIPPED, why)


@dataclass(frozen=True, slots=True)
class Report:
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        return not any(finding.verdict is Verdict.FAILED for finding in self.findings)

    def as_json(self) -> str:
        return json.dumps({"ok": self.ok, "checks": [asdict(finding) for finding in self.findings]}, indent=2)

    def as_text(self) -> str:
        lines: list[str] = []
        for finding in self.findings:
            lines.append(f"{finding.verdict.value.upper():<8} {finding.name}: {finding.text}")
            if finding.hint:
                lines.append(f"         → {finding.hint}")
        lines.append("All is well." if self.ok else "Something is wrong: see the hints.")
        return "\n".join(lines)
