"""The published rules against inflation (ASM-13): what their file may say, and which version counts a day."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.sharing.rules.files import RuleFault

SHIPPED = Path(__file__).with_name("rules.toml")
"""The rules that come with the hub."""
FILE = "usage-rules.toml"
"""The city's own, in the home; where it is there, it stands for the whole."""
_BYTES = 1 << 20
_DAY_MINUTES = 1440

Kind = Literal["SELF_CALL", "EXCLUDED", "TEST_SUBJECT", "DOWNLOAD", "REPEAT", "SHARE_CAP"]
Identity = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Subject = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class UsageRulesFault(RuleFault):
    """A file of usage rules that cannot be used. ``str()`` names file, place and remedy."""


class Rule(BaseModel):
    """One rule: its id, its kind, its words, and the parameters of its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identity
    kind: Kind
    text: Text
    text_en: Text
    together: tuple[tuple[str, ...], ...] = ()
    """SELF_CALL: groups of departments that count as one."""
    applications: tuple[str, ...] = ()
    """EXCLUDED: client ids of applications whose calls are not counted."""
    subjects: tuple[Subject, ...] = ()
    """TEST_SUBJECT: keyed hashes of subjects that are made up."""
    minutes: int | None = Field(None, ge=1, le=_DAY_MINUTES)
    """REPEAT: length of a slot; it divides a day."""
    percent: int | None = Field(None, ge=50, le=99)
    """SHARE_CAP: the largest share. From 50 on, no more than one application of a resource can be above it."""
    floor: int | None = Field(None, ge=0, le=10**9)
    """SHARE_CAP: calls of a day that are free of it."""

    @model_validator(mode="after")
    def _fits_kind(self) -> Rule:
        wanted = _PARAMETERS[self.kind]
        given = {name for name in ("together", "applications", "subjects", "minutes", "percent", "floor") if name in self.model_fields_set}
        if given - wanted.keys() or {name for name, needed in wanted.items() if needed} - given:
            raise ValueError(f"a rule of kind {self.kind} has the parameters {', '.join(wanted) or 'none'}")
        if self.minutes and _DAY_MINUTES % self.minutes:
            raise ValueError("minutes divides 1440, so that every day begins with a slot")
        return self


_PARAMETERS: dict[Kind, dict[str, bool]] = {
    "SELF_CALL": {"together": False},
    "EXCLUDED": {"applications": True},
    "TEST_SUBJECT": {"subjects": True},
    "DOWNLOAD": {},
    "REPEAT": {"minutes": True},
    "SHARE_CAP": {"percent": True, "floor": True},
}


class Version(BaseModel):
    """The rules that count the days from ``in_force_from`` until the next version. Rules are tried in order; ``SHARE_CAP``, which needs the whole day, last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_force_from: date
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Version:
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ValueError("an id stands twice")
        caps = [place for place, rule in enumerate(self.rules) if rule.kind == "SHARE_CAP"]
        if caps and caps != [len(self.rules) - 1]:
            raise ValueError("SHARE_CAP stands once, and last")
        return self

    @property
    def name(self) -> str:
        """How reports name it: the day from which it is in force."""
        return self.in_force_from.isoformat()

    @property
    def sha256(self) -> str:
        """Digest of everything it says, hexadecimal."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()


NO_RULES = Version(in_force_from=date.min)
"""For days before the first version: every served call of a resource counts."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    versions: tuple[Version, ...]

    @model_validator(mode="after")
    def _days_once(self) -> _File:
        days = [version.in_force_from for version in self.versions]
        if days != sorted(set(days)):
            raise ValueError("versions stand in the order of their days, each day once")
        return self


@dataclass(frozen=True, slots=True)
class UsageRules:
    """All versions of one file."""

    versions: tuple[Version, ...]

    @classmethod
    def of_home(cls, home: Path) -> UsageRules:
        """The city's own rules where its home has the file, else those that come with the hub.

        Raises:
            UsageRulesFault: the file cannot be used.
        """
        own = home / FILE
        return cls.read(own if own.exists() else SHIPPED)

    @classmethod
    def read(cls, path: Path) -> UsageRules:
        """The rules of a file.

        Raises:
            UsageRulesFault: it cannot be read, or something in it is wrong.
        """
        try:
            with path.open("rb") as file:
                return cls(_File.model_validate(tomllib.loads(file.read(_BYTES).decode())).versions)
        except OSError as fault:
            raise UsageRulesFault(f"{path}: {fault.strerror}") from None
        except ValidationError as fault:
            raise UsageRulesFault("\n".join(f"{path}: {_place(error['loc'])}{error['msg']}" for error in fault.errors())) from None
        except ValueError as fault:
            raise UsageRulesFault(f"{path}: TOML 语法错误 syntax error: {fault}") from None

    def on(self, day: date) -> Version:
        """The version that counts a day."""
        return next((version for version in reversed(self.versions) if version.in_force_from <= day), NO_RULES)


def _place(location: tuple[int | str, ...]) -> str:
    path = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, location)))
    return f"{path}: " if path else ""
