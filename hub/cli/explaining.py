"""How explanations and dry runs are printed for people; for programs they are JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from enum import Enum
from typing import Any

from hub.cli.output import say, show_rows
from hub.sharing.explain_run_types import DryRun, DryRunResource
from hub.sharing.explain_types import Because, ExplainedItem, ExplainedQuota, Explanation, ItemShown
from hub.sharing.workdays import china_time


def as_plain(shown: Any) -> Any:
    """A result as plain values."""
    return _values(asdict(shown))


def _values(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {name: _values(inner) for name, inner in value.items()}
    return [_values(inner) for inner in value] if isinstance(value, list) else value


def show_explanation(made: Explanation) -> None:
    """What is decided of the resource, then item by item."""
    verdict = "可用 allowed" if made.allowed else "不可用 refused"
    say(f"{made.application} → {made.resource} {made.resource_name}, {_day(made.at)}")
    say(f"{verdict}: {_why(made.because)}")
    _line("条文 articles", _cited([made.because]))
    _line("目录 catalog", f"{made.sharing_class.value}, {made.open_class.value}, {made.level}; {'; '.join(made.legal_basis)}".rstrip("; "))
    _show_grant(made)
    for each in made.operations:
        _line(f"操作 {each.operation.value}", f"{'✓' if each.allowed else '✗'} {_why(each.because)}")
    _show_terms(made)
    if made.items:
        say("")
        show_rows([_item(item) for item in made.items], False, "")
        say("")
        for citation in dict.fromkeys(f"[{a.code}] {a.citation} {a.citation_en}" for item in made.items for a in item.because.articles):
            say(citation)


def _show_grant(made: Explanation) -> None:
    grant = made.grant
    if grant is not None:
        _line("授权 grant", f"{grant.id} {grant.state}, {_day(grant.valid_from)} – {_day(grant.valid_to) if grant.valid_to else '…'}")
        _line("批准 approver", grant.approver)
        _line("协议 agreement", grant.agreement_hash or "")


def _show_terms(made: Explanation) -> None:
    terms = made.terms
    if terms is None:
        return
    if made.grant is None:
        _line("批准 approver", terms.approver)
    _line("行条件 rows", _json(terms.row_condition) if terms.row_condition is not None else "全部 all")
    for purpose in terms.purposes:
        _line("用途 purpose", f"{purpose.code} {purpose.scenario} ({purpose.basis})")
    _line("每页 page", str(terms.page_limit))
    _show_quota(terms.quota)
    for document in terms.documents:
        _line("仅限文档 document", document)


def _show_quota(quota: ExplainedQuota | None) -> None:
    if quota is not None:
        limits = [f"{count} {name}" for count, name in ((quota.calls, "次 calls"), (quota.rows, "行 rows")) if count is not None]
        _line("额度 quota", f"{', '.join(limits)} / {quota.per}")


def _item(item: ExplainedItem) -> dict[str, object]:
    shown = {ItemShown.CLEAR: "clear", ItemShown.MASKED: f"masked({item.mask})", ItemShown.KEY: "key", ItemShown.ABSENT: "absent"}[item.shown]
    if item.key and item.shown is ItemShown.MASKED:
        shown += " + key"
    articles = [article.code for article in item.because.articles]
    return {"item": item.code, "name": item.name, "shown": shown, "why": _why(item.because), "articles": articles}


def show_dry_run(made: DryRun) -> None:
    """What the document would do; then what of which resource, from which source."""
    say("可运行 would run" if made.would_run else "将被拒绝 would be refused")
    for refusal in made.refusals:
        place = f" {'.'.join(refusal.path)}" if refusal.path else ""
        _line(refusal.code, f"{refusal.message} {refusal.message_en}{place}")
    _line("文档 SHA-256", made.document or "")
    _line("用途 purposes", ", ".join(made.purposes))
    _line("不运行 not run", ", ".join(made.other_fields))
    for source in made.sources:
        _line("数据源 source", f"{source.source}: ≤ {source.statements} 次查询 statements, ≤ {source.keys} 个键 keys")
    if made.cost is not None:
        _line("开销 cost", ", ".join(f"{name} {number}" for name, number in asdict(made.cost).items()))
    for resource in made.resources:
        _show_resource(resource)
    if made.places:
        say("")
        show_rows([{"path": p.path, "item": f"{p.resource}.{p.item}", "shown": f"masked({p.mask})" if p.mask else "clear"} for p in made.places], False, "")


def _show_resource(resource: DryRunResource) -> None:
    operations = ", ".join(operation.value for operation in resource.operations)
    _line("资源 resource", f"{resource.resource} {operations}, ≤ {resource.rows_at_most} 行 rows; {resource.grant or ''} {resource.approver}".rstrip())
    if resource.row_condition is not None:
        _line("行条件 rows", _json(resource.row_condition))
    _show_quota(resource.quota)
    _line("取用 uses", ", ".join(f"{item.code} {item.use.value.lower()}{f' ({item.mask})' if item.mask else ''}" for item in resource.items))


def _line(name: str, text: str) -> None:
    if text:
        say(f"  {name}: {text}")


def _why(because: Because) -> str:
    return f"{because.reason.value} {because.text} {because.text_en}"


def _cited(several: Iterable[Because]) -> str:
    return "; ".join(dict.fromkeys(f"{article.citation} {article.citation_en}" for because in several for article in because.articles))


def _day(moment: Any) -> str:
    return china_time(moment)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
