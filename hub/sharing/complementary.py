"""Grants whose masks complement one another, so that two applications together see what neither was given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, select

from auth.items import granted_item
from hub.sharing.grants import read_terms
from hub.sharing.tables import application, grant
from masking.complementary import together_show_more
from masking.rules import Mask
from schema.model import Snapshot


@dataclass(frozen=True, slots=True)
class MaskedUse:
    """How one grant shows an item."""

    grant: str
    application: str
    department: str
    mask: Mask


@dataclass(frozen=True, slots=True)
class Complement:
    """Two grants whose masks of one item add to one another. ``same_department``: the values meet in one house."""

    resource: str
    item: str
    first: MaskedUse
    second: MaskedUse

    @property
    def same_department(self) -> bool:
        """Whether both applications belong to one department."""
        return self.first.department == self.second.department


def complements(connection: Connection, snapshot: Snapshot, grant_id: str | None = None) -> list[Complement]:
    """Complementary masks among the grants in service, those within one department first; only those of one grant where it is named."""
    found = [
        Complement(resource, item, *pair)
        for (resource, item), uses in _uses(connection, snapshot).items()
        for pair in combinations(uses, 2)
        if together_show_more(pair[0].mask, pair[1].mask) and grant_id in (None, pair[0].grant, pair[1].grant)
    ]
    return sorted(found, key=lambda one: (not one.same_department, one.resource, one.item, one.first.grant, one.second.grant))


def _uses(connection: Connection, snapshot: Snapshot) -> dict[tuple[str, str], list[MaskedUse]]:
    uses: dict[tuple[str, str], list[MaskedUse]] = {}
    statement = select(grant, application.c.name, application.c.department).join(application, application.c.client_id == grant.c.application)
    for row in connection.execute(statement.where(grant.c.state.in_(("ACTIVE", "SUSPENDED"))).order_by(grant.c.id)):
        resource = snapshot.resources.get(row.resource)
        for item in read_terms(row.id, row.resource, row.terms, row.approver).items if resource else ():
            known = resource.policy.items.get(item.code) if resource else None
            mask = granted_item(known, item, resource.policy.masks).mask if resource and known else None
            if mask is not None:
                uses.setdefault((row.resource, item.code), []).append(MaskedUse(row.id, row.name, row.department, mask))
    return uses


def as_rows(found: Iterable[Complement]) -> list[dict[str, object]]:
    """For a table or JSON."""
    return [
        {
            "resource": one.resource,
            "item": one.item,
            "same_department": one.same_department,
            "grants": [one.first.grant, one.second.grant],
            "applications": [one.first.application, one.second.application],
            "masks": [one.first.mask.label, one.second.mask.label],
        }
        for one in found
    ]
