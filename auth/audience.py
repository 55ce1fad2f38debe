"""Whose pseudonyms a caller sees, and which rights can show any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from auth.rights import GrantTerms, ItemDecision, ItemPolicy, Shown
from masking.pseudonym import bound, pseudonymises


@dataclass(frozen=True, slots=True)
class Audience:
    """The consumer for whom pseudonyms are made, and the master key that does it now, by id and version."""

    consumer: str
    key_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Pseudonymous:
    """Where one published catalog can make pseudonyms by its own rules."""

    resources: frozenset[str] = frozenset()
    """Codes of resources with such a rule: whoever has a grant for one may meet it."""
    unconditional: bool = False
    """Whether one of them is shared unconditionally, so that every application may meet it."""
    opened: bool = False
    """Whether one of them is open, so that the public may."""

    def reaches(self, grants: Iterable[GrantTerms]) -> bool:
        """Whether an application with these grants can be shown a pseudonym."""
        return self.unconditional or any(each.resource in self.resources or any(pseudonymises(item.mask) for item in each.items) for each in grants)


def items_for(items: Mapping[str, ItemDecision], audience: Audience | None, policies: Mapping[str, ItemPolicy]) -> Mapping[str, ItemDecision]:
    """The decisions on items, their pseudonyms bound to the audience; without one they are withheld.

    An item shown as pseudonym is never a key, nor is another item of its column: whoever could look up by a value would learn its pseudonym.
    """
    found = {code: item for code, item in items.items() if pseudonymises(item.mask)}
    if not found:
        return items
    read = {policies[code].column for code in found} - {""}
    beside = {code: replace(item, key=False) for code, item in items.items() if item.shown is not Shown.CLEAR and policies[code].column in read}
    return {**items, **beside, **{code: _for(item, audience) for code, item in found.items()}}


def _for(item: ItemDecision, audience: Audience | None) -> ItemDecision:
    if audience is None or item.mask is None:
        return replace(item, key=False)
    return replace(item, key=False, mask=bound(item.mask, audience.consumer, audience.key_id, audience.version))
