"""The sharing workflow on the data endpoint: what an application does with its own requests, grants and disposals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from anyio import to_thread

from auth.rights import SharingClass
from hub.api.context import Context
from hub.api.plain import plain, refusing
from hub.api.types import page_size
from hub.core import Core
from hub.sharing.cases import Wanted
from hub.sharing.disposal_graphql import Disposal, DisposalPayload, disposal_of
from hub.sharing.disposals import DisposalGiven, DisposalsWanted
from hub.sharing.graphql import AccessRequest, AccessRequestPayload, access_request_of, file_request
from hub.sharing.machine import DISPOSAL, REQUEST, wanted_state
from hub.sharing.request_inputs import AccessRequestInput, FileDisposalInput, SupplementRequestInput
from schema.faults import Code, Fault
from schema.model import Resource

Info = strawberry.Info[Context, None]
T = TypeVar("T")


@strawberry.type
class OwnSharingQueries:
    """The caller's own cases."""

    @strawberry.field(description="本应用的一件共享申请\n\nOne of the caller's access requests")
    async def access_request(self, info: Info, id: strawberry.ID) -> AccessRequest | None:
        app = info.context.caller.identified()
        found = await to_thread.run_sync(lambda: info.context.live.core.requests.reader.get(id, app.client_id))
        return access_request_of(found) if found else None

    @strawberry.field(description="本应用的共享申请，新者在前\n\nThe caller's access requests, the newest first")
    async def access_requests(self, info: Info, state: str | None = None, first: int | None = None, after: strawberry.ID | None = None) -> list[AccessRequest]:
        own = info.context.caller.identified().client_id
        wanted = Wanted(state=wanted_state(state, REQUEST), application=own, first=page_size(first), after=after)
        core = info.context.live.core
        return [access_request_of(case) for case in await swept(core, lambda: core.requests.reader.find(wanted))]

    @strawberry.field(description="本应用应作的数据处置\n\nDisposals that the caller owes or has proved")
    async def disposals(self, info: Info, state: str | None = None, first: int | None = None, after: strawberry.ID | None = None) -> list[Disposal]:
        own = info.context.caller.identified().client_id
        wanted = DisposalsWanted(state=wanted_state(state, DISPOSAL), application=own, first=page_size(first), after=after)
        core = info.context.live.core
        return [disposal_of(case) for case in await swept(core, lambda: core.disposals.find(wanted))]


@strawberry.type
class OwnSharingMutations:
    """What an application does with its own cases."""

    @strawberry.mutation(description="提交共享申请\n\nFiles an access request")
    async def request_access(self, info: Info, input: AccessRequestInput) -> AccessRequestPayload:
        return await refusing(file_request(info.context, shared_resource_of(info, input.resource), plain(input)))

    @strawberry.mutation(description="按一次性告知补充材料\n\nSupplements a request after the one-time notice")
    async def supplement_request(self, info: Info, input: SupplementRequestInput) -> AccessRequestPayload:
        given = {name: value for name, value in plain(input).items() if value is not None}
        number, opinion = given.pop("id"), given.pop("opinion")
        return await _act(info, "supplement", number, opinion=opinion, supplement=given)

    @strawberry.mutation(description="在决定作出前撤回申请\n\nWithdraws a request before its decision")
    async def withdraw_request(self, info: Info, id: strawberry.ID, opinion: str = "") -> AccessRequestPayload:
        return await _act(info, "withdraw", id, opinion=opinion)

    @strawberry.mutation(description="不签协议，放弃已同意的申请\n\nGives up an approved request whose agreement is not in force yet")
    async def abandon_request(self, info: Info, id: strawberry.ID, opinion: str = "") -> AccessRequestPayload:
        return await _act(info, "abandon", id, opinion=opinion)

    @strawberry.mutation(description="需求部门签署协议，以 SHA-256 指明\n\nSigns the agreement for the consumer, naming it by its SHA-256")
    async def sign_agreement(self, info: Info, id: strawberry.ID, hash: str) -> AccessRequestPayload:
        return await _act(info, "signForConsumer", id, hash=hash)

    @strawberry.mutation(description="对不予共享提出争议\n\nDisputes a refusal (N809, article 28)")
    async def dispute_request(self, info: Info, id: strawberry.ID, opinion: str) -> AccessRequestPayload:
        return await _act(info, "dispute", id, opinion=opinion)

    @strawberry.mutation(description="协商不成，申请主管部门协调\n\nTakes a dispute to the authority")
    async def escalate_dispute(self, info: Info, id: strawberry.ID, opinion: str) -> AccessRequestPayload:
        return await _act(info, "escalate", id, opinion=opinion)

    @strawberry.mutation(description="不再争议\n\nGives a dispute up")
    async def concede_dispute(self, info: Info, id: strawberry.ID, opinion: str = "") -> AccessRequestPayload:
        return await _act(info, "concede", id, opinion=opinion)

    @strawberry.mutation(description="提交处置说明与证明\n\nFiles statement and proof of disposal")
    async def file_disposal(self, info: Info, input: FileDisposalInput) -> DisposalPayload:
        actor, disposals = info.context.caller.actor(), info.context.live.core.disposals
        given = DisposalGiven(statement=input.statement, certificate_hash=input.certificate_hash)
        done = await refusing(to_thread.run_sync(lambda: disposals.act(actor, "fileDisposal", input.grant, given)))
        return DisposalPayload(disposal=disposal_of(done))


async def swept(core: Core, read: Callable[[], T]) -> T:
    """What is read in a worker thread after what time brought was recorded."""

    def work() -> T:
        core.sweep.run()
        return read()

    return await to_thread.run_sync(work)


async def _act(info: Info, act: str, number: str, **given: Any) -> AccessRequestPayload:
    actor, requests = info.context.caller.actor(), info.context.live.core.requests
    done = await refusing(to_thread.run_sync(lambda: requests.act(actor, act, number, **given)))
    await info.context.live.refresh()
    return AccessRequestPayload(access_request=access_request_of(done))


def shared_resource_of(info: Info, code: str) -> Resource:
    """The resource as an identified caller may ask for it.

    Raises:
        Fault: ``NOT_FOUND``; ``UNAUTHENTICATED`` for the public.
    """
    found = info.context.snapshot.resources.get(code)
    info.context.caller.identified()
    if found is None or found.sharing_class is SharingClass.NOT_SHARED:
        zh, en = f"目录中没有资源 {code[:120]}", f"the catalog has no resource {code[:120]}"
        raise Fault(Code.NOT_FOUND, zh, en, "请用 catalog 查找资源代码", "look the code up by catalog")
    return found
