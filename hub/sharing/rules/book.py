"""The rule sets in force, one above the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hub.sharing.rules.files import Entry, Party, Reason, RuleFault, RuleSet, Use, known, read_set

_RANKS = ("national", "local")


@dataclass(frozen=True, slots=True)
class Term:
    """A term in force: so many working days after the day of the event."""

    code: str
    working_days: int
    extension_days: int
    """How much it may be extended by, at most; 0: not at all."""
    rule: str
    """The citation, e.g. 政务数据共享条例（国务院令第809号）第二十一条."""
    party: Party
    set: str
    """Code of the rule set."""
    starts: str
    """The event from which it runs, e.g. ``REQUEST_RECEIVED``."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A reason with the citation of the instrument that it rests on."""

    reason: Reason
    rule: str
    set: str


@dataclass(frozen=True, slots=True)
class Voice:
    """What one rule set says on a subject, and whether it prevails on the day asked for."""

    set: str
    rule: str
    entry: Entry
    prevails: bool


class RuleBook:
    """Rule sets in their order of precedence: the higher rank first, within a rank in the order in which they were named."""

    def __init__(self, sets: Mapping[str, RuleSet]) -> None:
        self.sets: Mapping[str, RuleSet] = dict(sorted(sets.items(), key=lambda one: _RANKS.index(one[1].rank)))

    @classmethod
    def open(cls, codes: Sequence[str], directory: Path | None = None) -> RuleBook:
        """The named rule sets, of those that come with the hub and those in ``directory``.

        Raises:
            RuleFault: a set does not exist, or its file is wrong; all faults of all files are named.
        """
        files = known(directory)
        faults: list[str] = []
        sets: dict[str, RuleSet] = {}
        for code in codes:
            if code not in files:
                faults.append(f"rule_sets: 没有规则集 no rule set {code[:60]}: 可用 known: {', '.join(files)}")
                continue
            try:
                sets[code] = read_set(files[code])
            except RuleFault as fault:
                faults.append(str(fault))
        if faults:
            raise RuleFault("\n".join(faults))
        return cls(sets)

    def term(self, code: str, on: date) -> Term | None:
        """The term for an event of that day (in China); ``None`` where no set in force counts days for it."""
        found = next((voice for voice in self.voices(code, on) if voice.prevails), None)
        if found is None or found.entry.working_days is None:
            return None
        entry = found.entry
        return Term(code, entry.working_days or 0, entry.extension_days, found.rule, entry.party, found.set, entry.starts)

    def entry(self, code: str, on: date) -> Voice | None:
        """What prevails on a subject, be it counted in days or not (及时, once, by agreement)."""
        return next((voice for voice in self.voices(code, on) if voice.prevails), None)

    def voices(self, code: str, on: date) -> list[Voice]:
        """What each set in force says, highest first. A set that counts no days leaves the number to the next that does."""
        said = [
            (name, f"{rules.instrument}{entry.article}", entry)
            for name, rules in self.sets.items()
            if rules.holds_on(on)
            for entry in rules.terms
            if entry.code == code and entry.holds_on(on)
        ]
        counted = [i for i, (_, _, entry) in enumerate(said) if entry.working_days is not None]
        prevailing = counted[0] if counted else 0
        return [Voice(name, rule, entry, i == prevailing) for i, (name, rule, entry) in enumerate(said)]

    def in_force(self, on: date) -> tuple[str, ...]:
        """The codes of the sets that hold on a day, highest first."""
        return tuple(name for name, rules in self.sets.items() if rules.holds_on(on))

    def codes(self) -> list[str]:
        """The codes of all terms, in the order of the files."""
        return list(dict.fromkeys(entry.code for rules in self.sets.values() for entry in rules.terms))

    def reasons(self, use: Use, on: date) -> dict[str, Cited]:
        """The codified reasons for a refusal, suspension or termination, by code; the highest set that names one is cited."""
        found: dict[str, Cited] = {}
        for name, rules in self.sets.items():
            for reason in rules.reasons if rules.holds_on(on) else ():
                if reason.use == use and reason.holds_on(on):
                    found.setdefault(reason.code, Cited(reason, f"{rules.instrument}{reason.article}", name))
        return found
