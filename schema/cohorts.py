"""Small cohorts: what of an aggregate is told, so that no answers of a consumer, taken together, single out fewer than k rows.

The predicates of all answers cut a resource's rows into parts. Whatever can be reckoned from the answers (differences, sums, trackers) is a
figure of whole parts, so it is enough that no new answer cuts off a part of fewer than k rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from connectors.selection import Undeliverable, Value

Key = tuple[Value, ...]
"""The values that a group has in common; empty where rows are not grouped."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that nothing tells apart: their place in earlier answers, whether the new question selects them, and their group in it."""

    past: tuple[Hashable, ...]
    """What each earlier answer says of them, false where it does not hold them."""
    inside: bool
    key: Key
    count: int
    known: tuple[int, ...] = ()
    """Of each measured item, the rows that have a value."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is told: nothing at all, or the total and the groups ``shown``; of each measured item, whether sums and extremes, and whether averages."""

    told: bool
    shown: frozenset[Key]
    sums: tuple[bool, ...]
    averages: tuple[bool, ...]
    rest: int = 0
    """Rows of groups that are not shown."""


def judge(parts: Sequence[Part], k: int, measures: int) -> Verdict:
    """What may be told where no part of fewer than ``k`` rows may be cut off."""
    groups: dict[Key, int] = defaultdict(int)
    for part in parts:
        if part.inside:
            groups[part.key] += part.count
    if k <= 1:
        return Verdict(True, frozenset(groups), (True,) * measures, (True,) * measures)
    shown = _shown(parts, groups, k) if sum(groups.values()) >= k else None
    if shown is None:
        return Verdict(False, frozenset(), (False,) * measures, (False,) * measures)
    # Of rows that no answer holds nothing is told.
    atoms = [members for (label, past), members in _labelled(parts, shown).items() if label != _OUT or any(past)]
    sums = tuple(all(_fits(sum(part.known[i] for part in atom), k) for atom in atoms) for i in range(measures))
    nulls = tuple(all(_fits(sum(part.count - part.known[i] for part in atom), k) for atom in atoms) for i in range(measures))
    rest = sum(count for key, count in groups.items() if key not in shown)
    return Verdict(True, shown, sums, tuple(known and null for known, null in zip(sums, nulls, strict=True)), rest)


_OUT, _REST = "out", "rest"


def _fits(count: int, k: int) -> bool:
    return count == 0 or count >= k


def _labelled(parts: Sequence[Part], shown: Set[Key]) -> dict[tuple[Hashable, tuple[Hashable, ...]], list[Part]]:
    """The parts by what the new answer would say of them, and their place in earlier ones."""
    found: dict[tuple[Hashable, tuple[Hashable, ...]], list[Part]] = defaultdict(list)
    for part in parts:
        label: Hashable = _OUT if not part.inside else ("shown", part.key) if part.key in shown else _REST
        found[label, part.past].append(part)
    return found


def _shown(parts: Sequence[Part], groups: Mapping[Key, int], k: int) -> frozenset[Key] | None:
    """The groups that can be told, all that are not told being one; ``None`` where not even the total can be.

    A group with a small part is withheld; where what is withheld is small itself, the smallest group is withheld with it. A part that an earlier
    answer held as a whole, and that became small since, is not cut off by an answer that holds it as a whole again, or not at all.
    """
    whole: dict[tuple[Hashable, ...], int] = defaultdict(int)
    for part in parts:
        whole[part.past] += part.count
    shown = {key for key, count in groups.items() if count >= k}
    while True:
        counts = {label: sum(part.count for part in members) for label, members in _labelled(parts, shown).items()}
        small = [label for (label, past), count in counts.items() if count < k and (count < whole[past] or (label != _OUT and not any(past)))]
        rest = sum(count for key, count in groups.items() if key not in shown)
        if _OUT in small or (not shown and _REST in small):
            return None
        cut = [label[1] for label in small if isinstance(label, tuple)]
        if cut:
            shown -= set(cut)
        elif _REST in small or 0 < rest < k:
            if not shown:
                return None
            shown.discard(min(shown, key=lambda key: (groups[key], order_of(key))))
        else:
            return frozenset(shown)


def order_of(key: Key) -> Any:
    """What groups are ordered by: value by value, nulls last, texts by code point. What cannot be delivered stands beside values of any kind."""
    return tuple((2, 0) if value is None else (1, 0) if isinstance(value, Undeliverable) else (0, value) for value in key)
