"""GraphQL face of masking previews and of the lint of quasi-identifiers."""

from __future__ import annotations

import strawberry
from anyio import to_thread

from hub.api.bounds import bounds, count_reading
from hub.api.context import Context
from hub.api.plain import refusing
from hub.masking.preview import Asked, preview
from hub.masking.quasi import quasi_sets
from hub.masking.types import MaskDeclarationInput, MaskingPreview, QuasiIdentifierSet, declaration_of, preview_of, quasi_of
from hub.people.permissions import Reach
from schema.faults import Code, Fault

Info = strawberry.Info[Context, None]


@strawberry.type
class MaskingQueries:
    """What masking rules give away. No source is read."""

    @strawberry.field(
        description="脱敏预览：合成值脱敏前后、攻击者仍可推断什么、涉及哪些授权\n\n"
        "A masking rule on synthetic values: before and after, what can still be inferred, and which grants it touches"
    )
    async def masking_preview(
        self,
        info: Info,
        rule: str | None = None,
        declaration: MaskDeclarationInput | None = None,
        type: str | None = None,
        resource: str | None = None,
        item: str | None = None,
        department: str | None = None,
        values: list[str] | None = None,
        seed: int = 0,
    ) -> MaskingPreview:
        context = info.context
        count_reading(context)
        seen = bounds(context, "maskingPreview")
        own = None if seen.reach is Reach.ALL else seen.department
        if own is not None and any(given not in (None, own) for given in (department, resource.partition(".")[0] if resource else None)):
            raise Fault(Code.FORBIDDEN, "仅限本部门的资源与规则", "only for resources and rules of the own department", "见 docs/roles.md", "see docs/roles.md")
        asked = Asked(rule, declaration_of(declaration), type, resource, item, department or own, tuple(values or ()), seed)
        apps = context.live.core.registry.applications()
        return preview_of(await refusing(to_thread.run_sync(lambda: preview(asked, context.snapshot, apps, own))))

    @strawberry.field(
        description="以明文合在一起可识别个人的准标识符组合\n\nSets of quasi-identifiers that one caller sees in clear, in the catalog and in the grants in service"
    )
    async def quasi_identifier_sets(self, info: Info) -> list[QuasiIdentifierSet]:
        context = info.context
        count_reading(context)
        apps = context.live.core.registry.applications()
        return [quasi_of(one) for one in await to_thread.run_sync(lambda: quasi_sets(context.snapshot, apps))]
