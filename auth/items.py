"""Decisions on single items, each with its reason: of the public, of every department, of a grant."""

from __future__ import annotations

from collections.abc import Mapping

from auth.reasons import Reason
from auth.rights import GrantItem, ItemDecision, ItemPolicy, SharingClass, Shown
from masking.pseudonym import pseudonymises
from masking.rules import NO_MASKS, Mask, applies_to

NOT_GRANTED = ItemDecision(Shown.ABSENT, Reason.ITEM_NOT_GRANTED)


def open_item(item: ItemPolicy) -> ItemDecision:
    """What the public sees of an item of an open resource."""
    if item.sharing_class is SharingClass.NOT_SHARED:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_NOT_SHARED)
    if item.sharing_class is not SharingClass.UNCONDITIONAL:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_NOT_OPEN)
    if item.open_denied:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_OPENING_DENIED)
    if item.open_mask is not None:
        return ItemDecision(Shown.MASKED, Reason.ITEM_OPEN_MASKED, item.open_mask)
    if item.sensitive:
        return ItemDecision(Shown.ABSENT, Reason.SENSITIVE_WITHOUT_OPEN_MASK)
    return ItemDecision(Shown.CLEAR, Reason.ITEM_OPEN, key=item.identifier)


def shared_item(item: ItemPolicy) -> ItemDecision:
    """What every department sees of an item of an unconditional resource."""
    if item.sharing_class is SharingClass.NOT_SHARED:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_NOT_SHARED)
    if item.sharing_class is not SharingClass.UNCONDITIONAL:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_CONDITIONAL)
    if item.share_denied:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_SHARING_DENIED)
    if item.share_mask is not None:
        return ItemDecision(Shown.MASKED, Reason.ITEM_UNCONDITIONAL_MASKED, item.share_mask, item.identifier)
    if item.sensitive:
        return ItemDecision(Shown.ABSENT, Reason.SENSITIVE_WITHOUT_SHARE_MASK)
    return ItemDecision(Shown.CLEAR, Reason.ITEM_UNCONDITIONAL, key=item.identifier)


def granted_item(policy: ItemPolicy, item: GrantItem, masks: Mapping[str, Mask] = NO_MASKS) -> ItemDecision:
    """What the holder of a grant sees of an item in it. The catalog has the last word; ``masks`` are its department's own rules."""
    if policy.sharing_class is SharingClass.NOT_SHARED:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_NOT_SHARED)
    if policy.share_denied:
        return ItemDecision(Shown.ABSENT, Reason.ITEM_SHARING_DENIED)
    if item.value is Shown.MASKED:
        return _masked_item(policy, item, masks)
    if item.value is Shown.CLEAR:
        return ItemDecision(Shown.CLEAR, Reason.ITEM_GRANTED, key=item.key)
    return ItemDecision(Shown.ABSENT, Reason.ITEM_KEY_ONLY, key=True) if item.key else NOT_GRANTED


def _masked_item(policy: ItemPolicy, item: GrantItem, masks: Mapping[str, Mask]) -> ItemDecision:
    named = masks.get(item.declared) if item.declared is not None else item.mask
    if item.declared is not None and (named is None or (policy.type and not applies_to(named, policy.type))):
        return ItemDecision(Shown.ABSENT, Reason.ITEM_MASK_WITHDRAWN, key=item.key)
    if policy.few_values and pseudonymises(named or policy.share_mask):
        # The catalog may have learnt it after the grant was given.
        return ItemDecision(Shown.ABSENT, Reason.ITEM_MASK_WITHDRAWN, key=item.key)
    if named is not None:
        return ItemDecision(Shown.MASKED, Reason.ITEM_MASKED_BY_GRANT, named, item.key)
    if policy.share_mask is not None:
        return ItemDecision(Shown.MASKED, Reason.ITEM_MASKED_BY_CATALOG, policy.share_mask, item.key)
    return ItemDecision(Shown.ABSENT, Reason.ITEM_MASK_MISSING, key=item.key)
