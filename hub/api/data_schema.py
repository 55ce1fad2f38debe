"""The coding-time part of the data schema: catalog, calls, exchanges, the caller. Resource types are joined to it per caller (``schema.view``)."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from auth.rights import SharingClass
from hub.api.coded import CodedSchema
from hub.api.context import Context
from hub.api.types import JSON, SCALARS, DateTime, PageInfo
from hub.catalog.graphql import CatalogConnection, CatalogResource, resolve_catalog, resolve_resource
from hub.exchange.graphql import (
    Exchange,
    ExchangeConnection,
    ExchangePayload,
    ExchangeState,
    StartExchangeInput,
    StartExchangePayload,
    cancel_exchange,
    resolve_exchange,
    resolve_exchanges,
    start_exchange,
)
from hub.exchange.verifying.graphql import StartVerificationInput, StartVerificationPayload, start_verification
from hub.feedback.own_graphql import OwnFeedbackMutations, OwnFeedbackQueries
from hub.ledger.graphql import CallConnection, CallOutcome, resolve_calls
from hub.sharing.explain_graphql import resolve_own_run
from hub.sharing.explain_run_types import DryRun
from hub.sharing.graphql import Caller, resolve_me
from hub.sharing.own_graphql import OwnSharingMutations, OwnSharingQueries
from schema.verification import Outcome

Info = strawberry.Info[Context, None]
strawberry.enum(
    Outcome,
    name="VerificationOutcome",
    description="核验结果：MATCH 每项声明属实；MISMATCH 至少一项不属实，或对象不存在而授权不披露是否存在；NOT_FOUND 对象不存在；INDETERMINATE 无法判断，如数据源未应答或数据过期"
    "\n\nOutcome of a verification: MATCH: every claim is true; MISMATCH: one at least is not, or there is no such subject and the grant does not disclose it; "
    "NOT_FOUND: no such subject; INDETERMINATE: cannot be told, as where the source does not answer or its data are stale",
)


@strawberry.type(description="单项核验结果\n\nOutcome of one claim")
class ClaimOutcome:
    """One claim's outcome."""

    item: str
    outcome: Outcome


@strawberry.type(description="核验结果，不含任何数据\n\nOutcome of a verification; discloses nothing")
class Verification:
    """What a verification answers."""

    outcome: Outcome
    claims: list[ClaimOutcome] | None
    as_of: DateTime | None


@strawberry.type
class Query(OwnSharingQueries, OwnFeedbackQueries):
    """查询\n\nQueries"""

    @strawberry.field(description="资源目录\n\nCatalog")
    async def catalog(
        self,
        info: Info,
        search: str | None = None,
        department: str | None = None,
        sharing_class: SharingClass | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> CatalogConnection:
        return await resolve_catalog(info, search, department, sharing_class, first, after)

    @strawberry.field(description="目录中的一个资源\n\nOne resource of the catalog")
    async def resource(self, info: Info, code: str) -> CatalogResource | None:
        return await resolve_resource(info, code)

    @strawberry.field(description="一次批量交换\n\nOne exchange")
    async def exchange(self, info: Info, id: strawberry.ID) -> Exchange | None:
        return await resolve_exchange(info, id)

    @strawberry.field(description="调用方的批量交换\n\nThe caller's exchanges")
    async def exchanges(self, info: Info, state: ExchangeState | None = None, first: int | None = None, after: str | None = None) -> ExchangeConnection:
        return await resolve_exchanges(info, state, first, after)

    @strawberry.field(description="调用方自己的调用日志\n\nThe caller's own calls")
    async def calls(
        self,
        info: Info,
        from_: Annotated[DateTime | None, strawberry.argument(name="from")] = None,
        to: DateTime | None = None,
        resource: str | None = None,
        outcome: CallOutcome | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> CallConnection:
        return await resolve_calls(info, _text(from_), _text(to), resource, outcome, first, after)

    @strawberry.field(description="调用方\n\nThe caller")
    async def me(self, info: Info) -> Caller:
        return await resolve_me(info)

    @strawberry.field(description="试运行：不触及数据，说明文档将取用什么\n\nWhat a document would disclose and cost, without touching data")
    async def dry_run(self, info: Info, document: str, variables: JSON | None = None, operation_name: str | None = None) -> DryRun:
        return await resolve_own_run(info, document, variables, operation_name)


@strawberry.type
class Mutation(OwnSharingMutations, OwnFeedbackMutations):
    """操作\n\nMutations"""

    @strawberry.mutation(description="开始批量交换\n\nStarts a batch exchange")
    async def start_exchange(self, info: Info, input: StartExchangeInput) -> StartExchangePayload:
        return await start_exchange(info, input)

    @strawberry.mutation(description="开始批量核验\n\nStarts the verification of each row of an upload")
    async def start_verification(self, info: Info, input: StartVerificationInput) -> StartVerificationPayload:
        return await start_verification(info, input)

    @strawberry.mutation(description="取消批量交换\n\nCancels a batch exchange")
    async def cancel_exchange(self, info: Info, id: strawberry.ID) -> ExchangePayload:
        return await cancel_exchange(info, id)


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def make_data_schema() -> strawberry.Schema:
    """The coding-time schema; one for the process, for it holds no state."""
    config = StrawberryConfig(scalar_map=dict(SCALARS), disable_field_suggestions=True)
    return CodedSchema(query=Query, mutation=Mutation, types=[Verification, PageInfo], config=config)
