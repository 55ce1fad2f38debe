"""State machines of the sharing workflow as data (``machine.toml``): which act leads where, whose it is, and what must have been done before."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.acts import Actor
from hub.catalog.problems import Problem, Refused
from hub.sharing.rules.files import Use
from schema.faults import bad_input

FILE = Path(__file__).with_name("machine.toml")
STAY = "="

Columns = Mapping[str, Any]
"""Who did which step: the columns of a case's row."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Party(_Part):
    """One side of a case, and the roles by which an account is on it."""

    name: str
    name_en: str
    roles: tuple[str, ...]
    owner: str | None = None
    """The role by which who answers for the case's application is on it."""
    department: Literal["consumer", "provider"] | None = None
    """The column of the department to which the account must belong."""


class State(_Part):
    """A state: who must act in it; ``counts``: whether the term that runs can be broken in it."""

    name: str
    name_en: str
    party: str | None = None
    once: Mapping[str, str] = {}
    counts: bool = False


class Transition(_Part):
    """An act that leads from some states to one; the keys are told in ``machine.toml``."""

    act: str
    sources: tuple[str, ...] = Field(alias="from")
    to: str
    who: tuple[str, ...]
    needs: tuple[str, ...] = ()
    needs_any: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()
    opinion: bool = False
    reason: Use | None = None
    fixed: str | None = None
    guard: str | None = None
    starts: str | None = None
    tells: tuple[str, ...] = ()
    rule: str = ""

    def leads_to(self, state: str) -> str:
        """The state after it."""
        return state if self.to == STAY else self.to

    def is_open(self, state: str, columns: Columns) -> bool:
        """Whether state and earlier steps allow it."""
        if state not in self.sources or any(columns.get(name) for name in self.lacks):
            return False
        return all(columns.get(name) for name in self.needs) and (not self.needs_any or any(columns.get(name) for name in self.needs_any))


class Machine(_Part):
    """The life of one kind of case."""

    name: str
    name_en: str
    initial: str
    final: tuple[str, ...]
    states: Mapping[str, State]
    transitions: tuple[Transition, ...]

    def acts(self) -> list[str]:
        """The acts, each once, in the file's order."""
        return list(dict.fromkeys(each.act for each in self.transitions))

    def of(self, act: str) -> list[Transition]:
        """The transitions of an act."""
        return [each for each in self.transitions if each.act == act]

    def parties(self) -> frozenset[str]:
        """The sides that have any act on such a case: to the others it does not exist."""
        return frozenset(party for each in self.transitions for party in each.who)

    def party(self, state: str, columns: Columns) -> str | None:
        """Who must act in a state."""
        found = self.states[state]
        return next((party for column, party in found.once.items() if columns.get(column)), found.party)


class _File(_Part):
    parties: Mapping[str, Party]
    request: Machine
    grant: Machine
    disposal: Machine
    feedback: Machine
    complaint: Machine
    acts: Mapping[str, str]


@cache
def _file() -> _File:
    return _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


PARTIES: Mapping[str, Party] = _file().parties
REQUEST: Machine = _file().request
GRANT: Machine = _file().grant
DISPOSAL: Machine = _file().disposal
FEEDBACK: Machine = _file().feedback
COMPLAINT: Machine = _file().complaint
ACTS: Mapping[str, str] = _file().acts
"""What the acts are called in Chinese."""
SYSTEM_ACTOR = Actor("平台 hub")
"""The hub itself, for what time brings. No account can have this name."""
PUBLIC_ACTOR = Actor("社会公众 public")
"""Whoever calls without a token; which case it is on, its look-up code says. No account can have this name."""
_ALONE: Mapping[str, Actor] = {"system": SYSTEM_ACTOR, "public": PUBLIC_ACTOR}


