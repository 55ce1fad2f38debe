"""The sharing workflow's part of the governance schema: who sees which cases, and the acts of all sides."""

from __future__ import annotations

import strawberry
from anyio import to_thread

from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.types import page_size
from hub.people.permissions import Reach
from hub.sharing.cases import Wanted
from hub.sharing.disposal_graphql import Disposal, disposal_of
from hub.sharing.disposals import DisposalsWanted
from hub.sharing.governance_grants import GrantMutations
from hub.sharing.governance_requests import RequestMutations
from hub.sharing.governance_types import GovernanceGrant, grant_of
from hub.sharing.grant_records import GrantsWanted
from hub.sharing.graphql import AccessRequest, access_request_of
from hub.sharing.machine import DISPOSAL, GRANT, REQUEST, wanted_state
from hub.sharing.own_graphql import swept

Info = strawberry.Info[Context, None]
Seen = tuple[str | None, tuple[str, ...] | None]


def _seen(info: Info, field: str) -> Seen:
    """The caller's own department and applications (client ids), where a list is bounded to them."""
    found = bounds(info.context, field)
    if found.reach is Reach.ALL:
        return None, None
    return found.department if found.reach is Reach.DEPARTMENT else None, found.client_ids


@strawberry.type
class SharingQueries:
    """Access requests, grants and disposals, as far as the caller may see them."""

    @strawberry.field(description="一件共享申请\n\nOne access request")
    async def access_request(self, info: Info, id: strawberry.ID) -> AccessRequest | None:
        core, (department, applications) = info.context.live.core, _seen(info, "accessRequest")
        found = await to_thread.run_sync(lambda: core.requests.reader.get(id))
        if found is None or (applications is not None and department not in (found.consumer, found.provider) and found.client_id not in applications):
            return None
        return access_request_of(found)

    @strawberry.field(description="共享申请，新者在前；overdue：已逾期\n\nAccess requests, the newest first; overdue: past their due day")
    async def access_requests(
        self,
        info: Info,
        state: str | None = None,
        overdue: bool | None = None,
        department: str | None = None,
        first: int | None = None,
        after: strawberry.ID | None = None,
    ) -> list[AccessRequest]:
        core, seen = info.context.live.core, _seen(info, "accessRequests")
        wanted = Wanted(wanted_state(state, REQUEST), overdue, department, None, *seen, page_size(first, 200), after)
        return [access_request_of(case) for case in await swept(core, lambda: core.requests.reader.find(wanted))]

    @strawberry.field(description="授权，新者在前\n\nGrants, the newest first")
    async def grants(
        self, info: Info, state: str | None = None, department: str | None = None, first: int | None = None, after: strawberry.ID | None = None
    ) -> list[GovernanceGrant]:
        core, seen = info.context.live.core, _seen(info, "grants")
        wanted = GrantsWanted(None, wanted_state(state, GRANT), department, *seen, page_size(first, 1000, 1000), after)
        return [grant_of(record) for record in await swept(core, lambda: core.sharing.find_grants(wanted))]

    @strawberry.field(description="数据处置；overdue：逾期未处置\n\nDisposals; overdue: not proved in time")
    async def disposals(
        self,
        info: Info,
        state: str | None = None,
        overdue: bool | None = None,
        department: str | None = None,
        first: int | None = None,
        after: strawberry.ID | None = None,
    ) -> list[Disposal]:
        core, seen = info.context.live.core, _seen(info, "disposals")
        wanted = DisposalsWanted(wanted_state(state, DISPOSAL), overdue, department, None, *seen, page_size(first), after)
        return [disposal_of(case) for case in await swept(core, lambda: core.disposals.find(wanted))]


@strawberry.type
class SharingMutations(RequestMutations, GrantMutations):
    """Acts on access requests, grants and disposals."""
