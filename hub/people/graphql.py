"""People's part of the governance schema."""

from __future__ import annotations

import strawberry
from anyio import to_thread

from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.types import DateTime
from hub.people.reading import PersonRecord
from hub.people.service import Told

Info = strawberry.Info[Context, None]


@strawberry.type(description="人员账号\n\nAccount of a person")
class Person:
    """An account as administrators see it."""

    name: str
    display_name: str
    department: str
    state: str
    roles: list[str]
    proposed_roles: list[str] | None
    created_by: str
    approved_by: str | None
    created_at: DateTime


@strawberry.type
class PersonPayload:
    """What an act made; ``code`` is one half of an invitation, told this once."""

    person: Person | None
    code: str | None
    problems: list[Problem]


@strawberry.input
class ProposePersonInput:
    """A new account."""

    name: str
    display_name: str
    department: str
    roles: list[str]


@strawberry.input
class PersonInput:
    """An account by the name that one logs in with."""

    name: str


@strawberry.input
class ProposeRolesInput:
    """All roles that the person is to hold."""

    name: str
    roles: list[str]


@strawberry.input
class ApproveRolesInput:
    """The decision on the roles that wait."""

    name: str
    approve: bool = True


@strawberry.type
class PeopleQueries:
    """People."""

    @strawberry.field(description="人员账号\n\nAccounts of people")
    async def people(self, info: Info) -> list[Person]:
        return [_shown(each) for each in await to_thread.run_sync(info.context.live.core.people.people)]


@strawberry.type
class PeopleMutations:
    """Acts on people's accounts."""

    @strawberry.mutation(description="提出人员账号及其角色\n\nProposes an account and its roles")
    async def propose_person(self, info: Info, input: ProposePersonInput) -> PersonPayload:
        service = info.context.live.core.people
        given = (input.name, input.display_name, input.department, input.roles)
        return _told(*await do_act(info, lambda actor: service.propose(actor, *given)))

    @strawberry.mutation(description="批准人员账号；提出人不得批准\n\nApproves an account; not by who proposed it")
    async def approve_person(self, info: Info, input: PersonInput) -> PersonPayload:
        service = info.context.live.core.people
        return _told(*await do_act(info, lambda actor: service.approve(actor, input.name)))

    @strawberry.mutation(
        description="重新邀请：口令、验证码密钥与会话立即失效，须再经批准\n\nInvites anew: password, code secret and sessions end; needs approval"
    )
    async def invite_person(self, info: Info, input: PersonInput) -> PersonPayload:
        service = info.context.live.core.people
        return _told(*await do_act(info, lambda actor: service.invite(actor, input.name)))

    @strawberry.mutation(description="停用人员账号，其会话与令牌立即失效\n\nDisables an account; its sessions and tokens end at once")
    async def disable_person(self, info: Info, input: PersonInput) -> PersonPayload:
        service = info.context.live.core.people
        return _done(*await do_act(info, lambda actor: service.disable(actor, input.name)))

    @strawberry.mutation(description="提出角色变更\n\nProposes other roles")
    async def propose_roles(self, info: Info, input: ProposeRolesInput) -> PersonPayload:
        service = info.context.live.core.people
        return _done(*await do_act(info, lambda actor: service.propose_roles(actor, input.name, input.roles)))

    @strawberry.mutation(description="批准或者退回角色变更；提出人不得批准\n\nDecides proposed roles; not by who proposed them")
    async def approve_roles(self, info: Info, input: ApproveRolesInput) -> PersonPayload:
        service = info.context.live.core.people
        return _done(*await do_act(info, lambda actor: service.approve_roles(actor, input.name, input.approve)))


def _told(told: Told | None, problems: list[Problem]) -> PersonPayload:
    return PersonPayload(person=_shown(told.person) if told else None, code=told.code if told else None, problems=problems)


def _done(record: PersonRecord | None, problems: list[Problem]) -> PersonPayload:
    return PersonPayload(person=_shown(record) if record else None, code=None, problems=problems)


def _shown(record: PersonRecord) -> Person:
    return Person(
        name=record.name,
        display_name=record.display_name,
        department=record.department,
        state=record.state,
        roles=list(record.roles),
        proposed_roles=None if record.proposed_roles is None else list(record.proposed_roles),
        created_by=record.created_by,
        approved_by=record.approved_by,
        created_at=DateTime(record.created_at),
    )
