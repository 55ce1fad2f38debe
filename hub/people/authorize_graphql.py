"""Governance mutations on redirect URIs and owners of applications."""

from __future__ import annotations

from collections.abc import Callable

import strawberry

from hub.acts import Actor
from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.people.authorize_clients import AuthorizedClients

Info = strawberry.Info[Context, None]


@strawberry.input
class SetRedirectUrisInput:
    """An application's redirect URIs, all of them."""

    application: str
    uris: list[str]


@strawberry.input
class SetOwnerInput:
    """An application's owner by login name; left out: nobody."""

    application: str
    owner: str | None = None


@strawberry.type(description="可由人员授权的应用\n\nApplication as people may authorize it")
class AuthorizedApplication:
    """Where its codes go, and who answers for it."""

    name: str
    redirect_uris: list[str]
    owner: str | None


@strawberry.type
class AuthorizedApplicationPayload:
    """What an act changed."""

    application: AuthorizedApplication | None
    problems: list[Problem]


@strawberry.type
class AuthorizeMutations:
    """What people's authorizations rest on."""

    @strawberry.mutation(description="登记应用的回调地址，全部替换\n\nReplaces an application's redirect URIs (RFC 6749)")
    async def set_redirect_uris(self, info: Info, input: SetRedirectUrisInput) -> AuthorizedApplicationPayload:
        return await _act(info, lambda clients, actor: clients.set_redirect_uris(actor, input.application, input.uris))

    @strawberry.mutation(description="指定应用的负责人\n\nNames the person who answers for an application and may act for it")
    async def set_owner(self, info: Info, input: SetOwnerInput) -> AuthorizedApplicationPayload:
        return await _act(info, lambda clients, actor: clients.set_owner(actor, input.application, input.owner))


async def _act(info: Info, act: Callable[[AuthorizedClients, Actor], str]) -> AuthorizedApplicationPayload:
    core = info.context.live.core
    done, problems = await do_act(info, lambda actor: act(AuthorizedClients(core.acts), actor))
    app = core.registry.by_name(done) if done else None
    if app is None:
        return AuthorizedApplicationPayload(application=None, problems=problems)
    owner = core.registry.application(app.owner) if app.owner else None
    shown = AuthorizedApplication(name=app.name, redirect_uris=list(app.redirect_uris), owner=owner.name if owner else None)
    return AuthorizedApplicationPayload(application=shown, problems=[])