def wanted_state(state: str | None, *machines: Machine) -> str | None:
    """The state by which a list is filtered.

    Raises:
        Fault: ``BAD_INPUT`` for one that none of the machines has, whose list would be empty whatever there is.
    """
    known = dict.fromkeys(name for machine in machines for name in machine.states)
    if state is not None and state not in known:
        allowed = ", ".join(known)
        raise bad_input(f"没有状态 {state[:60]}", f"no state {state[:60]}", f"state: {allowed}", f"state: {allowed}")
    return state


def could_be(actor: Actor, party: str) -> bool:
    """Whether the actor could be on this side of some case; the case itself is not looked at."""
    if party == "applicant":
        return actor.application is not None
    if party in _ALONE:
        return actor is _ALONE[party]
    found = PARTIES[party]
    return actor.may(*found.roles) or (found.owner is not None and actor.may(found.owner))


def sides(actor: Actor, case: Columns, owner: str | None) -> set[str]:
    """The sides of a case on which the actor is. ``owner`` is the account that answers for the case's application.

    Whether the public holds the case's code, the service has looked before.
    """
    found = set()
    for name, party in PARTIES.items():
        if name == "applicant":
            on = actor.application is not None and actor.application == case["application"]
        elif name in _ALONE:
            on = actor is _ALONE[name]
        else:
            on = actor.may(*party.roles) and (party.department is None or actor.department == case[party.department])
            on = on or (party.owner is not None and actor.may(party.owner) and owner is not None and actor.application == owner)
        if on:
            found.add(name)
    return found


def check_role(machine: Machine, act: str, actor: Actor) -> None:
    """Refuses an act that is none of the actor's whatever the case, before it is looked for.

    Raises:
        Refused: ``FORBIDDEN``.
    """
    parties = dict.fromkeys(party for each in machine.of(act) for party in each.who)
    if not any(could_be(actor, party) for party in parties):
        raise Refused(_forbidden(parties))


def choose(machine: Machine, act: str, case: Columns, actor: Actor, on: Collection[str]) -> Transition:
    """The one transition that the act is now. ``on`` are the actor's sides of the case.

    Raises:
        Refused: ``FORBIDDEN``, ``CONFLICT`` or ``FOUR_EYES``.
    """
    mine = [each for each in machine.of(act) if set(each.who) & set(on)]
    if not mine:
        raise Refused(_forbidden(dict.fromkeys(party for each in machine.of(act) for party in each.who)))
    possible = [each for each in mine if each.is_open(case["state"], case)]
    if not possible:
        raise Refused(_conflict(machine, act, case))
    found = possible[0]
    if any(_is_same(actor, case, column) for column in found.not_by):
        steps = ", ".join(column for column in found.not_by if _is_same(actor, case, column))
        hint = "请由其他人员办理 let somebody else do it"
        raise Refused(Problem("FOUR_EYES", f"此前步骤的经办人不得办理此步 who did an earlier step does not do this one: {steps}", hint, "id"))
    return found


def _is_same(actor: Actor, case: Columns, column: str) -> bool:
    """One name cannot do two steps that are kept apart, at the command line or not; nor can an application decide for itself under another name."""
    own = column == "filed_by" and actor.application is not None and actor.application == case.get("application")
    return own or actor.is_called(case.get(column))


def _forbidden(parties: Collection[str]) -> Problem:
    names = " / ".join(f"{PARTIES[party].name} {PARTIES[party].name_en}" for party in parties)
    return Problem("FORBIDDEN", f"此步由以下一方办理 this act is for: {names}", "请使用具有该角色的账号 use an account that has this role")


def _conflict(machine: Machine, act: str, case: Columns) -> Problem:
    state = machine.states[case["state"]]
    open_now = ", ".join(dict.fromkeys(each.act for each in machine.transitions if each.is_open(case["state"], case))) or "—"
    message = f"{case['state']}（{state.name}）时不能办理 {act} is not possible now: {state.name_en}"
    return Problem("CONFLICT", message, f"现在可办理 possible now: {open_now}", "id")
