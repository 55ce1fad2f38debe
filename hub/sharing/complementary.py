"""Views whose masks complement one another, so that together they show what neither gives: of two grants, of items of one column, of the catalog itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, select

from auth.items import granted_item, open_item, shared_item
from auth.rights import OpenClass, SharingClass
from connectors.selection import Binding
from hub.sharing.grants import read_terms
from hub.sharing.tables import application, grant
from masking.complementary import together_show_more
from masking.rules import Mask
from schema.model import Resource, Snapshot

PUBLIC, EVERY_DEPARTMENT = "公众 public", "各部门 every department"
Place = tuple[str, Binding, str]
"""Source, object and column."""


@dataclass(frozen=True, slots=True)
class MaskedUse:
    """How one grant shows an item; of what the catalog shows to all, ``grant`` and ``department`` are empty."""

    grant: str
    application: str
    department: str
    resource: str
    item: str
    mask: Mask


@dataclass(frozen=True, slots=True)
class Complement:
    """Two views of one column whose masks add to one another. ``same_department``: the values meet in one house."""

    first: MaskedUse
    second: MaskedUse

    @property
    def resource(self) -> str:
        """The resource; both, where several read the column."""
        return " + ".join(dict.fromkeys((self.first.resource, self.second.resource)))

    @property
    def item(self) -> str:
        """The item; both, where several read the column."""
        return " + ".join(dict.fromkeys((self.first.item, self.second.item)))

    @property
    def same_department(self) -> bool:
        """Whether both applications belong to one department. What all see, each sees."""
        return self.first.department == self.second.department or "" in (self.first.department, self.second.department)


def complements(connection: Connection, snapshot: Snapshot, grant_id: str | None = None) -> list[Complement]:
    """Complementary masks among the grants in service, those within one department first; only those of one grant where it is named."""
    found = [
        Complement(*pair)
        for uses in _uses(connection, snapshot).values()
        for pair in combinations(uses, 2)
        if together_show_more(pair[0].mask, pair[1].mask) and grant_id in (None, pair[0].grant, pair[1].grant)
    ]
    return sorted(found, key=lambda one: (not one.same_department, one.resource, one.item, one.first.grant, one.second.grant))


def _uses(connection: Connection, snapshot: Snapshot) -> dict[Place, list[MaskedUse]]:
    uses: dict[Place, list[MaskedUse]] = {}
    for resource in snapshot.resources.values():
        for use in _of_catalog(resource):
            uses.setdefault(_place(resource, use.item), []).append(use)
    statement = select(grant, application.c.name, application.c.department).join(application, application.c.client_id == grant.c.application)
    for row in connection.execute(statement.where(grant.c.state.in_(("ACTIVE", "SUSPENDED"))).order_by(grant.c.id)):
        granted = snapshot.resources.get(row.resource)
        for item in read_terms(row.id, row.resource, row.terms, row.approver).items if granted else ():
            known = granted.policy.items.get(item.code) if granted else None
            mask = granted_item(known, item, granted.policy.masks).mask if granted and known else None
            if granted is not None and mask is not None:
                uses.setdefault(_place(granted, item.code), []).append(MaskedUse(row.id, row.name, row.department, granted.code, item.code, mask))
    return uses


def _of_catalog(resource: Resource) -> Iterable[MaskedUse]:
    """What everybody and every department sees of a resource without a grant."""
    policy = resource.policy
    if policy.open_class is OpenClass.OPEN and policy.public:
        yield from (MaskedUse("", PUBLIC, "", resource.code, code, mask) for code, item in policy.items.items() if (mask := open_item(item).mask))
    if policy.sharing_class is SharingClass.UNCONDITIONAL:
        yield from (MaskedUse("", EVERY_DEPARTMENT, "", resource.code, code, mask) for code, item in policy.items.items() if (mask := shared_item(item).mask))


def _place(resource: Resource, item: str) -> Place:
    return resource.source, resource.binding, resource.items[item].column or item


def as_rows(found: Iterable[Complement]) -> list[dict[str, object]]:
    """For a table or JSON."""
    return [
        {
            "resource": one.resource,
            "item": one.item,
            "same_department": one.same_department,
            "grants": [use.grant for use in (one.first, one.second) if use.grant],
            "applications": [one.first.application, one.second.application],
            "masks": [one.first.mask.label, one.second.mask.label],
        }
        for one in found
    ]
