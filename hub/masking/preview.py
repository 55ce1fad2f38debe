"""Masking preview 脱敏预览: a rule on values that nobody has, what it gives away, whom it concerns, and what to be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auth.rights import Decision, Shown
from connectors.selection import Kind
from hub.catalog.problems import Problem, Refused
from hub.masking.inference import Inference, infer, known_of, with_places
from hub.masking.linked import decided_by, rights_of, ways_to_clear
from hub.masking.meanings import BIRTH, Meaning, meaning_of, meanings_of, synthetic
from hub.masking.quasi import quasi_set
from hub.masking.touched import EVERYBODY, Touched, touched
from hub.sharing.explain import resource_of
from hub.sharing.registry import Application
from masking.rules import DENY, NO_MASKS, Mask, UnknownMask, applies_to, declare, parse_mask
from schema.model import Item, Resource, Snapshot

FEW = 10_000
"""Candidates that anybody tries out: by a verification, a telephone, another department's query."""
MOST_VALUES, MOST_LENGTH, MOST_TOUCHED = 20, 200, 1000


@dataclass(frozen=True, slots=True)
class Declaration:
    """A rule that is not saved anywhere."""

    algorithm: str
    props: Mapping[str, int | str] = field(default_factory=dict)
    version: int = 1
    fixed: bool = False
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is previewed. ``rule``: a label, or the code of a declared rule of ``department``; else ``declaration``; else the item's own for sharing.

    ``values`` come from whoever asks; where there are none, they are synthetic, the same for a ``seed``.
    """

    rule: str | None = None
    declaration: Declaration | None = None
    type: str | None = None
    resource: str | None = None
    item: str | None = None
    department: str | None = None
    values: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the rule does not keep, with its code."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A previewed rule. ``touched`` are at most ``MOST_TOUCHED`` of ``touched_count``."""

    mask: Mask
    type: str
    rows: tuple[Inference, ...]
    warnings: tuple[Warned, ...]
    touched: tuple[Touched, ...]
    touched_count: int


def preview(asked: Asked, snapshot: Snapshot, applications: Iterable[Application], only: str | None = None) -> Preview:
    """Previews a rule; ``only`` limits to one department whose grants are told.

    Raises:
        Refused: ``NOT_FOUND`` for a resource, item or rule, ``BAD_INPUT`` for what cannot be previewed.
    """
    resource = resource_of(snapshot, asked.resource) if asked.resource else None
    item, apps = _item(resource, asked.item), list(applications)
    mask = _rule(asked, snapshot, resource, item)
    type_ = item.kind.value if item else _type(asked.type, mask)
    rows = tuple(_rows(asked, mask, type_, item))
    # A rule that is not saved would take the place of the item's own.
    current = resource.policy.items[item.code].share_mask if asked.declaration and resource and item else mask
    owner = only or ((asked.department or (resource.department if resource else None)) if mask.name else None)
    found = [
        (each, decision)
        for each, decision in (touched(snapshot, apps, current, owner) if current else ())
        if (resource is None or each.resource == resource.code) and (item is None or each.item == item.code)
    ]
    told = snapshot if only is None else replace(snapshot, resources={each.code: each for each in snapshot.by_department.get(only, ())})
    warnings = dict.fromkeys([*_of_rule(mask, type_, rows), *_of_grants(mask, rows, snapshot, found), *_of_links(told, apps, found)])
    return Preview(mask, type_, rows, tuple(warnings), tuple(each for each, _ in found[:MOST_TOUCHED]), len(found))


def _item(resource: Resource | None, code: str | None) -> Item | None:
    if code is None:
        return None
    if resource is None:
        raise Refused(Problem("BAD_INPUT", "请同时给出资源 give the resource with the item", "resource: civil_affairs.person", "resource"))
    found = resource.items.get(code)
    if found is None:
        raise Refused(Problem("NOT_FOUND", f"没有信息项 no item {code[:60]}", ", ".join(resource.items), "item"))
    return found


