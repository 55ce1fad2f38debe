"""The agreement 共享协议: a text made of a request's terms, named by its SHA-256; the grant's terms are read back from it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.sharing.texts import escaped

_MARK = "\n条款 Terms\n"
_DUTIES = (
    "一、需求部门仅在下列条款之内、为所列用途使用数据；不得擅自扩大使用范围，不得擅自提供给第三方（国务院令第809号第二十五条）。",
    "二、需求部门记录使用场景、使用过程、应用成效、存储与销毁情况，保存不少于3年（第二十九条）。",
    "三、超出范围、用途使用或者提供给第三方的，暂停共享权限，限期整改；拒不整改的，可以终止共享（第二十七条）。",
    "四、提供部门无正当理由不得终止或者变更共享服务；确需终止或者变更的，经协商并报主管部门备案（第二十七条）。",
    "五、授权终止后{days}个工作日内，需求部门处置数据并提交处置说明与证明，由提供部门确认（第二十七条）。",
)


@dataclass(frozen=True, slots=True)
class Side:
    """A department of the agreement."""

    code: str
    name: str


def agreement_text(request: str, application: str, consumer: Side, provider: Side, resource: str, approved_on: date, terms: Mapping[str, Any]) -> str:
    """The canonical text: NFC, lines ended by LF, the terms as the last line, JSON with sorted keys. Equal input gives equal bytes.

    What would not be seen is escaped: names bring no lines of their own, and no term reads otherwise than it is.
    """
    lines = [
        "政务数据共享协议 Data sharing agreement",
        f"申请编号 Request: {request}",
        f"需求部门 Consumer: {escaped(consumer.name)} ({consumer.code})",
        f"业务应用系统 Application: {application}",
        f"提供部门 Provider: {escaped(provider.name)} ({provider.code})",
        f"信息资源 Resource: {resource}",
        f"同意日期 Approved on: {approved_on.isoformat()}",
        "",
        *(duty.format(days=terms["disposal_days"]) for duty in _DUTIES),
    ]
    last = escaped(json.dumps(terms, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    return unicodedata.normalize("NFC", "\n".join(lines)) + "\n" + _MARK + last + "\n"


def hash_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an agreement gives: the terms of the grant, its time, and the working days for disposal."""

    grant: Mapping[str, Any]
    valid_from: datetime | None
    valid_to: datetime | None
    disposal_days: int


def agreed_terms(text: str) -> Agreed:
    """The terms that stand in an agreement."""
    terms = json.loads(text.rpartition(_MARK)[2])
    begins, ends = (datetime.fromisoformat(terms[name]) if terms[name] else None for name in ("valid_from", "valid_to"))
    return Agreed(terms["grant"], begins, ends, terms["disposal_days"])
