"""GraphQL face of grants whose masks complement one another."""

from __future__ import annotations

import strawberry
from anyio import to_thread

from hub.api.context import Context
from hub.sharing.complementary import Complement, complements
from hub.store.engine import reading

Info = strawberry.Info[Context, None]


@strawberry.type(description="互补的脱敏：合在一起比各自显示得更多\n\nMasks that together show more than either does")
class ComplementaryMask:
    """One column that two grants, or the catalog to all and a grant, show by masks which add to one another; what the catalog shows has no grant."""

    resource: str
    item: str
    same_department: bool
    grants: list[strawberry.ID]
    applications: list[str]
    masks: list[str]


@strawberry.type
class ComplementQueries:
    """What the masks of several grants give away together."""

    @strawberry.field(description="互补的脱敏规则，同一部门的在前\n\nComplementary masks among the grants in service; those of one department first")
    async def complementary_masks(self, info: Info, grant: strawberry.ID | None = None) -> list[ComplementaryMask]:
        context = info.context

        def read() -> list[Complement]:
            with reading(context.live.core.engine) as connection:
                return complements(connection, context.snapshot, str(grant) if grant is not None else None)

        return [_shown(one) for one in await to_thread.run_sync(read)]


def _shown(one: Complement) -> ComplementaryMask:
    both = (one.first, one.second)
    return ComplementaryMask(
        resource=one.resource,
        item=one.item,
        same_department=one.same_department,
        grants=[strawberry.ID(use.grant) for use in both if use.grant],
        applications=[use.application for use in both],
        masks=[use.mask.label for use in both],
    )
