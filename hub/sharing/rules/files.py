"""The files of rule sets: what may stand in them, and how a fault in one is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.catalog.problems import PYDANTIC_TEXTS, path_of

SHIPPED = Path(__file__).with_name("sets")
"""The rule sets that come with the hub."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_BYTES = 1 << 20

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Upper = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Party = Literal["provider", "authority", "consumer"]
"""Who must act: the department that provides, the data authority, the department that uses."""
Use = Literal["refusal", "suspension", "termination"]


class RuleFault(Exception):
    """Rule sets that cannot be used. ``str()`` names each fault with file, key and remedy, one to a line."""


class _Dated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    in_force_from: date | None = None
    in_force_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _Dated:
        if self.in_force_from and self.in_force_to and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to is before in_force_from")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on the day, the first and the last included."""
        return (self.in_force_from is None or self.in_force_from <= day) and (self.in_force_to is None or day <= self.in_force_to)


class Entry(_Dated):
    """One term as a file states it. Without ``working_days`` the law speaks but counts no days (及时, or by agreement)."""

    code: Code
    subject: Text
    subject_en: Text
    starts: Upper
    party: Party
    working_days: int | None = Field(None, ge=1, le=366)
    extension_days: int = Field(0, ge=0, le=366)
    once: bool = False
    article: Text
    text: Text
    note: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _extends_something(self) -> Entry:
        if self.extension_days and self.working_days is None:
            raise ValueError("extension_days without working_days")
        return self


class Reason(_Dated):
    """A codified reason for a refusal, a suspension or a termination (APP-05)."""

    code: Upper
    use: Use
    name: Text
    name_en: Text
    article: Text
    text: Text


class RuleSet(_Dated):
    """One instrument: a regulation of the state or a city's measures."""

    name: Text
    name_en: Text
    instrument: Text
    rank: Literal["national", "local"]
    in_force_from: date
    note: str = Field("", max_length=500)
    terms: tuple[Entry, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @model_validator(mode="after")
    def _names_once(self) -> RuleSet:
        """A code may stand again for other days, as when a term was amended."""
        for label, entries in (
            ("terms", [(entry.code, entry) for entry in self.terms]),
            ("reasons", [(f"{reason.use} {reason.code}", reason) for reason in self.reasons]),
        ):
            for i, (name, one) in enumerate(entries):
                if any(name == other and _overlap(one, earlier) for other, earlier in entries[:i]):
                    raise ValueError(f"{label}[{i}]: {name} stands twice for the same days")
        return self


def _overlap(one: _Dated, other: _Dated) -> bool:
    first = max(one.in_force_from or date.min, other.in_force_from or date.min)
    return first <= min(one.in_force_to or date.max, other.in_force_to or date.max)


def known(directory: Path | None) -> dict[str, Path]:
    """Every rule set that can be opened: its code and its file."""
    return {path.stem: path for folder in (SHIPPED, directory) if folder and folder.is_dir() for path in sorted(folder.glob("*.toml"))}


def read_set(path: Path) -> RuleSet:
    """The rule set of a file.

    Raises:
        RuleFault: it cannot be read, or something in it is wrong; every fault is named.
    """
    faults: list[str] = []
    if not _CODE.match(path.stem):
        faults.append(f"{path}: 文件名即代码 the file's name is the set's code: a-z, 0-9, _")
    elif path.parent != SHIPPED and (SHIPPED / path.name).exists():
        faults.append(f"{path}: 代码 {path.stem} 为内置规则集所用 is the code of a set that comes with the hub: 请换名并更改 rule_sets choose another name")
    try:
        with path.open("rb") as file:
            made = RuleSet.model_validate(tomllib.loads(file.read(_BYTES).decode()))
    except OSError as fault:
        faults.append(f"{path}: {fault.strerror}")
    except ValidationError as fault:
        faults += [f"{path}: {line}" for line in _lines(fault)]
    except ValueError as fault:
        faults.append(f"{path}: TOML 语法错误 syntax error: {fault}")
    if faults:
        raise RuleFault("\n".join(faults))
    return made


def _lines(fault: ValidationError) -> Iterator[str]:
    for found in fault.errors():
        zh_en, remedy = PYDANTIC_TEXTS.get(found["type"], (found["msg"], ""))
        path = path_of(found["loc"])
        yield f"{path}: {zh_en}{f' ({remedy})' if remedy else ''}" if path else zh_en
