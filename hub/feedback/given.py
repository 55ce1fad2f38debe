"""What comes with a report and with an act on it, and how it is checked. Texts of people stay in the control database; the ledger gets digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.catalog.problems import Problem, Refused
from hub.sharing.filing import shared_part
from hub.sharing.texts import NOT_PLAIN, is_plain
from schema.model import Resource

COMPLAINT = "COMPLAINT"
KINDS = ("ERROR", "OMISSION", "INFRINGEMENT", COMPLAINT)
"""An error, an omission, an infringement of rights; a complaint about how data or an earlier report were handled."""
MOST_DESCRIPTION = 4000
MOST_ITEMS = 50
"""Items that one correction names."""
READ_BY = ("call", "exchange", "download")
"""Kinds of ledger entries that carried data."""
_MOST_ENTRY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported. ``subject_entry``: the ledger entry of the call whose data are doubted; ``about``: the case that a complaint is about."""

    description: str
    kind: str = "ERROR"
    item: str | None = None
    subject_entry: str | None = None
    about: str | None = None

    def check(self, resource: Resource) -> None:
        """Refuses what cannot be taken in; items that are not shared do not exist.

        Raises:
            Refused: ``BAD_INPUT``, or ``NOT_FOUND`` for an entry that cannot be one.
        """
        if not 0 < len(self.description.strip()) <= MOST_DESCRIPTION:
            message = f"说明应为 1 至 {MOST_DESCRIPTION} 字 the description must have 1 to {MOST_DESCRIPTION} characters"
            raise bad("BAD_INPUT", message, "description")
        if not is_plain(self.description):
            raise bad("BAD_INPUT", NOT_PLAIN, "description", "请去除 remove them")
        if self.kind not in KINDS:
            raise bad("BAD_INPUT", f"没有此类反馈 no kind {self.kind[:40]}", "kind", ", ".join(KINDS))
        shared = shared_part(resource)
        if self.item is not None and self.item not in shared.items:
            raise bad("BAD_INPUT", f"没有信息项 no item {self.item[:120]}", "item", ", ".join(shared.items))
        if self.about is not None and self.kind != COMPLAINT:
            raise bad("BAD_INPUT", "仅投诉可指向此前的反馈 only a complaint is about an earlier case", "about", "kind: COMPLAINT")
        self.entry()

    def entry(self) -> int | None:
        """The ledger entry's number.

        Raises:
            Refused: ``NOT_FOUND``.
        """
        given = self.subject_entry
        if given is None:
            return None
        if not (given.isascii() and given.isdigit() and len(given) <= 19 and int(given) <= _MOST_ENTRY):
            raise no_entry(given, "subjectEntry")
        return int(given)


@dataclass(frozen=True, slots=True)
class Evidence:
    """That data were corrected, without a value: which items, and the state of the source since, or an entry of the ledger that read it."""

    items: tuple[str, ...]
    as_of: datetime | None = None
    entry: int | None = None

    def told(self) -> str:
        """In the history."""
        parts = [
            f"items: {', '.join(self.items)}",
            f"asOf: {_moment(self.as_of)}" if self.as_of else "",
            f"entry: {self.entry}" if self.entry is not None else "",
        ]
        return "; ".join(part for part in parts if part)

    def text(self) -> str:
        """As it is stored."""
        return _json({"items": list(self.items), "asOf": _moment(self.as_of) if self.as_of else None, "entry": self.entry})


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with an act: opinion; evidence of a correction; the department that a case is passed to; the look-up code of the public."""

    opinion: str = ""
    evidence: Evidence | None = None
    to: str | None = None
    code: str | None = None

    def told(self, act: str) -> str | None:
        """What the history says beside the act."""
        before = self.evidence.told() if self.evidence and act == "correct" else f"→ {self.to}" if self.to and act == "transfer" else ""
        return ". ".join(part for part in (before, self.opinion.strip()) if part) or None


def description_digest(number: str, description: str) -> str:
    """SHA-256 over the case's number, a zero byte and the description, hexadecimal."""
    return hashlib.sha256(f"{number}\0{description}".encode()).hexdigest()


def step_digest(number: str, at: datetime, actor: str, act: str, opinion: str | None) -> str:
    """SHA-256 over a step as JSON, hexadecimal: case, moment, actor, act, opinion."""
    return hashlib.sha256(_json([number, _moment(at), actor, act, opinion]).encode()).hexdigest()


def bad(code: str, message: str, path: str, hint: str = "") -> Refused:
    """A refusal for one reason."""
    return Refused(Problem(code, message, hint, path))


def no_entry(entry: object, path: str) -> Refused:
    """An entry that does not exist, or is not the caller's."""
    message = f"没有本方对该资源的调用日志条目 no entry of yours on this resource {str(entry)[:30]}"
    return Refused(Problem("NOT_FOUND", message, "calls { nodes { entry } }", path))


def read_evidence(text: str | None) -> Mapping[str, Any] | None:
    """Stored evidence."""
    found: Mapping[str, Any] | None = json.loads(text) if text else None
    return found


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