def _rule(asked: Asked, snapshot: Snapshot, resource: Resource | None, item: Item | None) -> Mask:
    try:
        if asked.declaration is not None:
            given = asked.declaration
            return declare("preview", given.algorithm, given.props, given.version, given.fixed, given.share)
        label = asked.rule or (item.share_mask if item else None)
        if label is None:
            raise Refused(Problem("BAD_INPUT", "请给出规则 name a rule, or an item that has one", "rule: KEEP_FIRST_3_LAST_4", "rule"))
        found = parse_mask(label, _declared(snapshot, asked.department or (resource.department if resource else None)))
    except UnknownMask as fault:
        own = "" if asked.declaration or asked.department else "；部门自定义的规则须指明部门 a department's own rule needs its department"
        raise Refused(Problem("BAD_INPUT", str(fault), f"huitong mask list{own}", "rule")) from None
    if found is None:
        raise Refused(Problem("BAD_INPUT", f"{DENY} 不是脱敏：信息项不可见 is no mask, the item is absent", "huitong mask list", "rule"))
    return found


def _declared(snapshot: Snapshot, department: str | None) -> Mapping[str, Mask]:
    resources = snapshot.by_department.get(department, ()) if department else ()
    return next((resource.masks for resource in resources), NO_MASKS)


def _type(given: str | None, mask: Mask) -> str:
    types = [kind.value for kind in Kind]
    if given is not None and given not in types:
        raise Refused(Problem("BAD_INPUT", f"没有类型 no type {given[:60]}", ", ".join(types), "type"))
    return given or next(kind for kind in ("string", "date", "integer") if applies_to(mask, kind))


def _rows(asked: Asked, mask: Mask, type_: str, item: Item | None) -> Iterable[Inference]:
    if len(asked.values) > MOST_VALUES or any(len(value) > MOST_LENGTH for value in asked.values):
        message = f"至多 {MOST_VALUES} 个值，每个至多 {MOST_LENGTH} 个字符 at most {MOST_VALUES} values of {MOST_LENGTH} characters"
        raise Refused(Problem("BAD_INPUT", message, "", "values"))
    meanings = (meaning_of(item),) if item else meanings_of(type_)
    if not applies_to(mask, type_):
        mask = Mask("NULL")
    if asked.values:
        meaning = meanings[0] if len(meanings) == 1 else Meaning.TEXT
        numbers = meaning is Meaning.NUMBER
        return [infer(mask, _recognised(meaning, value), _number(value) if numbers else value) for value in asked.values]
    return [infer(mask, meaning, value) for meaning in meanings for value in synthetic(meaning, asked.seed)]


def _recognised(meaning: Meaning, value: str) -> Meaning:
    if meaning is not Meaning.TEXT:
        return meaning
    if len(value) == 18 and value[:-1].isdigit():
        return Meaning.RESIDENT_ID
    return Meaning.MOBILE if len(value) == 11 and value.isdigit() and value[0] == "1" else Meaning.TEXT


def _number(value: str) -> int | str:
    return int(value) if value.removeprefix("-").isdecimal() and value.isascii() else value


def _of_rule(mask: Mask, type_: str, rows: Sequence[Inference]) -> Iterable[Warned]:
    if not applies_to(mask, type_):
        yield Warned("NOT_APPLICABLE", f"规则不适用于类型 {type_}，值一律不显示", f"the rule does not apply to type {type_}: every value is withheld")
    if mask.algorithm == "PSEUDONYM":
        yield Warned("EQUALITY_SHOWS", "相同的值假名相同：可统计频次、可跨表关联", "equal values have equal pseudonyms: they can be counted and joined")
    for row in rows:
        if row.masked == str(row.value):
            yield Warned("SHOWS_ALL", f"{row.meaning.value}：原样显示", f"{row.meaning.value}: shown as it is")
        if row.shown_percent != 0 and row.count.candidates <= FEW:
            count = f"{row.count.candidates:,}"
            yield Warned(
                "FEW_CANDIDATES",
                f"{row.meaning.value}：仅余 {count} 个候选值，可逐一试出",
                f"{row.meaning.value}: {count} candidates remain, which can be tried",
            )
        for more in row.knowing:
            if more.candidates <= FEW < row.count.candidates or (more.candidates <= FEW and row.meaning is Meaning.RESIDENT_ID):
                yield Warned(
                    "FEW_WITH_MORE",
                    f"{row.meaning.value}：{more.zh}，仅余 {more.candidates:,} 个",
                    f"{row.meaning.value}: {more.candidates:,} remain {more.en}",
                )
        if row.length_shows and row.meaning in (Meaning.NAME, Meaning.TEXT):
            yield Warned(
                "LENGTH_SHOWS",
                f"{row.meaning.value}：星号个数显示长度；可用定长形式",
                f"{row.meaning.value}: the stars tell the length; there is a form of fixed length",
            )


