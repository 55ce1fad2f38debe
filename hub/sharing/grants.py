"""Terms of a grant: what an administrator writes, checked against the catalog, and how it is stored and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from auth.rights import DEFAULT_PAGE_LIMIT, GrantItem, GrantTerms, Operation, Purpose, Quota, SharingClass, Shown
from hub.catalog.problems import Problem, Refused
from hub.catalog.pseudonym_checks import cardinality, project_in_grant
from hub.sharing.texts import MOST_PURPOSE_TEXT, NOT_PLAIN, is_plain
from masking.pseudonym import pseudonymises
from masking.rules import DENY, Mask, UnknownMask, applies_to, parse_mask
from schema.faults import Fault
from schema.filters import check_rows
from schema.model import Item, Resource
from schema.naming import CODE

MAX_PAGE = 10_000
PERIODS = ("HOUR", "DAY", "MONTH")
PACES = ("SECOND", "MINUTE")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def terms_from(resource: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as they are stored.

    Raises:
        Refused: with every fault.
    """
    problems: list[Problem] = []
    if resource.sharing_class is SharingClass.NOT_SHARED:
        raise Refused(Problem("NOT_SHARED", "不予共享的资源不能授权 a resource that is not shared cannot be granted", "", "resource"))
    operations = [Operation(o) for o in given["operations"]]
    unknown = [o.value for o in operations if o not in resource.operations]
    if unknown:
        offered = _names(sorted(o.value for o in resource.operations))
        hint = f"请从中选择，或由部门在清单中增加 choose from these, or have the department add to the manifest: {offered}"
        problems.append(_bad("operations", f"资源不提供 the resource does not offer {_names(unknown)}", hint))
    if not operations:
        problems.append(_bad("operations", "至少一项 at least one", _names(o.value for o in resource.operations)))
    items = [_item(resource, i, item, problems) for i, item in enumerate(given["items"])]
    codes = [item["code"] for item in items]
    problems += [_bad(f"items[{i}].code", f"{code} 重复 twice", "") for i, code in enumerate(codes) if code in codes[:i]]
    if resource.sharing_class is SharingClass.UNCONDITIONAL and (given.get("rows") is not None or not resource.operations <= set(operations)):
        hint = f"operations: {_names(o.value for o in resource.operations)}; rows: null"
        problems.append(
            _bad("operations", "无条件共享资源的授权须含其全部操作且不限行 a grant on an unconditional resource has all its operations and no rows", hint)
        )
    rows = _rows(resource, given.get("rows"), problems)
    purposes = purposes_from(given.get("purposes") or [], "purposes", problems)
    page = DEFAULT_PAGE_LIMIT if given.get("max_page") is None else given["max_page"]
    if not 1 <= page <= MAX_PAGE:
        problems.append(_bad("maxPage", f"应为 1 至 {MAX_PAGE} must be 1 to {MAX_PAGE}", ""))
    quota, rate = (_quota(name, given.get(name), periods, problems) for name, periods in (("quota", PERIODS), ("rate", PACES)))
    documents = list(given.get("documents") or [])
    problems += [
        _bad(f"documents[{i}]", "应为文档的 SHA-256 must be the SHA-256 of a document", "64 hex digits")
        for i, d in enumerate(documents)
        if not _SHA256.match(d)
    ]
    if problems:
        raise Refused(*problems)
    return {
        "operations": [o.value for o in operations],
        "items": items,
        "rows": rows,
        "purposes": purposes,
        "per_claim": bool(given.get("per_claim")),
        "discloses_existence": bool(given.get("discloses_existence")),
        "page_limit": page,
        "quota": quota,
        "rate": rate,
        "documents": documents,
    }


def _quota(path: str, given: Mapping[str, Any] | None, periods: Sequence[str], problems: list[Problem]) -> dict[str, Any] | None:
    if given is None:
        return None
    numbers = {name: given.get(name) for name in ("calls", "rows")}
    if not any(numbers.values()) or any(n is not None and n < 1 for n in numbers.values()):
        example = f"{{calls: 1000, per: {periods[-1]}}}"
        problems.append(_bad(path, "须给出正的 calls 或 rows give a positive number of calls or rows", example))
    if given.get("per") not in periods:
        problems.append(_bad(f"{path}.per", f"没有周期 no period {given.get('per')}", _names(periods)))
    return {**numbers, "per": given.get("per")}


