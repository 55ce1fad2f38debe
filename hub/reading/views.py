"""Whose reading it is, and what of the log it may ask for: filters in words → conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, get_args

from hub.ledger.entry import Kind, Outcome
from hub.ledger.matching import CallFilter
from schema.faults import Fault, bad_input

DATA: tuple[Kind, ...] = ("call", "deny", "exchange", "download")
"""Kinds of entries that stand for the use of data; all that a consumer or a provider reads."""
_LONGEST = 512
_COMMON = ("from", "to", "kind", "operation", "resource", "item", "outcome", "purpose", "scenario", "operator", "call", "lowest", "highest")


class View(Enum):
    """``OWN``: an application's own calls; ``PROVIDED``: those on a department's resources; ``ALL``: the log."""

    OWN = "own"
    PROVIDED = "provided"
    ALL = "all"

    @property
    def words(self) -> tuple[str, ...]:
        """The filters of this view. What a reader is not shown is not asked for either: a filter would tell it."""
        if self is View.OWN:
            return (*_COMMON, "code", "case", "trace")
        if self is View.PROVIDED:
            return (*_COMMON, "application", "department")
        return (*_COMMON, "code", "case", "trace", "application", "department", "provider", "alerts")


@dataclass(frozen=True, slots=True)
class Scope:
    """A view as one reader has it. ``application`` is the reader's client id in ``OWN``, ``department`` its department in ``PROVIDED``."""

    view: View
    application: str | None = None
    department: str | None = None

    def filter(self, said: Mapping[str, Any]) -> CallFilter:
        """The conditions behind filters in words: texts, ``from`` and ``to`` as ISO 8601 with offset, ``kind`` a list, entry numbers as texts.

        Raises:
            Fault: ``BAD_INPUT`` for a filter that the view does not have, or a value that cannot be one.
        """
        given = {name: value for name, value in said.items() if value is not None and value != []}
        if unknown := sorted(given.keys() - set(self.view.words)):
            raise _wrong(unknown[0], f"可用：{', '.join(self.view.words)}", f"use one of {', '.join(self.view.words)}")
        plain = {name: _text(name, value) for name, value in given.items() if name not in ("from", "to", "kind", "lowest", "highest", "alerts")}
        if plain.get("outcome") not in (None, *get_args(Outcome)):
            raise _wrong("outcome", f"可用：{', '.join(get_args(Outcome))}", f"use one of {', '.join(get_args(Outcome))}")
        found: dict[str, Any] = {
            **plain,
            "kinds": self._kinds(given.get("kind") or ()),
            "since": _moment("from", given.get("from")),
            "until": _moment("to", given.get("to")),
            "lowest": _number("lowest", given.get("lowest")),
            "highest": _number("highest", given.get("highest")),
            "alerts": given.get("alerts") in (True, "true"),
        }
        _in_order(given, found, ("from", "since"), ("to", "until"))
        _in_order(given, found, ("lowest", "lowest"), ("highest", "highest"))
        if self.view is View.OWN:
            found["application"] = self.application
        if self.view is View.PROVIDED:
            found["provider"] = self.department
        return CallFilter(**found)

    def _kinds(self, said: Sequence[str]) -> tuple[Kind, ...]:
        known: tuple[Kind, ...] = get_args(Kind) if self.view is View.ALL else DATA
        if any(kind not in known for kind in said):
            raise _wrong("kind", f"可用：{', '.join(known)}", f"use some of {', '.join(known)}")
        chosen = tuple(kind for kind in known if kind in said)
        return chosen or (() if self.view is View.ALL else DATA)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        raise _wrong(name, f"请填写 1 至 {_LONGEST} 个字符", f"write 1 to {_LONGEST} characters")
    return value


def _moment(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        # An offset's sign of an address that was not encoded arrives as a blank.
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong(name, "请填写带时区的时间", "write a moment with its offset, such as 2026-11-22T08:00:00+08:00")


def _number(name: str, value: Any) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _wrong(name, "请填写条目序号", "write the number of an entry")
    return int(text)


def _in_order(given: Mapping[str, Any], found: Mapping[str, Any], low: tuple[str, str], high: tuple[str, str]) -> None:
    """Bounds in the wrong order hold nothing: whoever mixed them up would take that for an answer."""
    least, most = found[low[1]], found[high[1]]
    if least is not None and most is not None and least > most:
        zh, en = f"不得大于 {high[0]} ({given[high[0]]})", f"it must not be beyond {high[0]} ({given[high[0]]})"
        raise _wrong(low[0], zh, en)


def _wrong(name: str, zh: str, en: str) -> Fault:
    return bad_input(f"筛选条件 {name[:40]} 不可用", f"the filter {name[:40]} cannot be used", zh, en)