def _of_grants(mask: Mask, rows: Sequence[Inference], snapshot: Snapshot, found: Iterable[tuple[Touched, Decision]]) -> Iterable[Warned]:
    told = [row for row in rows if row.shown_percent != 0]
    left = min([*(row.count.candidates for row in told), *(more.candidates for row in told for more in row.knowing)], default=FEW + 1)
    for each, decision in found:
        resource = snapshot.resources[each.resource]
        who = each.application or each.viewer
        if left <= FEW and decision.items[each.item].key:
            yield Warned(
                "TRIED_BY_KEY",
                f"{who} 又可按 {each.item} 查询：逐一查询候选值（至少 {left:,} 个）即可还原",
                f"{who} may look up by {each.item}, too: whoever tries the candidates, {left:,} at least, finds the value",
            )
        if meaning_of(resource.items[each.item]) is Meaning.RESIDENT_ID:
            yield from _with_birth(mask, resource, decision, who, each.item)
        if items := quasi_set(resource, decision):
            text = ", ".join(items)
            yield Warned(
                "QUASI_IDENTIFIERS",
                f"{who} 另以明文看到 {resource.code} 的 {text}，合在一起可识别个人",
                f"{who} sees {text} of {resource.code} in clear besides, which together name people",
            )


def _of_links(snapshot: Snapshot, applications: Sequence[Application], found: Iterable[tuple[Touched, Decision]]) -> Iterable[Warned]:
    """Links that lead whoever sees an item masked to the same value in clear."""
    by_name = {app.name: app for app in applications}
    callers = {name: decided_by(snapshot, rights_of(app)) for name, app in by_name.items()}
    everybody = decided_by(snapshot, EVERYBODY)
    for each, decision in found:
        if not decision.items[each.item].key:
            continue
        decided = callers[each.application] if each.application else everybody
        for one in ways_to_clear(snapshot, decided, snapshot.resources[each.resource], each.item):
            who = each.application or each.viewer
            yield Warned(
                "UNDONE_BY_LINK",
                f"{who} 可沿链接 {one.way} 看到 {each.item} 同一取值的明文",
                f"{who} sees the value of {each.item} in clear at the end of the link {one.way}",
            )


def _with_birth(mask: Mask, resource: Resource, decision: Decision, who: str, item: str) -> Iterable[Warned]:
    """The same caller sees the number masked, and a date of birth that is in it."""
    for code, other in resource.items.items():
        decided = decision.items[code]
        if meaning_of(other) is not Meaning.DATE or not (BIRTH.search(code) or "出生" in other.name) or decided.shown is Shown.ABSENT:
            continue
        year_only = decided.shown is Shown.MASKED
        value = str(synthetic(Meaning.RESIDENT_ID)[0])
        left = with_places(value, known_of(mask, value), range(6, 10) if year_only else range(6, 14)).candidates
        what = f"{resource.code}.{code}" + (" (脱敏 masked)" if year_only else "")
        yield Warned(
            "SHOWN_TOGETHER", f"{who} 同时看到 {what}：{item} 仅余 {left:,} 个候选值", f"{who} sees {what} as well: {left:,} candidates of {item} remain"
        )
