"""Withdrawal on the governance endpoint."""

from __future__ import annotations

from enum import Enum

import strawberry
from anyio import to_thread

from hub.api.bounds import bounds, count_reading
from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.types import BigInt, DateTime, page_size
from hub.people.permissions import Reach
from hub.tracing.graphql_types import TracedExchange, copy_as_told
from hub.withdrawal.recipients import Recipient
from hub.withdrawal.service import Withdrawal, WithdrawalService

Info = strawberry.Info[Context, None]


@strawberry.enum(description="撤回状态：已撤回、已恢复\n\nState of a withdrawal")
class WithdrawalState(Enum):
    """Whether a withdrawal holds."""

    WITHDRAWN = "WITHDRAWN"
    RESTORED = "RESTORED"


@strawberry.type(description="对被撤回资源的授权\n\nGrant on the withdrawn resource")
class RecipientGrant:
    """``disposal``: state of the disposal that its end demands."""

    id: strawberry.ID
    state: str
    valid_to: DateTime | None
    disposal: str | None


@strawberry.type(description="资源数据的接收方\n\nRecipient of a resource's data")
class WithdrawalRecipient:
    """An application; the public where ``application`` is null."""

    application: str | None
    name: str | None
    department: str | None
    grants: list[RecipientGrant]
    calls: BigInt
    rows: BigInt
    downloads: BigInt
    first_at: DateTime | None
    last_at: DateTime | None
    purposes: list[str]
    exchanges: list[TracedExchange]


@strawberry.type(name="Withdrawal", description="撤回\n\nWithdrawal of a resource")
class WithdrawalRecord:
    """One withdrawal, and who has data of the resource."""

    id: strawberry.ID
    resource: str
    state: WithdrawalState
    reason: str
    document: str | None
    withdrawn_by: str
    withdrawn_at: DateTime
    restored_by: str | None
    restored_at: DateTime | None
    assessment: str | None

    @strawberry.field(
        description="接收方：持有授权者与曾取用者，取自未归档移出的全部日志\n\nWho holds a grant, and who ever took data, from all of the ledger that was not removed after its archiving"
    )
    async def recipients(self, info: Info) -> list[WithdrawalRecipient]:
        count_reading(info.context)
        return [_recipient(each) for each in await to_thread.run_sync(_service(info).recipients, self.resource)]

    @strawberry.field(
        description="此序号之前的条目仅存于归档，其接收方不在列\n\nEntries with smaller numbers are in the archive alone: who took data by them alone is not among the recipients"
    )
    async def archived_before(self, info: Info) -> strawberry.ID | None:
        first = await to_thread.run_sync(_service(info).archived_before)
        return strawberry.ID(str(first)) if first else None


@strawberry.input(description="撤回资源\n\nResource to be withdrawn")
class WithdrawResourceInput:
    """``document``: number of the paper that orders it."""

    resource: str
    reason: str
    document: str | None = None


@strawberry.input(description="恢复资源，须附评估结论\n\nResource to be given back, with what the assessment found")
class RestoreResourceInput:
    """What was found, and what was done, masks for one."""

    resource: str
    assessment: str


@strawberry.type
class WithdrawalPayload:
    """Answer of both acts."""

    withdrawal: WithdrawalRecord | None
    problems: list[Problem]


@strawberry.type
class WithdrawalQueries:
    """``withdrawals``."""

    @strawberry.field(description="撤回记录，新者在前；after 为上一页末条的编号\n\nWithdrawals, newest first; after: id of the last one before")
    async def withdrawals(
        self, info: Info, state: WithdrawalState | None = None, resource: str | None = None, first: int | None = None, after: strawberry.ID | None = None
    ) -> list[WithdrawalRecord]:
        seen, size = bounds(info.context, "withdrawals"), page_size(first)
        department = None if seen.reach is Reach.ALL else seen.department
        found = await to_thread.run_sync(_service(info).find, state.value if state else None, resource, department, size, after)
        return [_record(each) for each in found]


@strawberry.type
class WithdrawalMutations:
    """``withdrawResource`` and ``restoreResource``."""

    @strawberry.mutation(
        description="撤回资源：查询、核验、批量交换与下载即刻停止；由安全管理员或资源所属部门办理\n\n"
        "Takes a resource out of service: queries, verifications, exchanges and downloads stop at once. By the security administrator or the owning department"
    )
    async def withdraw_resource(self, info: Info, input: WithdrawResourceInput) -> WithdrawalPayload:
        done, problems = await do_act(info, lambda actor: _service(info).withdraw(actor, input.resource, input.reason, input.document))
        return WithdrawalPayload(withdrawal=_record(done) if done else None, problems=problems)

    @strawberry.mutation(
        description="评估后恢复资源；恢复人不得为撤回人\n\nGives a resource back after an assessment; not by who withdrew it",
    )
    async def restore_resource(self, info: Info, input: RestoreResourceInput) -> WithdrawalPayload:
        done, problems = await do_act(info, lambda actor: _service(info).restore(actor, input.resource, input.assessment))
        return WithdrawalPayload(withdrawal=_record(done) if done else None, problems=problems)


def _service(info: Info) -> WithdrawalService:
    core = info.context.live.core
    return WithdrawalService(core.engine, core.acts, core.catalog.current)


def _record(found: Withdrawal) -> WithdrawalRecord:
    return WithdrawalRecord(
        id=strawberry.ID(found.id),
        resource=found.resource,
        state=WithdrawalState(found.state),
        reason=found.reason,
        document=found.document,
        withdrawn_by=found.withdrawn_by,
        withdrawn_at=DateTime(found.withdrawn_at),
        restored_by=found.restored_by,
        restored_at=DateTime(found.restored_at) if found.restored_at else None,
        assessment=found.assessment,
    )


def _recipient(found: Recipient) -> WithdrawalRecipient:
    return WithdrawalRecipient(
        application=found.application,
        name=found.name,
        department=found.department,
        grants=[
            RecipientGrant(id=strawberry.ID(each.id), state=each.state, valid_to=DateTime(each.valid_to) if each.valid_to else None, disposal=each.disposal)
            for each in found.grants
        ],
        calls=BigInt(found.calls),
        rows=BigInt(found.rows),
        downloads=BigInt(found.downloads),
        first_at=DateTime(found.first_at) if found.first_at else None,
        last_at=DateTime(found.last_at) if found.last_at else None,
        purposes=list(found.purposes),
        exchanges=[copy_as_told(copy) for copy in found.copies],
    )
