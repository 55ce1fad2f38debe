"""Which use is unusual, and what follows: what the file of rules may say, and which version judges an hour."""

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
FILE = "anomaly-rules.toml"
"""The city's own, in the home; where it is there, it stands for the whole."""
_BYTES = 1 << 20

Kind = Literal["VOLUME", "HOURS", "ENUMERATION", "NEW_RESOURCES", "REFUSALS", "OPERATOR"]
Measure = Literal["calls", "rows", "subjects", "misses"]
Identity = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Percent = Annotated[int, Field(ge=1, le=100)]
Factor = Annotated[int, Field(ge=1, le=1000)]


class AnomalyRulesFault(RuleFault):
    """A file of anomaly rules that cannot be used. ``str()`` names file, place and remedy."""


class Throttle(BaseModel):
    """What is left to a throttled application: ``times`` its usual calls per minute, at least ``per_minute``, for ``hours``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: Factor = 2
    per_minute: Annotated[int, Field(ge=1, le=100_000)]
    hours: Annotated[int, Field(ge=1, le=720)]
    scope: Literal["RESOURCE", "APPLICATION"] = "RESOURCE"


class Rule(BaseModel):
    """One rule: its id, its kind, its words, the parameters of its kind, and what follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identity
    kind: Kind
    text: Text
    text_en: Text
    severity: Literal["LOW", "MEDIUM", "HIGH"]
    action: Literal["ALERT", "THROTTLE"] = "ALERT"
    except_applications: tuple[str, ...] = ()
    """Client ids of applications that the rule leaves alone."""
    measure: Measure | None = None
    """VOLUME: what is counted."""
    floor: Count
    """Below so many nothing is unusual; its unit is that of the kind."""
    cold_floor: Count | None = None
    """The floor where the application has a history of fewer than ``days`` comparable days."""
    days: Annotated[int, Field(ge=1, le=90)] | None = None
    times: Factor | None = None
    """So many times the usual is unusual."""
    spreads: Factor | None = None
    """VOLUME, REFUSALS: the usual and so many spreads is unusual."""
    percent: Percent | None = None
    """HOURS: the application called at that hour on at most so many of a hundred comparable days. ENUMERATION: at least so many of a hundred
    identifiers lie close to another."""
    floor_day: Count | None = None
    """ENUMERATION: the floor of a day, for those who go slowly."""
    identifiers: Literal["RESIDENT", "OTHER"] | None = None
    """ENUMERATION: of which structure."""
    different: Count | None = None
    """REFUSALS: at least so many different pairs of code and resource. OPERATOR: at least so many other operators."""
    throttle: Throttle | None = None

    @model_validator(mode="after")
    def _fits_kind(self) -> Rule:
        wanted = {"floor", *_PARAMETERS[self.kind]}
        given = {name for name in _ALL if name in self.model_fields_set}
        if given != wanted:
            raise ValueError(f"a rule of kind {self.kind} has the parameters {', '.join(sorted(wanted))}")
        if (self.action == "THROTTLE") != (self.throttle is not None):
            raise ValueError("throttle stands with the action THROTTLE, and only there")
        return self

    @property
    def parameters(self) -> dict[str, int | str]:
        """What its kind needs, by name."""
        return {name: value for name in _ALL if (value := getattr(self, name)) is not None}


_PARAMETERS: dict[Kind, tuple[str, ...]] = {
    "VOLUME": ("measure", "cold_floor", "days", "times", "spreads"),
    "HOURS": ("cold_floor", "days", "percent"),
    "ENUMERATION": ("floor_day", "percent", "identifiers"),
    "NEW_RESOURCES": ("days",),
    "REFUSALS": ("cold_floor", "days", "times", "spreads", "different"),
    "OPERATOR": ("times", "different"),
}
_ALL = ("measure", "identifiers", "floor", "cold_floor", "floor_day", "days", "times", "spreads", "percent", "different")


class Version(BaseModel):
    """The rules that judge what happens from ``in_force_from`` until the next version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_force_from: date
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Version:
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ValueError("an id stands twice")
        return self

    @property
    def name(self) -> str:
        """How alerts name it: the day from which it is in force."""
        return self.in_force_from.isoformat()

    @property
    def sha256(self) -> str:
        """Digest of everything it says, hexadecimal."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def of_kind(self, *kinds: Kind) -> tuple[Rule, ...]:
        """Its rules of some kinds."""
        return tuple(rule for rule in self.rules if rule.kind in kinds)


NO_RULES = Version(in_force_from=date.min)


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
class AnomalyRules:
    """All versions of one file."""

    versions: tuple[Version, ...]

    @classmethod
    def of_home(cls, home: Path) -> AnomalyRules:
        """The city's own rules where its home has the file, else those that come with the hub.

        Raises:
            AnomalyRulesFault: the file cannot be used.
        """
        own = home / FILE
        return cls.read(own if own.exists() else SHIPPED)

    @classmethod
    def read(cls, path: Path) -> AnomalyRules:
        """The rules of a file.

        Raises:
            AnomalyRulesFault: it cannot be read, or something in it is wrong.
        """
        try:
            with path.open("rb") as file:
                return cls(_File.model_validate(tomllib.loads(file.read(_BYTES).decode())).versions)
        except OSError as fault:
            raise AnomalyRulesFault(f"{path}: {fault.strerror}") from None
        except ValidationError as fault:
            raise AnomalyRulesFault("\n".join(f"{path}: {_place(error['loc'])}{error['msg']}" for error in fault.errors())) from None
        except ValueError as fault:
            raise AnomalyRulesFault(f"{path}: TOML 语法错误 syntax error: {fault}") from None

    def on(self, day: date) -> Version:
        """The version that judges a day."""
        return next((version for version in reversed(self.versions) if version.in_force_from <= day), NO_RULES)


def _place(location: tuple[int | str, ...]) -> str:
    path = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, location)))
    return f"{path}: " if path else ""
