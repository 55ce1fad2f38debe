"""What a verification found, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verifier.faults import Fault, Unreadable
from verifier.texts import shown

LIMIT, SHOWN = 100, 1000
SOUND, CONTRADICTION, USAGE, UNREADABLE = range(4)
"""Exit codes."""


@dataclass(slots=True)
class Report:
    """The outcome of one command."""

    command: str
    counts: dict[str, int] = field(default_factory=dict)
    logs: set[str] = field(default_factory=set)
    proven: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Fault] = field(default_factory=list)
    omitted: int = 0
    """Findings beyond the first ``LIMIT``."""
    unsaid: int = 0
    """What was proven beyond the first ``SHOWN``; ``counts`` has it."""

    def count(self, what: str, number: int = 1) -> None:
        """So many more of what was checked."""
        self.counts[what] = self.counts.get(what, 0) + number

    def prove(self, zh: str, en: str) -> None:
        """Something that the evidence shows."""
        if len(self.proven) < SHOWN:
            self.proven.append((zh, en))
        else:
            self.unsaid += 1

    def warn(self, zh: str, en: str) -> None:
        """Something that is no contradiction, and that whoever reads the report should know."""
        if len(self.warnings) < LIMIT:
            self.warnings.append((zh, en))

    def find(self, fault: Fault) -> None:
        """Note what is wrong."""
        if len(self.findings) < LIMIT:
            self.findings.append(fault)
        else:
            self.omitted += 1

    @property
    def first(self) -> int | None:
        """The first entry that anything contradicts."""
        return min((fault.index for fault in self.findings if fault.index is not None), default=None)

    @property
    def code(self) -> int:
        """The exit code: a contradiction weighs more than what could not be read."""
        if not self.findings:
            return SOUND
        return UNREADABLE if all(isinstance(fault, Unreadable) for fault in self.findings) else CONTRADICTION

    def as_json(self) -> dict[str, Any]:
        """For programs; one object."""
        return {
            "ok": not self.findings,
            "exit": self.code,
            "command": self.command,
            "logs": sorted(self.logs),
            "checked": self.counts,
            "first": self.first,
            "proven": [{"zh": zh, "en": en} for zh, en in self.proven],
            "warnings": [{"zh": zh, "en": en} for zh, en in self.warnings],
            "findings": [
                {"kind": "unreadable" if isinstance(fault, Unreadable) else "contradiction", "index": fault.index, "zh": fault.zh, "en": fault.en}
                for fault in self.findings
            ],
            "omitted": self.omitted,
        }

    def told(self) -> list[str]:
        """Lines for people."""
        said = [f"{zh} {en}" for zh, en in self.proven]
        if self.unsaid:
            said.append(f"… 另有 and {self.unsaid} more")
        said += [f"注意 note: {zh}；{en}" for zh, en in self.warnings]
        said += [f"不成立 REFUTED{_at(fault)}: {fault.zh}；{fault.en}" for fault in self.findings]
        if self.omitted:
            said.append(f"… 另有 and {self.omitted} more")
        counted = ", ".join(f"{number} {shown(what)}" for what, number in self.counts.items()) or "0"
        if not self.findings:
            return [*said, f"核验通过 sound: {counted}"]
        first = "" if self.first is None else f"; 首个受影响条目 first entry concerned: {self.first}"
        verdict = "无法核验 CANNOT BE VERIFIED" if self.code == UNREADABLE else "核验不通过 NOT SOUND"
        before = f"{counted}; " if self.counts else ""
        return [*said, f"{verdict}: {before}{len(self.findings) + self.omitted} findings{first}"]


def _at(fault: Fault) -> str:
    return "" if fault.index is None else f" [{fault.index}]"
