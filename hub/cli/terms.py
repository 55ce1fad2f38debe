"""The terms of a grant as people write them: a JSON or TOML file in the words of ``createGrant``, or options."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from auth.rights import Operation
from hub.cli.faults import CliFault

_KEYS = {
    "application": "application",
    "resource": "resource",
    "operations": "operations",
    "items": "items",
    "rows": "rows",
    "purposes": "purposes",
    "perClaim": "per_claim",
    "disclosesExistence": "discloses_existence",
    "maxPage": "max_page",
    "quota": "quota",
    "rate": "rate",
    "documents": "documents",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "approver": "approver",
    "agreementHash": "agreement_hash",
}
_MOMENTS = ("validFrom", "validTo")


def read_terms_file(path: Path) -> dict[str, Any]:
    """The terms in a file, by its ending ``.json`` or ``.toml``.

    Raises:
        CliFault: the file is neither, or is not readable as what its name says.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as fault:
        raise CliFault(f"{path}: 无法读取 not readable: {fault}", "JSON (.json) or TOML (.toml), UTF-8") from None
    if not isinstance(content, dict):
        raise CliFault(f"{path}: 应为对象 expected an object", ", ".join(_KEYS))
    return content


def as_service_input(given: Mapping[str, Any]) -> dict[str, Any]:
    """``createGrant``'s input in the names of :meth:`hub.sharing.service.SharingService.create_grant`.

    Raises:
        CliFault: a key is unknown or missing, or a value has the wrong shape.
    """
    for key in given:
        if key not in _KEYS:
            close = difflib.get_close_matches(key, _KEYS, 1)
            raise CliFault(f"未知的键 unknown key: {key}", f"是否为 did you mean {close[0]}?" if close else f"可用 allowed: {', '.join(_KEYS)}")
    for key in ("application", "resource", "operations", "items", "purposes", "approver"):
        if not given.get(key):
            raise CliFault(f"缺少 missing: {key}", "见 see: huitong grant add --help")
    made = {_KEYS[key]: read_moment(key, value) if key in _MOMENTS and value else value for key, value in given.items()}
    made["operations"] = [_operation(value) for value in _list(given, "operations")]
    for key, needed in (("items", {"code"}), ("purposes", {"code", "scenario", "basis"})):
        for i, part in enumerate(_list(given, key)):
            if not isinstance(part, dict) or not needed <= set(part):
                raise CliFault(f"{key}[{i}]: 缺少 missing: {', '.join(sorted(needed))}", "{" + ", ".join(sorted(needed)) + "}")
    return made


def item_from(text: str) -> dict[str, Any]:
    """``CODE``, ``CODE:CLEAR``, ``CODE:MASKED``, ``CODE:MASKED:key``, ``CODE:key`` as an item of a grant."""
    code, *marks = text.split(":")
    key = "key" in marks
    shown = [mark for mark in marks if mark != "key"]
    if len(shown) > 1 or any(mark not in ("CLEAR", "MASKED", "ABSENT") for mark in shown):
        raise CliFault(f"信息项写法不正确 wrong item: {text}", "CODE[:CLEAR|MASKED|ABSENT][:key]")
    value = shown[0] if shown else None if key else "CLEAR"
    return {"code": code, "value": value, "key": key}


def _operation(value: object) -> str:
    known = [operation.value for operation in Operation]
    text = str(value).upper()
    if text not in known:
        raise CliFault(f"没有操作 no operation {value}", ", ".join(known))
    return text


def _list(given: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = given[key]
    if not isinstance(value, list):
        raise CliFault(f"{key}: 应为列表 expected a list", "[…]")
    return value


def read_day(text: str) -> date:
    """A day as people write it.

    Raises:
        CliFault: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CliFault(f"日期格式不正确 not a day: {text}", "2026-03-31") from None


def read_moment(key: str, value: object) -> datetime:
    """A moment as people write it; UTC where no offset is given.

    Raises:
        CliFault: it is none.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise CliFault(f"{key}: 时间格式不正确 not a moment: {value}", "2027-01-01T00:00:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
