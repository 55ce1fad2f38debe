"""What a grant shows beyond the catalog's own masks: told in the entry of whoever approves it, so that no clear view is given by oversight (MSK-03)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from auth.rights import ItemPolicy, Shown
from hub.catalog.problems import Problem, Refused
from hub.ledger.entry import Json
from hub.listed import listed
from hub.masking.order import Order, order
from hub.sharing.machine import REQUEST
from hub.sharing.tables import access_request
from hub.sharing.undone import undone_by_grant, undone_by_record
from masking.rules import Mask, UnknownMask, parse_mask
from schema.model import Resource, Snapshot

Told = Mapping[str, Json]
"""``clear``: items in clear that the catalog masks or withholds; ``weaker``: items by a mask that may show more than the catalog's, or whose mask a link undoes."""
_OVERTAKEN = Problem("CONFLICT", "办理期间目录或申请已变更 catalog or request were changed in the meantime", "请重新办理 do it again", "id")


def unmasked(resource: Resource | None, items: Iterable[Mapping[str, Any]], undone: Iterable[str] = ()) -> Told:
    """What items of a grant's terms show beyond the catalog's profile for sharing; nothing where none does. Faulty terms are told of elsewhere.

    ``undone``: what links undo beside them, see :func:`hub.sharing.undone.undone_by_grant`.
    """
    clear: list[str] = []
    weaker: list[str] = []
    for item in items if resource is not None else ():
        policy = resource.policy.items.get(str(item.get("code"))) if resource is not None else None
        if resource is None or policy is None or not _is_masked(policy):
            continue
        if item.get("value") == Shown.CLEAR.value:
            clear.append(policy.code)
        elif item.get("value") == Shown.MASKED.value and item.get("mask"):
            weaker += _weaker(resource, policy, str(item["mask"]))
    return {**listed("clear", clear), **listed("weaker", [*weaker, *undone])}


def unmasked_by_approval(connection: Connection, catalog: Callable[[Connection], Snapshot], act: str, number: str) -> Told:
    """What an act on a request gives beyond the catalog's masks: nothing where it is none that approves."""
    if not any(each.guard == "terms" for each in REQUEST.of(act)):
        return {}
    asked = select(access_request.c.application, access_request.c.resource, access_request.c.terms)
    row = connection.execute(asked.where(access_request.c.id == number)).first()
    terms = json.loads(row.terms).get("grant") if row is not None else None
    if row is None or not terms:
        return {}
    snapshot = catalog(connection)
    return unmasked(snapshot.resources.get(row.resource), terms["items"], undone_by_grant(connection, snapshot, row.application, row.resource, terms))


def unmasked_by_record(connection: Connection, catalog: Callable[[Connection], Snapshot], given: Mapping[str, Any]) -> Told:
    """What a grant gives beyond the catalog's masks that is recorded as an administrator writes it."""
    snapshot = catalog(connection)
    return unmasked(snapshot.resources.get(given["resource"]), given["items"], undone_by_record(connection, snapshot, given))


def check_told(told: Told, now: Told) -> None:
    """Refuses an approval in whose entry stands something else than it gives.

    Raises:
        Refused: ``CONFLICT``.
    """
    if told != now:
        raise Refused(_OVERTAKEN)


def _is_masked(policy: ItemPolicy) -> bool:
    return policy.sensitive or policy.share_mask is not None


def _weaker(resource: Resource, policy: ItemPolicy, label: str) -> Iterator[str]:
    try:
        mask = parse_mask(label, resource.masks)
    except UnknownMask:
        return
    usual = policy.share_mask
    if mask is not None and (usual is None or order(usual, mask) in (Order.WEAKER, Order.UNRELATED)):
        yield f"{policy.code}: {_named(mask)} > {_named(usual) if usual else 'DENY'}"


def _named(mask: Mask) -> str:
    return f"{mask.label}@{mask.version}"
