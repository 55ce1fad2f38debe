"""Governance mutations on applications' keys and secrets."""

from __future__ import annotations

import strawberry

from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_inputs import ApplicationNameInput, ReplaceApplicationKeysInput
from hub.api.governance_types import Application, ApplicationPayload, Problem
from hub.sharing.clients import ClientService, Credentials

Info = strawberry.Info[Context, None]


@strawberry.type
class ClientMutations:
    """How applications prove who they are."""

    @strawberry.mutation(
        description="更换应用的公钥，原有公钥或密码立即失效\n\nReplaces an application's public keys; earlier ones, or its secret, stop at once"
    )
    async def replace_application_keys(self, info: Info, input: ReplaceApplicationKeysInput) -> ApplicationPayload:
        service = ClientService(info.context.live.core.acts)
        return _payload(info, *await do_act(info, lambda actor: service.replace_keys(actor, input.application, input.jwks)))

    @strawberry.mutation(
        description="更换应用的密码，原密码立即失效，新密码只显示一次\n\nGives an application a new secret, told once; the earlier one stops at once"
    )
    async def renew_application_secret(self, info: Info, input: ApplicationNameInput) -> ApplicationPayload:
        service = ClientService(info.context.live.core.acts)
        return _payload(info, *await do_act(info, lambda actor: service.renew_secret(actor, input.application)))


def _payload(info: Info, done: Credentials | None, problems: list[Problem]) -> ApplicationPayload:
    app = info.context.live.core.registry.by_name(done.name) if done else None
    if done is None or app is None:
        return ApplicationPayload(application=None, problems=problems)
    made = Application(
        name=app.name,
        client_id=app.client_id,
        department=app.department,
        active=app.active,
        roles=sorted(app.roles),
        purposes=[purpose.code for purpose in app.purposes],
        client_secret=done.secret,
        auth_method=done.method,
        keys=list(done.keys),
        dpop_bound=app.dpop_bound,
    )
    return ApplicationPayload(application=made, problems=[])
