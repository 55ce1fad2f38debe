"""The governance schema's queries: what is registered, imported, requested and granted."""

from __future__ import annotations

import json

import strawberry
from anyio import to_thread

from auth.client_keys import key_ids
from hub.anomalies.graphql import AnomalyQueries
from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.governance_types import Application, ManifestImport, Source
from hub.api.types import JSON, DateTime, Department
from hub.catalog.disclosure_graphql import DisclosureQueries
from hub.feedback.governance import FeedbackQueries
from hub.masking.graphql import MaskingQueries
from hub.people.audit_graphql import AuditQueries
from hub.people.graphql import PeopleQueries
from hub.reading.provided_graphql import ProvidedQueries
from hub.sharing.complementary_graphql import ComplementQueries
from hub.sharing.explain_graphql import resolve_explanation, resolve_run_of
from hub.sharing.explain_run_types import DryRun
from hub.sharing.explain_types import Explanation
from hub.sharing.governance import SharingQueries
from hub.sharing.graphql import Caller, resolve_me
from hub.tracing.graphql import TracingQueries
from hub.usage.graphql import UsageQueries
from hub.withdrawal.graphql import WithdrawalQueries

Info = strawberry.Info[Context, None]


@strawberry.type
class Query(
    AuditQueries,
    TracingQueries,
    ProvidedQueries,
    PeopleQueries,
    SharingQueries,
    ComplementQueries,
    DisclosureQueries,
    MaskingQueries,
    FeedbackQueries,
    UsageQueries,
    AnomalyQueries,
    WithdrawalQueries,
):
    """治理查询\n\nGovernance queries"""

    @strawberry.field(description="调用方\n\nThe caller")
    async def me(self, info: Info) -> Caller:
        return await resolve_me(info)

    @strawberry.field(description="权限说明：某应用对某资源逐项可见什么，依据何规则与条文\n\nWhat an application may do with a resource, item by item, and why")
    async def explain(self, info: Info, application: str, resource: str, at: DateTime | None = None) -> Explanation:
        return await resolve_explanation(info, application, resource, at)

    @strawberry.field(description="试运行：某应用的文档将取用什么，不触及数据\n\nWhat a document would disclose to an application, without touching data")
    async def dry_run(
        self, info: Info, application: str, document: str, variables: JSON | None = None, operation_name: str | None = None, purpose: str | None = None
    ) -> DryRun:
        return await resolve_run_of(info, application, document, variables, operation_name, purpose)

    @strawberry.field(description="部门\n\nDepartments")
    async def departments(self, info: Info) -> list[Department]:
        found = info.context.snapshot.departments.values()
        return [Department(code=d.code, name=d.name, name_en=d.name_en or None) for d in found]

    @strawberry.field(description="业务应用系统\n\nApplications")
    async def applications(self, info: Info) -> list[Application]:
        rows = await to_thread.run_sync(info.context.live.core.sharing.applications)
        seen = bounds(info.context, "applications")
        return [
            Application(
                name=row["name"],
                client_id=row["client_id"],
                department=row["department"],
                active=row["active"],
                roles=row["roles"],
                purposes=[p["code"] for p in json.loads(row["purposes"])],
                auth_method=row["auth_method"],
                keys=key_ids(row["jwks"]),
                dpop_bound=row["dpop_bound"],
            )
            for row in rows
            if seen.is_seen(row["name"], row["department"])
        ]

    @strawberry.field(description="数据源\n\nSources")
    async def sources(self, info: Info) -> list[Source]:
        seen = bounds(info.context, "sources")
        found = info.context.snapshot.sources.values()
        return [Source(code=config.code, kind=config.kind) for config in found if seen.department_is_seen(config.code.partition(".")[0])]

    @strawberry.field(description="目录清单的导入记录\n\nImported manifests")
    async def imports(self, info: Info) -> list[ManifestImport]:
        rows = await to_thread.run_sync(info.context.live.core.catalog.manifests)
        seen = bounds(info.context, "imports")
        return [
            ManifestImport(
                id=strawberry.ID(str(row["id"])),
                department=row["department"],
                state=row["state"],
                resources=[],
                imported_by=row["imported_by"],
                reviewed_by=row["reviewed_by"],
                opinion=row["opinion"],
            )
            for row in rows
            if seen.department_is_seen(row["department"])
        ]
