"""One table or view → one resource."""

from __future__ import annotations

import re

from connectors.selection import Kind, Value
from connectors.spi import ColumnDescription, ObjectDescription
from hub.catalog.draft.keys import Key, look_ups
from hub.catalog.draft.meanings import is_credential, is_of_persons, meaning_of
from hub.catalog.draft.naming import ItemNames, code_of, resource_codes
from hub.catalog.draft.parts import Item, Meaning, Resource, Sample
from hub.catalog.draft.words import in_chinese, is_chinese

_LONGEST_NAME = 60
_LONGEST_TEXT = 2000
_LONGEST_COLUMN = 200
_FEW, _TIMES = 12, 3
_SHORT = 40
_HARMLESS = (Kind.DATE, Kind.DATETIME, Kind.BOOLEAN)
"""Kinds of no password: when it expires, whether there is one."""
_WATERMARKS = re.compile(r"(?:updated?|modified|changed)(?:_(?:at|on|time|date))?\Z|last_(?:update|updated|modified)\w*\Z|gxsj\Z")


def draft_resource(described: ObjectDescription, table: str, key: Key, sample: Sample) -> Resource:
    """The resource of a table or view that has a key, without links; the caller gives it a code that is free. ``table``: its bare name."""
    name, name_en, description, guessed = _titles(table, described.comment)
    resource = Resource(
        described,
        *resource_codes(table),
        name,
        name_en,
        description,
        key.column.name,
        key.column.kind or Kind.BIGINT,
        items=[],
        identifiers=[],
        left_out=[],
        why={"name": guessed, "stable_key": key.why},
    )
    _items(resource, sample, persons=is_of_persons(resource_codes(table)[0], f"{table} {described.comment}"))
    if not key.declared and not described.view:
        _promise_the_key_alone(resource.items, key)
    unique = look_ups(described, key)
    resource.identifiers = [item.code for item in resource.items if item.column in unique]
    resource.watermark = next((item.column for item in resource.items if item.kind is Kind.DATETIME and _WATERMARKS.search(item.code)), None)
    return resource


def _promise_the_key_alone(items: list[Item], key: Key) -> None:
    # What a file happens to hold without gaps is no promise, and one empty cell would reject a whole delivery.
    for item in items:
        item.nullable = item.column != key.column.name
        if not item.nullable:
            item.why["nullable"] = key.why


def _items(resource: Resource, sample: Sample, *, persons: bool) -> None:
    described, names = resource.described, ItemNames()
    kept = [column for column in described.columns if not _without_place(resource, column)]
    bare = {column.name: code_of(column.name, "item") for column in kept}
    persons = persons or any(_of_a_person(_meaning(column, bare[column.name], sample, persons=False)) for column in kept)
    for column in kept:
        meaning = _meaning(column, bare[column.name], sample, persons=persons)
        resource.items.append(_item(described, column, names.take(bare[column.name]), meaning, sample.values(column.name)))


def _of_a_person(meaning: Meaning | None) -> bool:
    return meaning is not None and meaning.own and meaning.name.startswith(("公民身份号码", "出生日期", "性别"))


def _without_place(resource: Resource, column: ColumnDescription) -> bool:
    reason = ""
    if column.kind is None:
        reason = f"类型 {column.type} 无对应类型 the type {column.type} has no kind that holds it without loss"
    elif column.kind not in _HARMLESS and is_credential(code_of(column.name, "item"), column.name + column.comment):
        reason = "疑为口令或密钥 looks like a password or a key"
    elif len(column.name) > _LONGEST_COLUMN:
        reason = "列名过长 the name is too long"
    if reason:
        resource.left_out.append((column.name, reason))
    return bool(reason)


def _meaning(column: ColumnDescription, code: str, sample: Sample, *, persons: bool) -> Meaning | None:
    text = f"{column.name} {column.comment}" if is_chinese(column.name + column.comment) else ""
    return meaning_of(code, text, column.kind or Kind.STRING, sample.values(column.name), persons=persons)


def _item(described: ObjectDescription, column: ColumnDescription, code: str, meaning: Meaning | None, values: list[Value]) -> Item:
    name, name_en, description, guessed = _titles(column.name, column.comment)
    item = Item(code, name, name_en, description, column.kind or Kind.STRING, column.name, column.nullable, meaning, why={"name": guessed})
    few = item.kind is Kind.BOOLEAN or few_valued(values)
    sensitive = meaning is not None and "sensitive" in meaning.marks
    item.low_cardinality = few and column.name not in described.primary_key
    item.filterable = column.compared and not sensitive and item.kind is not Kind.FLOAT and (column.name in described.indexed or item.low_cardinality)
    item.why["filterable"] = "有索引 indexed" if column.name in described.indexed else "取值少 few values"
    item.why["low_cardinality"] = (
        f"抽样 {len(values)} 个值中仅 {len(set(values))} 种 {len(set(values))} distinct of {len(values)} sampled"
        if item.kind is not Kind.BOOLEAN
        else "是非 yes or no"
    )
    if item.kind is Kind.DATETIME and re.fullmatch(r"timestamp(\(\d\))? without time zone|datetime.*", column.type, re.IGNORECASE):
        item.why["type"] = "源中无时区的按 UTC 读取 read as UTC where the source has no time zone"
    return item


def few_valued(values: list[Value]) -> bool:
    """A handful of short values, each seen several times."""
    distinct = set(values)
    return 0 < len(distinct) <= _FEW and len(values) >= _TIMES * len(distinct) and all(len(str(value)) <= _SHORT for value in distinct)


def _titles(name: str, comment: str) -> tuple[str, str, str, str]:
    """Name, English name, description, and why the name is a guess."""
    comment = " ".join(comment.split())[:_LONGEST_TEXT]
    code = code_of(name, "x")
    english = "" if is_chinese(name) else code.replace("_", " ").capitalize()
    if is_chinese(comment):
        head = re.split(r"(?<=..)[。；;，,：:（(]", comment, maxsplit=1)[0].strip()[:_LONGEST_NAME]
        return head, english, comment if comment != head else "", ""
    if comment:
        english = comment[:_LONGEST_NAME] if len(comment) <= _LONGEST_NAME else english
    description = comment if comment != english else ""
    if is_chinese(name):
        return name[:_LONGEST_NAME], english, description, ""
    chinese = in_chinese(code)
    return (
        (chinese or name.strip()[:_LONGEST_NAME] or code),
        english,
        description,
        "按列名或表名译出 translated from its name" if chinese else "原名 its own name",
    )
