"""What an access request asks for (APP-03): checked against the part of the catalog that is shared, and the terms that follow from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from auth.rights import Operation, SharingClass, Shown
from hub.catalog.problems import Problem, Refused
from hub.sharing.grants import terms_from
from hub.sharing.texts import MOST_PURPOSE_TEXT, NOT_PLAIN, is_plain
from masking.rules import DENY
from schema.faults import Fault
from schema.filters import check_rows
from schema.model import Item, Resource

DISPOSAL_DAYS = 20
"""Working days for disposal after a grant's end where the request names no other number."""
MOST_TEXT = 2000
MOST_GIVEN_BYTES = 32_768
"""Of a request with all its terms, as it is stored."""
_PURPOSE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_TEXTS = {"purpose": MOST_TEXT, "scenario": MOST_PURPOSE_TEXT, "legal_basis": MOST_PURPOSE_TEXT}
"""Characters at most: the purpose itself stands in calls as a code."""


def shared_part(resource: Resource) -> Resource:
    """The resource as whoever may ask for it sees it: items that are not shared do not exist, in no text either."""
    return replace(resource, items={code: item for code, item in resource.items.items() if _is_shared(item)})


def _is_shared(item: Item) -> bool:
    return item.sharing_class is not SharingClass.NOT_SHARED and item.share_mask != DENY


