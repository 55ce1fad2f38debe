"""The governance schema: administrative acts. Each answers with the thing or with its problems; nothing is half done."""

from __future__ import annotations

from functools import cache
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from auth.clients import KEY, SECRET
from hub.anomalies.graphql import AnomalyMutations
from hub.api.coded import CodedSchema
from hub.api.context import Context
from hub.api.governance_acts import do_act, guard
from hub.api.governance_inputs import (
    CheckSourceInput,
    CreateApplicationInput,
    CreateDepartmentInput,
    DepartmentCodeInput,
    DisableApplicationInput,
    ImportManifestInput,
    PublishCatalogInput,
    RegisterSourceInput,
    RemoveSourceInput,
    ReviewCatalogInput,
)
from hub.api.governance_queries import Query
from hub.api.governance_types import (
    Application,
    ApplicationPayload,
    DepartmentPayload,
    ManifestImport,
    ManifestPayload,
    Problem,
    Publication,
    PublicationPayload,
    Source,
    SourcePayload,
)
from hub.api.plain import plain
from hub.api.types import SCALARS, Department
from hub.catalog.scopes import SYSTEM
from hub.catalog.service import ImportedManifest
from hub.feedback.governance import FeedbackMutations
from hub.people.authorize_graphql import AuthorizeMutations
from hub.people.graphql import PeopleMutations
from hub.sharing.calendar_graphql import CalendarMutations
from hub.sharing.clients import Proving
from hub.sharing.clients_graphql import ClientMutations
from hub.sharing.governance import SharingMutations
from hub.withdrawal.graphql import WithdrawalMutations
from schema.faults import Code, Fault

Info = strawberry.Info[Context, None]


def _manifest(done: ImportedManifest) -> ManifestImport:
    return ManifestImport(id=strawberry.ID(str(done.id)), department=done.department, state=done.state, resources=list(done.resources))


def _number(identity: str) -> int:
    return int(identity) if identity.isascii() and identity.isdigit() and len(identity) < 15 else 0


async def _set_department_active(info: Info, code: str, active: bool) -> DepartmentPayload:
    catalog = info.context.live.core.catalog
    done, problems = await do_act(info, lambda actor: catalog.set_department_active(actor, code, active))
    known = info.context.snapshot.departments.get(code)
    found = Department(code=code, name=known.name if known else code, name_en=(known.name_en or None) if known else None) if done else None
    return DepartmentPayload(department=found, problems=problems)


