"""Which entries a search is for, and whether one of them is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.ledger.canonical import encode
from hub.ledger.entry import Access, Entry, Kind, Outcome

_EXACT = ("operation", "application", "department", "outcome", "call", "code", "purpose", "scenario", "operator", "case", "trace")
_OF_ACCESS = ("resource", "provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which entries: all conditions that are set hold together. ``since`` is inclusive, ``until`` exclusive; ``kinds`` empty means every kind.

    ``resource``, ``provider`` and ``item`` hold of one access together. ``lowest`` and ``highest`` are entry numbers, both inclusive.
    """

    application: str | None = None
    department: str | None = None
    """The consumer's."""
    provider: str | None = None
    resource: str | None = None
    item: str | None = None
    """Code of an information item, within its resource."""
    operation: str | None = None
    outcome: Outcome | None = None
    code: str | None = None
    purpose: str | None = None
    scenario: str | None = None
    operator: str | None = None
    case: str | None = None
    call: str | None = None
    trace: str | None = None
    kinds: tuple[Kind, ...] = ()
    alerts: bool = False
    """Only alerts: an administrator tried what the role does not give, a budget is used up, use is unusual."""
    since: datetime | None = None
    until: datetime | None = None
    lowest: int | None = None
    highest: int | None = None

    @property
    def of_access(self) -> bool:
        """Whether it says something of accesses."""
        return not (self.resource is None and self.provider is None and self.item is None)

    def takes(self, access: Access) -> bool:
        """Whether the access is one of those asked for."""
        if any(getattr(self, name) not in (None, getattr(access, name)) for name in _OF_ACCESS):
            return False
        return self.item is None or any(item.code == self.item for item in access.items)


def matches(which: CallFilter, entry: Entry) -> bool:
    """Whether the entry is one of those asked for."""
    said = entry.content
    if any(getattr(which, name) not in (None, getattr(said, name)) for name in _EXACT):
        return False
    if which.kinds and said.kind not in which.kinds:
        return False
    if which.alerts and (said.details or {}).get("alert") is not True:
        return False
    if (which.since is not None and said.at < which.since) or (which.until is not None and said.at >= which.until):
        return False
    return not which.of_access or any(which.takes(access) for access in said.accesses)


def needles(which: CallFilter) -> tuple[bytes, ...]:
    """Bytes that the canonical form of every such entry holds: whoever lacks one need not be read further."""
    said = [value for name in (*_EXACT, *_OF_ACCESS, "item") if (value := getattr(which, name)) is not None]
    return tuple(encode(value) for value in said) + ((b'"alert":true',) if which.alerts else ())
