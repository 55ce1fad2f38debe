"""The masking rules of a manifest: those it declares, those its items name, and what is wrong with either."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from auth.rights import OpenClass, SharingClass
from hub.catalog.manifest import ItemPart, Manifest, MaskRulePart
from hub.catalog.pseudonym_checks import cardinality, project_in_catalog
from masking.rules import Mask, UnknownMask, applies_to, declare, parse_mask

Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""


def rule_of(part: MaskRulePart) -> Mask:
    """The rule that a declaration makes.

    Raises:
        UnknownMask: it makes none.
    """
    return declare(part.code, part.algorithm, cast(Mapping[str, int | str], part.props), part.version, part.fixed, part.share)


def declared_masks(manifest: Manifest) -> Mapping[str, Mask]:
    """The manifest's own rules by code. A declaration that makes none is left out: whatever names it is withheld."""
    found: dict[str, Mask] = {}
    for part in manifest.masks:
        try:
            found[part.code] = rule_of(part)
        except UnknownMask:
            continue
    return found


def mask_rules(manifest: Manifest) -> Found:
    """Declarations that make no rule."""
    for i, part in enumerate(manifest.masks):
        try:
            rule_of(part)
        except UnknownMask as error:
            message, _, hint = str(error).partition("; ")
            yield "UNKNOWN_MASK", f"masks[{i}]", message, hint


def item_masks(manifest: Manifest) -> Found:
    """Items that name no rule, or one that is not for their type. What a faulty declaration makes of them is told with the declaration."""
    declared, codes = declared_masks(manifest), {part.code for part in manifest.masks}
    for i, resource in enumerate(manifest.resources):
        for j, item in enumerate(resource.items):
            for label in (item.mask.share, item.mask.open):
                if label is not None and (label in declared or label not in codes):
                    yield from _named(f"resources[{i}].items[{j}].mask", label, item, declared)


def _named(path: str, label: str, item: ItemPart, declared: Mapping[str, Mask]) -> Found:
    try:
        mask = parse_mask(label, declared)
    except UnknownMask as error:
        own = f"; 本清单 this manifest: {', '.join(declared)}" if declared else ""
        yield "UNKNOWN_MASK", path, f"没有脱敏规则 no masking rule {label!r}", str(error).partition("; ")[2] + own
        return
    if mask is None:
        return
    if not applies_to(mask, item.type):
        yield "MASK_TYPE", path, f"脱敏规则 {label} 不适用于类型 {item.type} does not apply to this type", "请换用其他规则或 use another rule, or NULL or DENY"
    for code, message, hint in (*cardinality(mask, item.low_cardinality or item.validator == "division"), *project_in_catalog(mask)):
        yield code, path, message, hint


def columns_twice(manifest: Manifest) -> Found:
    """Items that show in clear a column that another item of their resource masks, denies or marks sensitive, for sharing or for opening."""
    for i, resource in enumerate(manifest.resources):
        profiles = ("share", "open") if resource.open_class is OpenClass.OPEN else ("share",)
        hiding = {(item.column, profile): item.code for item in resource.items for profile in profiles if _hides(item, profile)}
        for j, item in enumerate(resource.items):
            shown = () if item.sharing_class is SharingClass.NOT_SHARED else tuple(each for each in profiles if not _hides(item, each))
            other = next((hiding[item.column, profile] for profile in shown if (item.column, profile) in hiding), None)
            if other is not None:
                message = f"{other} 已将列 {item.column} 脱敏或标为敏感，本项却不脱敏 {other} masks this column or marks it sensitive, {item.code} does not"
                yield "COLUMN_TWICE", f"resources[{i}].items[{j}].column", message, "请同样脱敏或标记，或删除其一 mask or mark it alike, or remove one"


def _hides(item: ItemPart, profile: str) -> bool:
    return "sensitive" in item.marks or (item.mask.share if profile == "share" else item.mask.open) is not None


def content_of(part: MaskRulePart) -> str:
    """What a declaration says beside its names and version, as canonical JSON: the same text is the same rule."""
    said = part.model_dump(mode="json", include={"algorithm", "props", "fixed", "share"})
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