def purposes_from(given: Sequence[Mapping[str, Any]], path: str, problems: list[Problem]) -> list[dict[str, str]]:
    """Purposes (APP-03): a code that fits the header, its scenario and its legal basis."""
    if not given:
        problems.append(_bad(path, "至少一项用途 at least one purpose", "{code, scenario, basis}"))
    made = []
    for i, purpose in enumerate(given):
        code = str(purpose["code"])
        if not 0 < len(code) <= 64 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in code):
            problems.append(_bad(f"{path}[{i}].code", f"用途代码不合格式 wrong purpose code: {code}", "[A-Za-z0-9._-]{1,64}"))
        empty = [name for name in ("scenario", "basis") if not str(purpose.get(name) or "").strip()]
        problems += [_bad(f"{path}[{i}].{name}", "不能为空 must not be empty (APP-03, LOG-05)", "") for name in empty]
        long = [name for name in ("scenario", "basis") if len(str(purpose.get(name) or "")) > MOST_PURPOSE_TEXT]
        problems += [_bad(f"{path}[{i}].{name}", f"至多 {MOST_PURPOSE_TEXT} 字 {MOST_PURPOSE_TEXT} characters at most", "") for name in long]
        turned = [name for name in ("scenario", "basis") if not is_plain(str(purpose.get(name) or ""))]
        problems += [_bad(f"{path}[{i}].{name}", NOT_PLAIN, "请去除 remove them") for name in turned]
        made.append({"code": code, "scenario": str(purpose["scenario"]), "basis": str(purpose["basis"])})
    return made


def _item(resource: Resource, i: int, given: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    code, path = str(given["code"]), f"items[{i}]"
    item = resource.items.get(code) if CODE.match(code) else None
    value, key, mask = given.get("value"), bool(given.get("key")), given.get("mask")
    if item is None:
        problems.append(_bad(f"{path}.code", f"没有信息项 no item {code}", _names(resource.items)))
    elif item.sharing_class is SharingClass.NOT_SHARED or item.share_mask == DENY:
        problems.append(_bad(f"{path}.code", f"信息项不予共享 the item is not shared: {code}", ""))
    elif value == Shown.MASKED.value:
        _check_mask(resource, path, mask or item.share_mask, item, key, problems)
    elif mask is not None:
        hint = "value: MASKED"
        problems.append(_bad(f"{path}.mask", f"{value or '-'} 不带脱敏规则 a mask stands with the value MASKED alone", hint))
    if value not in (None, *(shown.value for shown in Shown)):
        problems.append(_bad(f"{path}.value", f"没有这种可见性 no such value: {value}", "CLEAR, MASKED"))
        value = None
    if value is None and not key:
        problems.append(_bad(path, "须给出 value 或 key give a value or a key", "value: CLEAR | MASKED, key: true"))
    return {"code": code, "value": value or Shown.ABSENT.value, "key": key, "mask": mask}


def _check_mask(resource: Resource, path: str, label: str | None, item: Item, key: bool, problems: list[Problem]) -> None:
    try:
        usable = parse_mask(label, resource.masks) if label is not None else None
    except UnknownMask as error:
        problems.append(_bad(f"{path}.mask", str(error), ""))
        return
    if usable is not None and not applies_to(usable, item.kind.value):
        problems.append(_bad(f"{path}.mask", f"脱敏规则不适用于类型 {item.kind.value} the mask does not apply to this type", "NULL, DATE_TO_YEAR"))
    if usable is None:
        problems.append(_bad(f"{path}.mask", "目录未定义共享脱敏规则，须指明 mask the catalog names no share mask: name one", "mask: NAME"))
        return
    faults = [*cardinality(usable, resource.policy.items[item.code].few_values), *project_in_grant(usable)]
    problems += [_bad(f"{path}.mask", message, hint) for _, message, hint in faults]
    if key and pseudonymises(usable):
        message = "以假名提供的信息项不得作查询键 an item shown as pseudonym cannot be a key: looking a value up would tell its pseudonym"
        problems.append(_bad(f"{path}.key", message, "key: false"))


def _rows(resource: Resource, rows: Any, problems: list[Problem]) -> str | None:
    if rows is None:
        return None
    try:
        return check_rows(resource, rows)
    except Fault as fault:
        problems.append(_bad("rows", f"{fault.zh} {fault.en}", fault.hint_en))
        return None


def _bad(path: str, message: str, hint: str) -> Problem:
    return Problem("BAD_INPUT", message, hint, path)


def _names(names: Any) -> str:
    return ", ".join(names)


def _rule(label: str | None) -> tuple[Mask | None, str | None]:
    """The built-in rule of a label, or the code of a rule that the department declares: that one is looked up where rights are decided."""
    if not label:
        return None, None
    try:
        return parse_mask(label), None
    except UnknownMask:
        return None, label


def read_terms(grant: str, resource: str, stored: str, approver: str) -> GrantTerms:
    """A stored grant as rights are computed from it."""
    terms = json.loads(stored)
    items = tuple(GrantItem(item["code"], Shown(item["value"]), item["key"], *_rule(item["mask"])) for item in terms["items"])
    return GrantTerms(
        grant=grant,
        resource=resource,
        operations=frozenset(Operation(o) for o in terms["operations"]),
        items=items,
        rows=terms["rows"],
        purposes=tuple(Purpose(**p) for p in terms["purposes"]),
        per_claim=terms["per_claim"],
        discloses_existence=terms["discloses_existence"],
        page_limit=terms["page_limit"],
        approver=approver,
        quota=Quota(**terms["quota"]) if terms["quota"] else None,
        documents=frozenset(terms["documents"]),
        rate=Quota(**terms["rate"]) if terms.get("rate") else None,
    )
