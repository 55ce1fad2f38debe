"""What is told of tracing, in GraphQL."""

from __future__ import annotations

import strawberry

from hub.api.types import BigInt, DateTime
from hub.tracing.copies import Copy
from hub.tracing.lives import Life
from hub.tracing.search import Carried
from hub.tracing.service import Traced


@strawberry.type(description="所取用的信息项\n\nItem that was taken")
class TracedItem:
    """``shown``: clear, masked, key, match or aggregate."""

    code: str
    shown: str
    mask: str | None


@strawberry.type(description="对一个资源的取用\n\nWhat was taken of one resource")
class TracedAccess:
    """One access that carried what was asked for."""

    resource: str
    provider: str
    rows: BigInt
    grant: str | None
    items: list[TracedItem]


@strawberry.type(description="交换文件\n\nFile of an exchange")
class TracedFile:
    """One finished file."""

    name: str
    rows: BigInt
    bytes: BigInt
    sha256: str


@strawberry.type(description="一次下载\n\nOne download")
class TracedDownload:
    """As entered; ``outcome`` is FAILED where it was broken off."""

    entry: strawberry.ID
    at: DateTime
    application: str | None
    operator: str | None
    file: str
    outcome: str


@strawberry.type(description="批量交换及其副本\n\nAn exchange and its copies")
class TracedExchange:
    """``disposedAt``: when the hub deleted its files. What was downloaded lies with whoever took it."""

    id: strawberry.ID
    state: str
    application: str
    finished_at: DateTime | None
    expires_at: DateTime | None
    disposed_at: DateTime | None
    files: list[TracedFile]
    downloads: list[TracedDownload]


@strawberry.type(description="一条取用记录\n\nOne entry that carried what was asked for")
class TracedCall:
    """Who, when, for what, by which right."""

    entry: strawberry.ID
    at: DateTime
    call: str
    kind: str
    operation: str | None
    application: str | None
    department: str | None
    operator: str | None
    case: str | None
    purpose: str | None
    scenario: str | None
    basis: str | None
    approver: str | None
    medium: str | None
    outcome: str
    code: str | None
    trace: str | None
    accesses: list[TracedAccess]
    exchange: TracedExchange | None


@strawberry.type(description="追溯结果，新者在前\n\nWhat was found, newest first")
class Trace:
    """``archived``: numbers of entries that carried it and lie in the archive. ``unanswered``: resources whose source did not answer in full.
    ``unasked``: resources whose rows were looked for by the identifier alone; without ``askSources`` those shown without it are not found.
    ``unnamed``: entries of exchanges, the 200 newest, that do not say whom they carried: they may have carried what was asked for.
    """

    calls: list[TracedCall]
    has_next_page: bool
    archived: list[strawberry.ID]
    asked: list[str]
    unanswered: list[str]
    unasked: list[str]
    unnamed: list[strawberry.ID]


@strawberry.type(description="办理步骤\n\nStep")
class TracedStep:
    """Who did what, when."""

    at: DateTime
    actor: str
    step: str
    opinion: str | None


@strawberry.type(description="授权终止后的数据处置\n\nDisposal of data after the grant's end")
class TracedDisposal:
    """What the consumer owes and said."""

    state: str
    due_on: str
    filed_at: DateTime | None
    confirmed_at: DateTime | None


@strawberry.type(description="一项申请与授权的全过程\n\nLife history of a request and its grant")
class GrantLife:
    """``grant`` is null while the request came to none."""

    request: str | None
    grant: str | None
    application: str
    resource: str
    state: str
    valid_from: DateTime | None
    valid_to: DateTime | None
    approver: str | None
    steps: list[TracedStep]
    calls: list[TracedCall]
    has_next_page: bool
    disposal: TracedDisposal | None


def trace_as_told(found: Traced) -> Trace:
    """The answer to a question."""
    trail = found.trail
    calls = [call_as_told(carried, found.copy(carried)) for carried in trail.found]
    archived = [strawberry.ID(str(seq)) for seq in trail.archived]
    asked = {"asked": list(found.asked), "unanswered": list(found.unanswered), "unasked": list(found.unasked)}
    unnamed = [strawberry.ID(str(seq)) for seq in found.unnamed]
    return Trace(calls=calls, has_next_page=trail.more, archived=archived, unnamed=unnamed, **asked)


def call_as_told(carried: Carried, copy: Copy | None) -> TracedCall:
    """One entry."""
    content = carried.entry.content
    return TracedCall(
        entry=strawberry.ID(str(carried.entry.seq)),
        at=DateTime(content.at),
        call=content.call,
        kind=content.kind,
        operation=content.operation,
        application=content.application,
        department=content.department,
        operator=content.operator,
        case=content.case,
        purpose=content.purpose,
        scenario=content.scenario,
        basis=content.basis,
        approver=content.approver,
        medium=content.medium,
        outcome=content.outcome,
        code=content.code,
        trace=content.trace,
        accesses=[
            TracedAccess(
                resource=access.resource,
                provider=access.provider,
                rows=BigInt(access.rows),
                grant=access.grant,
                items=[TracedItem(code=item.code, shown=item.shown, mask=item.mask) for item in access.items],
            )
            for access in carried.accesses
        ],
        exchange=copy_as_told(copy) if copy else None,
    )


def copy_as_told(copy: Copy) -> TracedExchange:
    """An exchange."""
    return TracedExchange(
        id=strawberry.ID(copy.exchange),
        state=copy.state,
        application=copy.application,
        finished_at=DateTime(copy.finished_at) if copy.finished_at else None,
        expires_at=DateTime(copy.expires_at) if copy.expires_at else None,
        disposed_at=DateTime(copy.disposed_at) if copy.disposed_at else None,
        files=[TracedFile(name=file.name, rows=BigInt(file.rows), bytes=BigInt(file.bytes), sha256=file.sha256) for file in copy.files],
        downloads=[
            TracedDownload(
                entry=strawberry.ID(str(each.entry)),
                at=DateTime(each.at),
                application=each.application,
                operator=each.operator,
                file=each.file,
                outcome=each.outcome,
            )
            for each in copy.downloads
        ],
    )


def life_as_told(life: Life) -> GrantLife:
    """A life history."""
    disposal = life.disposal
    return GrantLife(
        request=life.request,
        grant=life.grant,
        application=life.application,
        resource=life.resource,
        state=life.state,
        valid_from=DateTime(life.valid_from) if life.valid_from else None,
        valid_to=DateTime(life.valid_to) if life.valid_to else None,
        approver=life.approver,
        steps=[TracedStep(at=DateTime(step.at), actor=step.actor, step=step.step, opinion=step.opinion) for step in life.steps],
        calls=[call_as_told(carried, life.copy(carried)) for carried in life.calls],
        has_next_page=life.more,
        disposal=None
        if disposal is None
        else TracedDisposal(
            state=disposal.state,
            due_on=disposal.due_on,
            filed_at=DateTime(disposal.filed_at) if disposal.filed_at else None,
            confirmed_at=DateTime(disposal.confirmed_at) if disposal.confirmed_at else None,
        ),
    )
