"""A decision and its explanation are one: for random catalogs and rights every reason says what was decided, and is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from auth.decide import GIVING, Explanation, Rights, decide, explain
from auth.reasons import Reason
from auth.rights import GrantItem, GrantTerms, ItemPolicy, OpenClass, Operation, Purpose, ResourcePolicy, SharingClass, Shown
from masking.rules import Mask
from schema.faces import Faces
from tests.schema.city import SNAPSHOT, grant, rights
from tests.schema.dice import Dice, examples

pytestmark = pytest.mark.fast
CODE = "a.b"
NAME, NULL = Mask("NAME"), Mask("NULL")
OWN = Mask("KEEP_FIRST_N_LAST_M", (1, 0), name="own_rule")
U, C, N = SharingClass.UNCONDITIONAL, SharingClass.CONDITIONAL, SharingClass.NOT_SHARED

SHOWN = {
    Reason.ITEM_OPEN: Shown.CLEAR,
    Reason.ITEM_OPEN_MASKED: Shown.MASKED,
    Reason.ITEM_NOT_OPEN: Shown.ABSENT,
    Reason.ITEM_OPENING_DENIED: Shown.ABSENT,
    Reason.SENSITIVE_WITHOUT_OPEN_MASK: Shown.ABSENT,
    Reason.ITEM_UNCONDITIONAL: Shown.CLEAR,
    Reason.ITEM_UNCONDITIONAL_MASKED: Shown.MASKED,
    Reason.ITEM_CONDITIONAL: Shown.ABSENT,
    Reason.ITEM_NOT_SHARED: Shown.ABSENT,
    Reason.ITEM_SHARING_DENIED: Shown.ABSENT,
    Reason.SENSITIVE_WITHOUT_SHARE_MASK: Shown.ABSENT,
    Reason.ITEM_GRANTED: Shown.CLEAR,
    Reason.ITEM_MASKED_BY_GRANT: Shown.MASKED,
    Reason.ITEM_MASKED_BY_CATALOG: Shown.MASKED,
    Reason.ITEM_MASK_MISSING: Shown.ABSENT,
    Reason.ITEM_MASK_WITHDRAWN: Shown.ABSENT,
    Reason.ITEM_KEY_ONLY: Shown.ABSENT,
    Reason.ITEM_NOT_GRANTED: Shown.ABSENT,
}
"""What a reason for an item says of its value."""
THERE = {Reason.OPEN, Reason.UNCONDITIONAL, Reason.GRANTED, Reason.GRANT_ADDS, Reason.GRANT_TOO_NARROW}
ITEM_TRUE: dict[Reason, Callable[[ItemPolicy, GrantItem | None], bool]] = {
    Reason.ITEM_OPEN_MASKED: lambda item, _: item.open_mask is not None,
    Reason.ITEM_NOT_OPEN: lambda item, _: item.sharing_class is C,
    Reason.ITEM_OPENING_DENIED: lambda item, _: item.open_denied,
    Reason.SENSITIVE_WITHOUT_OPEN_MASK: lambda item, _: item.sensitive and item.open_mask is None,
    Reason.ITEM_UNCONDITIONAL: lambda item, _: item.sharing_class is U and not item.sensitive,
    Reason.ITEM_UNCONDITIONAL_MASKED: lambda item, _: item.share_mask is not None,
    Reason.ITEM_CONDITIONAL: lambda item, _: item.sharing_class is C,
    Reason.ITEM_NOT_SHARED: lambda item, _: item.sharing_class is N,
    Reason.ITEM_SHARING_DENIED: lambda item, _: item.share_denied,
    Reason.SENSITIVE_WITHOUT_SHARE_MASK: lambda item, _: item.sensitive and item.share_mask is None,
    Reason.ITEM_GRANTED: lambda _, given: given is not None and given.value is Shown.CLEAR,
    Reason.ITEM_MASKED_BY_GRANT: lambda _, given: given is not None and (given.mask is not None or given.declared == OWN.name),
    Reason.ITEM_MASKED_BY_CATALOG: lambda item, given: given is not None and given.mask is None and given.declared is None and item.share_mask is not None,
    Reason.ITEM_MASK_MISSING: lambda item, given: given is not None and given.mask is None and item.share_mask is None,
    Reason.ITEM_MASK_WITHDRAWN: lambda item, given: given is not None and (given.declared == "gone" or (given.declared == OWN.name and item.type == "date")),
    Reason.ITEM_KEY_ONLY: lambda _, given: given is not None and given.key,
    Reason.ITEM_NOT_GRANTED: lambda _, given: given is None or (given.value is Shown.ABSENT and not given.key),
}


def random_item(dice: Dice, code: str, resource: SharingClass) -> ItemPolicy:
    classes = {U: (U, U, C, N), C: (C, C, N), N: (N,)}[resource]
    masks = (None, NAME, NULL)
    sides = dice.pick(masks), dice.chance(15), dice.pick(masks), dice.chance(15)
    return ItemPolicy(code, dice.pick(classes), dice.chance(40), dice.chance(30), *sides, dice.pick(("", "string", "date")))


def random_policy(dice: Dice) -> ResourcePolicy:
    sharing = dice.pick((U, U, C, C, C, N))
    items = {code: random_item(dice, code, sharing) for code in ("i1", "i2", "i3", "i4")}
    made = ResourcePolicy(CODE, "a", sharing, dice.pick(list(OpenClass)), dice.chance(70), frozenset(dice.some(list(Operation))), items, {OWN.name: OWN})
    return replace(made, withdrawn=dice.chance(3))


def random_rights(dice: Dice) -> Rights:
    if dice.chance(20):
        return Rights(None, None, frozenset())
    scopes = {f"{o.scope_prefix}:{target}" for o in Operation for target in ("unconditional", CODE, "a.c") if dice.chance(75)}
    if dice.chance(30):
        return Rights("app", "b", frozenset(scopes))
    codes = dice.some(("i1", "i2", "i3", "i4", "gone"))
    rules = ((None, None), (None, None), (NAME, None), (NAME, None), (None, OWN.name), (None, "gone"))
    items = tuple(GrantItem(code, dice.pick(list(Shown)), dice.chance(40), *dice.pick(rules)) for code in codes)
    operations = frozenset(dice.some(list(Operation), 1))
    rows = dice.pick((None, None, '{"i1":{"eq":"1"}}'))
    terms = GrantTerms("g", CODE, operations, items, rows, (Purpose("P", "s", "b"),), True, True, 10, "甲")
    return Rights("app", "b", frozenset(scopes), (), {CODE: terms})


def check_operation(policy: ResourcePolicy, caller: Rights, found: Explanation, operation: Operation) -> None:
    """The operation is allowed just where its reason says so, and the reason is true."""
    reason = found.operations[operation]
    assert (found.decision is not None and found.decision.allows(operation)) is (reason in GIVING)
    terms = caller.grants.get(CODE)
    if reason is Reason.OPERATION_NOT_OFFERED:
        assert operation not in policy.operations
    elif reason is Reason.OPERATION_NOT_GRANTED:
        assert terms is not None
        assert operation not in terms.operations
    elif reason is Reason.NO_SCOPE:
        assert not caller.scoped(operation, "unconditional" if policy.sharing_class is U else CODE)
    elif reason is Reason.OPERATION_NOT_OPEN:
        assert caller.public
        assert operation is not Operation.QUERY


@examples(400)
def test_what_is_explained_is_what_is_decided(random: Random) -> None:
    dice = Dice(random)
    policy, caller = random_policy(dice), random_rights(dice)
    found, decision = explain(policy, caller), decide(policy, caller)
    assert found.decision == decision
    assert (decision is not None) is (found.reason in THERE)
    for operation in Operation:
        check_operation(policy, caller, found, operation)
    if decision is None:
        return
    assert decision.reasons[-1] is found.reason
    given = {i.code: i for i in caller.grants[CODE].items} if CODE in caller.grants and found.reason is not Reason.GRANT_TOO_NARROW else {}
    assert set(decision.items) == set(policy.items)
    for code, item in decision.items.items():
        assert item.shown is SHOWN[item.reason]
        assert (item.mask is not None) is (item.shown is Shown.MASKED)
        assert ITEM_TRUE.get(item.reason, lambda *_: True)(policy.items[code], given.get(code))


def test_every_reason_that_rights_give_is_given() -> None:
    """No dead entry: beside those that only the state of a grant, an application or a view gives."""
    seen: set[Reason] = set()
    for number in range(3000):
        dice = Dice(Random(number))
        found = explain(random_policy(dice), random_rights(dice))
        seen |= {found.reason, *found.operations.values()}
        seen |= {item.reason for item in found.decision.items.values()} if found.decision else set()
    elsewhere = {reason for reason in Reason if reason.value.startswith("GRANT_") and reason not in THERE}
    assert seen == set(Reason) - elsewhere - {Reason.NOTHING_SHOWN, Reason.APPLICATION_DISABLED, Reason.ITEM_UNKNOWN}
    assert set(SHOWN) <= seen


def test_an_item_that_the_catalog_lacks_says_so() -> None:
    face = Faces(SNAPSHOT, rights(grant())).face("civil_affairs.person")
    assert face is not None
    assert face.decided("gone").reason is Reason.ITEM_UNKNOWN


def test_reasons_are_no_part_of_the_digest() -> None:
    """Two decisions that disclose the same have one digest, whatever led to them."""
    found = decide(SNAPSHOT.resources["civil_affairs.person"].policy, rights(grant()))
    assert found is not None
    items = {code: replace(item, reason=Reason.ITEM_UNKNOWN) for code, item in found.items.items()}
    assert replace(found, items=items, reasons=()).digest == found.digest
