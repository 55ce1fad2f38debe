"""Who may change what an application proves itself by: nobody takes over another's roles or data by its secret (B9, B10)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from hub.acts import Actor
from hub.catalog.problems import Refused
from hub.core import Core
from hub.people.authorize_clients import AuthorizedClients
from hub.people.roles import ROLES
from hub.sharing.clients import ClientService
from hub.sharing.tables import application
from tests.catalog.homes import CONSOLE, refused
from tests.people.house import DU, REN, YAO, House

pytestmark = [pytest.mark.slow]
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
KEYS = json.dumps(ECKey.generate_key("P-256").as_dict(private=False))


def made(core: Core, name: str, *roles: str) -> None:
    core.sharing.create_application(CONSOLE, name, "housing", PURPOSES, list(roles))


def stored(core: Core) -> list[tuple[str, str | None]]:
    with core.engine.connect() as connection:
        return [(row.secret_hash, row.jwks) for row in connection.execute(select(application).order_by(application.c.name))]


def codes(core: Core, actor: Actor, name: str) -> set[str]:
    service = ClientService(core.acts)
    before = stored(core)
    found = {p.code for p in refused(service.renew_secret, actor, name)} | {p.code for p in refused(service.replace_keys, actor, name, KEYS)}
    assert stored(core) == before
    return found


@pytest.mark.parametrize("role", ROLES)
def test_b9_the_system_administrator_does_not_take_over_an_application_with_a_role(core: Core, role: str) -> None:
    made(core, "automation", role)
    assert codes(core, REN, "automation") == {"FORBIDDEN"}
    assert ClientService(core.acts).renew_secret(CONSOLE, "automation").secret, "the command line does it"


@pytest.mark.parametrize("role", ROLES)
def test_b9_the_system_administrator_does_not_make_an_application_with_a_role(core: Core, role: str) -> None:
    """A person's roles are proposed and approved by two; an application's secret would be in the hands of one."""
    assert [p.code for p in refused(core.sharing.create_application, REN, "automation", "housing", PURPOSES, [role])] == ["FORBIDDEN"]
    assert stored(core) == []
    assert core.sharing.create_application(REN, "plain", "housing", PURPOSES, []).client_secret


@pytest.mark.anyio
async def test_b10_credentials_of_an_application_with_an_owner_are_the_owners(house: House) -> None:
    core, service = house.core, ClientService(house.core.acts)
    made(core, "rents")
    made(core, "other")
    zhang = Actor("zhang.wei", "housing", frozenset({"governance:owner"}), application=house.enrolled(roles=("governance:owner",)))
    assert codes(core, zhang, "rents") == {"NOT_FOUND"}, "not the own one, as if there were none"
    assert service.renew_secret(REN, "rents").secret, "nobody answers for it yet"
    AuthorizedClients(core.acts).set_owner(DU, "rents", "zhang.wei")
    assert codes(core, REN, "rents") == {"FORBIDDEN"}
    assert service.renew_secret(zhang, "rents").secret
    assert service.replace_keys(zhang, "rents", KEYS).keys
    assert codes(core, zhang, "other") == codes(core, zhang, "nothing") == {"NOT_FOUND"}
    assert codes(core, replace(zhang, scopes=frozenset({"governance:steward"})), "rents") == {"FORBIDDEN"}, "the owner without the role of owners"
    for nobody in (DU, YAO):
        assert codes(core, nobody, "rents") == {"FORBIDDEN"}
    with pytest.raises(Refused):
        service.renew_secret(REN, "nothing")