def terms_asked(resource: Resource, given: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """The terms that approval of the request gives, as the agreement states them.

    Raises:
        Refused: with every fault.
    """
    shared = shared_part(resource)
    problems = [*_gaps(shared, given), *_times(given, moment)]
    if problems:
        raise Refused(*problems)
    everything = [o.value for o in sorted(shared.operations, key=lambda o: o.value)]
    asked = {
        # A grant on an unconditional resource adds items to what its class gives; operations it has anyhow.
        "operations": everything if shared.sharing_class is SharingClass.UNCONDITIONAL else given["operations"],
        "items": [_item(item) for item in given["items"]],
        "rows": given.get("rows"),
        "purposes": given.get("purposes") or [{"code": purpose_code(given), "scenario": given["scenario"], "basis": given["legal_basis"]}],
        **{name: given.get(name) for name in ("per_claim", "discloses_existence", "max_page", "quota", "rate", "documents")},
    }
    begins, ends = moment_of(given.get("valid_from")), moment_of(given.get("valid_to"))
    days = given.get("disposal_days") or DISPOSAL_DAYS
    return {
        "grant": terms_from(shared, asked),
        "valid_from": begins.isoformat() if begins else None,
        "valid_to": ends.isoformat() if ends else None,
        "disposal_days": days,
    }


def stored_terms(resource: Resource, given: Mapping[str, Any], moment: datetime) -> str:
    """What is asked for and the terms that follow from it, as a request's row keeps them.

    Raises:
        Refused: with every fault.
    """
    terms = {**terms_asked(resource, given, moment), "given": dict(given)}
    text = json.dumps(terms, ensure_ascii=False, sort_keys=True, default=str)
    if len(text.encode()) > MOST_GIVEN_BYTES:
        raise Refused(Problem("BAD_INPUT", f"申请超过 {MOST_GIVEN_BYTES} 字节 the request is larger than {MOST_GIVEN_BYTES} bytes", "", "items"))
    return text


def supplemented(given: Mapping[str, Any], supplement: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for after a supplement; purposes that a prolonged grant brought along follow its texts."""
    made = {**given, **supplement}
    if any(name in supplement for name in _TEXTS) and given.get("purposes"):
        made["purposes"] = None
    return made


def asked_again(grant: Any) -> dict[str, Any]:
    """What a request asks for that prolongs a grant (its row) by the same terms."""
    terms = json.loads(grant.terms)
    first = terms["purposes"][0]
    return {
        "operations": terms["operations"],
        "items": [{**item, "access": "NONE" if item["value"] == Shown.ABSENT.value else item["value"]} for item in terms["items"]],
        "rows": json.loads(terms["rows"]) if terms["rows"] else None,
        "purpose": first["code"],
        "purpose_code": first["code"],
        "scenario": first["scenario"],
        "legal_basis": first["basis"],
        "purposes": terms["purposes"],
        "max_page": terms["page_limit"],
        **{name: terms.get(name) for name in ("quota", "rate", "per_claim", "discloses_existence", "documents")},
        "extends": grant.id,
    }


def purpose_code(given: Mapping[str, Any]) -> str:
    """The code for the header ``Huitong-Purpose``: the one given, the purpose itself where it is one, else one made of the purpose's hash."""
    if given.get("purpose_code"):
        return str(given["purpose_code"])
    text = str(given["purpose"]).strip()
    return text if _PURPOSE.match(text) else f"p-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def moment_of(value: Any) -> datetime | None:
    """A moment as GraphQL or a command line gives it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _item(given: Mapping[str, Any]) -> dict[str, Any]:
    value = given["access"]
    return {"code": given["code"], "value": None if value == "NONE" else value, "key": bool(given.get("key")), "mask": given.get("mask")}


def _text_gaps(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, most in _TEXTS.items():
        if not 0 < len(str(given.get(name) or "").strip()) <= most:
            yield Problem("BAD_INPUT", f"{name} 应为 1 至 {most} 字 must have 1 to {most} characters (APP-03)", "", name)
        elif not is_plain(str(given[name])):
            yield Problem("BAD_INPUT", NOT_PLAIN, "请去除 remove them", name)


def _gaps(shared: Resource, given: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _text_gaps(given)
    offered = ", ".join(sorted(o.value for o in shared.operations))
    if not given["operations"] or any(Operation(o) not in shared.operations for o in given["operations"]):
        yield Problem("BAD_INPUT", "申请的操作须为资源所提供 operations must be among those offered", offered, "operations")
    known = ", ".join(shared.items)
    for i, item in enumerate(given["items"]):
        if item["code"] not in shared.items:
            yield Problem("BAD_INPUT", f"没有信息项 no item {str(item['code'])[:120]}", known, f"items[{i}].code")
        elif item["access"] not in (Shown.CLEAR.value, Shown.MASKED.value) and not item.get("key"):
            yield Problem("BAD_INPUT", "应为 CLEAR 或 MASKED，或为 key must be CLEAR or MASKED, or a key", "", f"items[{i}].access")
    if not given["items"]:
        yield Problem("BAD_INPUT", "至少申请一个信息项 ask for at least one item", known, "items")
    if given.get("rows") is not None:
        try:
            check_rows(shared, given["rows"])
        except Fault as fault:
            yield Problem("BAD_INPUT", f"{fault.zh} {fault.en}", fault.hint_en, "rows")
    if given.get("purpose_code") is not None and not _PURPOSE.match(str(given["purpose_code"])):
        yield Problem("BAD_INPUT", "用途代码不合格式 wrong purpose code", "[A-Za-z0-9._-]{1,64}", "purposeCode")
    if given.get("disposal_days") is not None and not 1 <= given["disposal_days"] <= 366:
        yield Problem("BAD_INPUT", "应为 1 至 366 个工作日 must be 1 to 366 working days", "", "disposalDays")


def _times(given: Mapping[str, Any], moment: datetime) -> Iterator[Problem]:
    begins, ends = moment_of(given.get("valid_from")), moment_of(given.get("valid_to"))
    if begins is not None and given.get("extends") is not None:
        message = "延续自双方签署起生效，不另定起始时间 a prolongation holds from the second signature on: it has no beginning of its own"
        yield Problem("BAD_INPUT", message, "validFrom: null", "validFrom")
    for name, value in (("validFrom", begins), ("validTo", ends)):
        if value is not None and value.tzinfo is None:
            yield Problem("BAD_INPUT", "时间须带时区 a moment needs its offset", "2027-01-01T00:00:00+08:00", name)
            return
    if ends is not None and ends <= max(moment, begins or moment):
        yield Problem("BAD_INPUT", "终止时间须晚于现在与起始时间 validTo must be later than now and validFrom", "", "validTo")
