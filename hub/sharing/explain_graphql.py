"""Resolvers of explanations and dry runs: for administrators of any application, for callers of their own rights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from anyio import to_thread

from hub.acts import Actor
from hub.api.context import Context
from hub.catalog.problems import Refused
from hub.catalog.scopes import AUDIT, SECURITY, STEWARD
from hub.sharing.explain import Explainer
from hub.sharing.explain_run import Asked, DryRunner, Report, variables_from
from hub.sharing.explain_run_types import DryRun, dry_run_of
from hub.sharing.explain_types import Explanation, explanation_of
from hub.store.base import now
from schema.faults import Code, Fault
from schema.plan import Plans

MOST_RUNS = 4
"""Dry runs in one document: each takes its variables like a call of its own."""
Info = strawberry.Info[Context, None]
T = TypeVar("T")


def may_ask(actor: Actor, department: str) -> bool:
    """Whether the actor may ask about a department's resources: security, audit, and the department's own steward."""
    return actor.may(SECURITY, AUDIT) or (actor.may(STEWARD) and actor.department == department)


async def resolve_explanation(info: Info, application: str, resource: str, at: Any = None) -> Explanation:
    """What an application may do with a resource, and why."""
    context = info.context
    actor = context.caller.actor()
    if not may_ask(actor, resource.partition(".")[0]):
        raise _forbidden()
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at) if at else now()
    explainer = Explainer(context.live.core.engine, context.live.core.registry, context.live.core.book)
    found = await _found(actor, lambda: explainer.explain(context.snapshot, explainer.application(application), resource, moment))
    return explanation_of(found)


async def resolve_run_of(info: Info, application: str, document: str, variables: Any, operation_name: str | None, purpose: str | None) -> DryRun:
    """What a document would do for an application with all its scopes."""
    context = info.context
    actor = context.caller.actor()
    if not actor.may(SECURITY, AUDIT, STEWARD):
        raise _forbidden()
    _count(context)
    explainer = Explainer(context.live.core.engine, context.live.core.registry, context.live.core.book)
    app = await _found(actor, lambda: explainer.application(application))
    asked = Asked.of(app, document, variables_from(variables), operation_name, purpose)
    report = await _runner(context).report(context.live.view(explainer.rights(app, now())), asked, context.dry_allowance)
    _check_report(actor, report)
    return dry_run_of(report)


def _check_report(actor: Actor, report: Report) -> None:
    """A steward learns of documents that use nothing but the own department's resources."""
    departments = {code.partition(".")[0] for code in report.decisions}
    if not actor.may(SECURITY, AUDIT) and (not departments or not all(may_ask(actor, each) for each in departments)):
        raise _forbidden()


async def resolve_own_run(info: Info, document: str, variables: Any, operation_name: str | None) -> DryRun:
    """What a document would do if this caller sent it now."""
    context = info.context
    caller = context.caller
    _count(context)
    asked = Asked(document, variables_from(variables), operation_name, caller.name, caller.use)
    report = await _runner(context).report(context.live.view(caller.rights), asked, context.dry_allowance)
    return dry_run_of(report, own=True)


def _count(context: Context) -> None:
    if next(context.dry_runs) >= MOST_RUNS:
        zh, en = f"一次调用至多试运行 {MOST_RUNS} 次", f"a call has {MOST_RUNS} dry runs at most"
        raise Fault(Code.QUERY_BUDGET, zh, en, "请分次调用", "make several calls")


def _runner(context: Context) -> DryRunner:
    return DryRunner(context.live.core.engine, context.dry_documents, Plans(), context.services.cursors)


async def _found(actor: Actor, work: Callable[[], T]) -> T:
    """Near names are told to those who see all applications."""
    try:
        return await to_thread.run_sync(work)
    except Refused as refused:
        first = refused.problems[0]
        code = Code(first.code)
        hint = first.hint if actor.may(SECURITY, AUDIT) or code is not Code.NOT_FOUND else ""
        raise Fault(code, first.message, first.message, hint, hint) from None


def _forbidden() -> Fault:
    return Fault(
        Code.FORBIDDEN,
        "仅安全管理员、审计管理员与提供部门的数据专员可以查询",
        "for the security and the audit administrator and the providing department's steward",
        "请使用具有该角色的账号",
        "use an account that has this role",
    )
