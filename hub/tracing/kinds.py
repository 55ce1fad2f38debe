"""What is asked for, as hashes: one identifier may stand in the log under several kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.selection import Kind, Value
from hub.api.entries import every_hash
from hub.catalog.problems import Problem, Refused
from hub.ledger.subjects import Subjects
from schema.faults import Fault
from schema.model import Item, Resource, Snapshot
from schema.subjects import STABLE
from schema.values import canonical, spellings

MOST_TEXT = 256


@dataclass(frozen=True)
class Wanted:
    """A person or record that is asked for. The value stays in this process; the log is told ``hashes[0]``."""

    kind: str
    hashes: tuple[str, ...]
    places: tuple[tuple[Resource, Item], ...] = ()
    """Identifiers that are compared with it, and have rows under another stable key."""
    value: Value = None


def wanted_subject(snapshot: Snapshot, subjects: Subjects, kind: str, text: str) -> Wanted:
    """A person or thing by an identifier: ``kind`` is the code of an item that identifies, and all items of its validator are meant with it.

    Raises:
        Refused: no resource has such an identifier, or the text is none.
    """
    same = list(_alike(snapshot, kind))
    if not same:
        known = sorted({item.code for resource in snapshot.resources.values() for items in resource.identifying.values() for item in items})
        raise Refused(Problem("NOT_FOUND", f"没有这种标识 no such identifier: {kind[:60]}", ", ".join(known)[:500], "kind"))
    _check_text(text)
    item = next((each for _, each in same if each.code == kind), same[0][1])
    value = _parsed(item, text, "value")
    hashes = dict.fromkeys(subjects.every(kind, str(value)))
    for resource, each in same:
        hashes |= dict.fromkeys(subjects.every(each.code, str(value)))
        if (each.column, each.kind) == (resource.stable_key, resource.stable_kind):
            for spelled in (value, *spellings(each, value)):
                hashes |= dict.fromkeys(every_hash(subjects, resource.code, (STABLE, spelled)))
    return Wanted(kind, tuple(hashes), tuple((r, i) for r, i in same if i.column != r.stable_key), value)


def wanted_record(snapshot: Snapshot, subjects: Subjects, code: str, text: str) -> Wanted:
    """A row of a resource by its stable key, as the source has it.

    Raises:
        Refused: there is no such resource, or the text is no key of it.
    """
    resource = snapshot.resources.get(code)
    if resource is None:
        raise Refused(Problem("NOT_FOUND", f"目录中没有资源 the catalog has no resource {code[:120]}", "部门代码.资源代码 department.resource", "resource"))
    _check_text(text)
    value: Value = text
    if resource.stable_kind in (Kind.INTEGER, Kind.BIGINT):
        if not text.strip().lstrip("-").isdecimal():
            raise Refused(Problem("BAD_INPUT", f"{code} 的主键为整数 the key of {code} is an integer", "请核对 compare it", "key"))
        value = int(text)
    return Wanted(f"{code}{STABLE}", every_hash(subjects, code, (STABLE, value)))


def _alike(snapshot: Snapshot, kind: str) -> Iterator[tuple[Resource, Item]]:
    """Identifying items of this code, and of the validators that items of this code have."""
    every = [(resource, item) for resource in snapshot.resources.values() for items in resource.identifying.values() for item in items]
    validators = {item.validator for _, item in every if item.code == kind and item.validator}
    return ((resource, item) for resource, item in every if item.code == kind or item.validator in validators)


def _parsed(item: Item, text: str, path: str) -> Value:
    given: Value = text
    if item.kind in (Kind.INTEGER, Kind.BIGINT):
        if not text.strip().lstrip("-").isdecimal():
            raise Refused(Problem("BAD_INPUT", f"{item.code} 为整数 is an integer", "请核对 compare it", path))
        given = int(text)
    try:
        return canonical(item, given, path)
    except Fault as fault:
        raise Refused(Problem("BAD_INPUT", f"{fault.zh} {fault.en}", f"{fault.hint_zh} {fault.hint_en}".strip(), path)) from None


def _check_text(text: str) -> None:
    if not 0 < len(text) <= MOST_TEXT:
        raise Refused(Problem("BAD_INPUT", f"应为 1 至 {MOST_TEXT} 个字符 must have 1 to {MOST_TEXT} characters", "请核对 compare it", "value"))
