"""How people are shown an access request: where it stands, by when who must act and why, and what is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.sharing.cases import Case
from hub.sharing.machine import REQUEST
from hub.sharing.workdays import china_time


def line(case: Case) -> str:
    """One line: parties, state, whose turn it is until when, the grant; the agreement's hash while it is to be signed."""
    turn = f", {case.party} → {case.due_on}" if case.party else ""
    late = f" 逾期 overdue: {case.late or case.party}" if case.overdue else ""
    signed = f"\nagreement {case.agreement_hash}" if case.agreement_hash and case.grant is None else ""
    return f"{case.id} {case.application} → {case.resource}: {case.state}{turn}{late}{f' {case.grant}' if case.grant else ''}{signed}"


def whole(case: Case) -> str:
    """The line, what the state means, the article of the due day, and the terms asked for."""
    parts = [line(case), f"  {REQUEST.states[case.state].name} {REQUEST.states[case.state].name_en}"]
    if case.rule:
        parts.append(f"  期限 due: {case.due_on}, {case.rule}")
    if case.missing:
        parts.append(f"  曾告知所缺 noticed as missing: {', '.join(case.missing)}")
    if case.reason:
        parts.append(f"  理由 reason: {case.reason}")
    return "\n".join(part for part in [*parts, *_terms(case)] if part)


def _terms(case: Case) -> list[str]:
    grant = case.terms.get("grant") or {}
    given = case.terms.get("given") or {}
    purposes = grant.get("purposes") or case.terms.get("purposes") or []
    return [
        f"  操作 operations: {', '.join(grant['operations'])}" if grant else "",
        f"  信息项 items: {', '.join(_item(item) for item in grant['items'])}" if grant else "",
        f"  行条件 rows: {json.dumps(grant['rows'], ensure_ascii=False) if grant['rows'] else '全部 all'}" if grant else "",
        *(f"  用途 purpose: {each['code']} {each['scenario']} ({each['basis']})" for each in purposes),
        f"  期限至 term until: {_day(case.terms.get('valid_to'))}" if given else "",
    ]


def _day(moment: str | None) -> str:
    return china_time(datetime.fromisoformat(moment)) if moment else "不限 open"


def _item(item: Mapping[str, Any]) -> str:
    words = [str(item["code"]), str(item["value"] or "").lower(), str(item["mask"] or ""), "key" if item["key"] else ""]
    return " ".join(word for word in words if word)