@strawberry.type
class Mutation(
    ClientMutations, WithdrawalMutations, AuthorizeMutations, PeopleMutations, SharingMutations, CalendarMutations, FeedbackMutations, AnomalyMutations
):
    """治理操作\n\nAdministrative acts"""

    @strawberry.mutation(description="登记部门\n\nRegisters a department")
    async def create_department(self, info: Info, input: CreateDepartmentInput) -> DepartmentPayload:
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.create_department(actor, **plain(input)))
        made = Department(code=done.code, name=done.name, name_en=done.name_en or None) if done else None
        return DepartmentPayload(department=made, problems=problems)

    @strawberry.mutation(
        description="停用部门，其应用与人员的令牌立即失效\n\nTakes a department out of use: tokens of its applications and people stop working at once"
    )
    async def disable_department(self, info: Info, input: DepartmentCodeInput) -> DepartmentPayload:
        return await _set_department_active(info, input.code, False)

    @strawberry.mutation(description="重新启用部门\n\nTakes a department into use again")
    async def enable_department(self, info: Info, input: DepartmentCodeInput) -> DepartmentPayload:
        return await _set_department_active(info, input.code, True)

    @strawberry.mutation(description="登记业务应用系统，密钥只显示一次\n\nRegisters an application; its secret is told once")
    async def create_application(self, info: Info, input: CreateApplicationInput) -> ApplicationPayload:
        given = plain(input)
        sharing = info.context.live.core.sharing
        proving = Proving(given["auth_method"], given["jwks"], given["dpop_bound"])
        parts = (given["name"], given["department"], given["purposes"], given["roles"])
        done, problems = await do_act(info, lambda actor: sharing.create_application(actor, *parts, proving=proving))
        if done is None:
            return ApplicationPayload(application=None, problems=problems)
        codes = [p["code"] for p in given["purposes"]]
        made = Application(
            name=done.name,
            client_id=done.client_id,
            department=given["department"],
            active=True,
            roles=given["roles"],
            purposes=codes,
            client_secret=done.client_secret or None,
            auth_method=KEY if proving.by_key else SECRET,
            keys=list(done.keys),
            dpop_bound=proving.dpop_bound,
        )
        return ApplicationPayload(application=made, problems=[])

    @strawberry.mutation(description="停用业务应用系统，其令牌立即失效\n\nDisables an application; its tokens stop working at once")
    async def disable_application(self, info: Info, input: DisableApplicationInput) -> ApplicationPayload:
        sharing = info.context.live.core.sharing
        done, problems = await do_act(info, lambda actor: sharing.disable_application(actor, input.application))
        app = info.context.live.core.registry.by_name(done) if done else None
        made = Application(name=app.name, client_id=app.client_id, department=app.department, active=False, roles=[], purposes=[]) if app else None
        return ApplicationPayload(application=made, problems=problems)

    @strawberry.mutation(description="登记数据源，或更改已登记的数据源\n\nRegisters a source, or changes one")
    async def register_source(self, info: Info, input: RegisterSourceInput) -> SourcePayload:
        given = plain(input)
        owner = given.pop("department")
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.register_source(actor, owner, **given))
        return SourcePayload(source=Source(code=done, kind=input.kind) if done else None, problems=problems)

    @strawberry.mutation(description="删除单独登记且未被使用的数据源\n\nRemoves a source that was registered apart and is not in use")
    async def remove_source(self, info: Info, input: RemoveSourceInput) -> SourcePayload:
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.remove_source(actor, input.department, input.code))
        return SourcePayload(source=Source(code=done) if done else None, problems=problems)

    @strawberry.mutation(description="检查数据源连通性\n\nChecks whether a source can be reached")
    async def check_source(self, info: Info, input: CheckSourceInput) -> SourcePayload:
        context = info.context
        if not context.caller.actor().may(SYSTEM):
            raise Fault(Code.FORBIDDEN, f"需要权限 {SYSTEM}", f"this act needs {SYSTEM}")
        config = context.live.snapshot.sources.get(input.code)
        if config is None:
            known = ", ".join(sorted(context.live.snapshot.sources))
            problem = Problem(path="code", line=None, code="NOT_FOUND", message=f"没有数据源 no source {input.code[:120]}", hint=known[:500])
            return SourcePayload(source=None, problems=[problem])
        ok, message = await context.services.check_source(input.code)
        return SourcePayload(source=Source(code=config.code, kind=config.kind, ok=ok, message=message), problems=[])

    @strawberry.mutation(description="导入部门目录清单(TOML)\n\nImports a department's manifest")
    async def import_manifest(self, info: Info, input: ImportManifestInput) -> ManifestPayload:
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.import_manifest(actor, input.text))
        return ManifestPayload(manifest=_manifest(done) if done else None, problems=problems)

    @strawberry.mutation(description="审核导入的目录；审核人不得为导入人\n\nReviews an import; not by who imported it")
    async def review_catalog(self, info: Info, input: ReviewCatalogInput) -> ManifestPayload:
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.review(actor, _number(input.id), input.approve, input.opinion, input.disclosure))
        return ManifestPayload(manifest=_manifest(done) if done else None, problems=problems)

    @strawberry.mutation(description="发布已审核的目录\n\nPublishes an approved import")
    async def publish_catalog(self, info: Info, input: PublishCatalogInput) -> PublicationPayload:
        catalog = info.context.live.core.catalog
        done, problems = await do_act(info, lambda actor: catalog.publish(actor, _number(input.id)))
        return PublicationPayload(publication=Publication(number=done) if done else None, problems=problems)


@cache
def make_governance_schema() -> strawberry.Schema:
    """The governance schema; one for the process, for it holds no state."""
    config: Any = StrawberryConfig(scalar_map=dict(SCALARS), disable_field_suggestions=True)
    schema = CodedSchema(query=Query, mutation=Mutation, config=config)
    guard(schema._schema)
    return schema
