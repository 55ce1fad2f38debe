"""Which served calls count: the rules of one version applied to the entries of one day, in the order of the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import repeat
from typing import Any

from hub.usage.distinct import Distinct
from hub.usage.rulebook import Rule, Version
from hub.usage.tables import KEY

_APPLICATION, _RESOURCE = KEY.index("application"), KEY.index("resource")


class Counting:
    """Judges the calls of one day. It remembers which subjects were asked about in which slot: of many, 24 bytes at most for each."""

    def __init__(self, version: Version) -> None:
        self._rules = [rule for rule in version.rules if rule.kind != "SHARE_CAP"]
        self._together = {rule.id: _groups(rule) for rule in self._rules if rule.kind == "SELF_CALL"}
        self._excluded = {rule.id: frozenset(rule.applications) for rule in self._rules if rule.kind == "EXCLUDED"}
        self._tests = {rule.id: frozenset(rule.subjects) for rule in self._rules if rule.kind == "TEST_SUBJECT"}
        self._seen = Distinct()

    def rule_that_takes(self, entry: Mapping[str, Any], access: Mapping[str, Any], at: datetime) -> str | None:
        """The id of the first rule by which a served call of a resource is not counted; ``None``: it counts."""
        for rule in self._rules:
            if self._takes(rule, entry, access, at):
                return rule.id
        return None

    def _takes(self, rule: Rule, entry: Mapping[str, Any], access: Mapping[str, Any], at: datetime) -> bool:
        if rule.kind == "SELF_CALL":
            groups, provider, consumer = self._together[rule.id], access["provider"], entry["department"] or ""
            return bool(groups.get(provider, provider) == groups.get(consumer, consumer))
        if rule.kind == "EXCLUDED":
            return entry["application"] in self._excluded[rule.id]
        if rule.kind == "TEST_SUBJECT":
            return bool(access["subjects"]) and self._tests[rule.id].issuperset(access["subjects"])
        if rule.kind == "DOWNLOAD":
            return bool(entry["kind"] == "download")
        return self._is_repeat(rule, entry, access, at)

    def _is_repeat(self, rule: Rule, entry: Mapping[str, Any], access: Mapping[str, Any], at: datetime) -> bool:
        """Whether everybody whom the call concerns was asked about before in this slot. A call that concerns nobody repeats nothing."""
        several = access.get("subjectSet")
        subjects = access["subjects"] or ([several["digest"]] if several else [])
        slot = int(at.timestamp()) // (60 * (rule.minutes or 1))
        head = "\0".join((rule.id, str(slot), entry["application"] or "", access["resource"], entry["document"] or ""))
        return bool(subjects) and not self._seen.add(zip(repeat(head), subjects))


def capped(version: Version, counted: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], tuple[str, int]]:
    """What the share cap takes of each line: key → (rule, calls). ``counted`` is what the other rules have left.

    Of a resource, an application counts no more than ``percent`` of the whole, which is others' calls × percent ÷ (100 − percent), or the floor if
    that is more. What is above is taken from its lines in the order of their keys, the last one first.
    """
    rule = next((rule for rule in version.rules if rule.kind == "SHARE_CAP"), None)
    if rule is None or rule.percent is None or rule.floor is None:
        return {}
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for key, calls in counted.items():
        totals[key[_RESOURCE]][key[_APPLICATION]] += calls
    taken = {}
    excess = {
        (resource, application): calls - max(rule.floor, (by.total() - calls) * rule.percent // (100 - rule.percent))
        for resource, by in totals.items()
        for application, calls in by.items()
    }
    for key in sorted(counted, reverse=True):
        place = key[_RESOURCE], key[_APPLICATION]
        if (left := min(excess[place], counted[key])) > 0:
            taken[key] = rule.id, left
            excess[place] -= left
    return taken


def _groups(rule: Rule) -> dict[str, str]:
    return {department: f"together {place}" for place, group in enumerate(rule.together) for department in group}
