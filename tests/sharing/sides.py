"""Two departments, their people, and the catalog between them; a plain model of the state machine."""

from __future__ import annotations

from typing import Any

from hub.acts import Actor
from hub.catalog.scopes import AUDIT, OWNER, SECURITY, STEWARD
from hub.core import Core
from hub.sharing.machine import Machine, Transition
from tests.catalog.homes import CONSOLE

CONSUMER, PROVIDER = "housing_bureau", "civil_affairs"
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
RESOURCE = "civil_affairs.person"

HEAD = Actor("head", CONSUMER, frozenset({STEWARD}), application="person_head")
CLERK = Actor("clerk", CONSUMER, frozenset({STEWARD}), application="person_clerk")
GIVER = Actor("giver", PROVIDER, frozenset({STEWARD}), application="person_giver")
SIGNER = Actor("signer", PROVIDER, frozenset({STEWARD}), application="person_signer")
CHECKER = Actor("checker", "city_data", frozenset({SECURITY}), application="person_checker")
DECIDER = Actor("decider", "city_data", frozenset({SECURITY}), application="person_decider")
AUDITOR = Actor("auditor", "city_data", frozenset({AUDIT}), application="person_auditor")
STRANGER = Actor("stranger", "water_supply", frozenset({STEWARD, OWNER}), application="person_stranger")


def consumer(core: Core) -> Actor:
    """The application ``tenants`` of the housing bureau, registered where it is not yet."""
    found = core.registry.by_name("tenants")
    if found is None:
        core.catalog.create_department(CONSOLE, code=CONSUMER, name="市住建局", uscc="11520100009395416E")
        core.sharing.create_application(CONSOLE, "tenants", CONSUMER, PURPOSES, [])
        core.registry.refresh()
        found = core.registry.by_name("tenants")
    assert found is not None
    return Actor("tenants", CONSUMER, frozenset(), application=found.client_id)


def asked(**changed: Any) -> dict[str, Any]:
    """What the application asks for."""
    made: dict[str, Any] = {
        "operations": ["QUERY"],
        "items": [{"code": "birth_date", "access": "CLEAR"}],
        "purpose": "rent",
        "scenario": "公租房审核",
        "legal_basis": "条例第十条",
    }
    return {**made, **changed}


def filed(core: Core, **changed: Any) -> str:
    """The number of a request that was just filed."""
    resource = core.catalog.current().resources[RESOURCE]
    return core.requests.request_access(consumer(core), resource, asked(**changed)).id


def granted(core: Core, **changed: Any) -> str:
    """A request that went all the way; its number."""
    number = filed(core, **changed)
    act = core.requests.act
    act(HEAD, "endorse", number)
    act(CHECKER, "complete", number)
    act(GIVER, "agree", number)
    case = act(DECIDER, "approve", number)
    act(SIGNER, "signForProvider", number, hash=case.agreement_hash)
    act(consumer(core), "signForConsumer", number, hash=case.agreement_hash)
    return number


Config = tuple[str, frozenset[str]]


def after(transition: Transition, config: Config) -> Config:
    """State and filled columns after a transition, by the data alone."""
    state, filled = config
    return transition.leads_to(state), (filled | set(transition.records)) - set(transition.clears)


def successors(machine: Machine, config: Config) -> list[tuple[Transition, Config]]:
    """What may come next, by the data alone."""
    state, filled = config
    columns = dict.fromkeys(filled, "somebody")
    return [(each, after(each, config)) for each in machine.transitions if each.is_open(state, columns)]


def reachable(machine: Machine, first: Config) -> dict[Config, list[tuple[Transition, Config]]]:
    """Every configuration that can be reached, with what may come next."""
    found: dict[Config, list[tuple[Transition, Config]]] = {}
    waiting = [first]
    while waiting:
        config = waiting.pop()
        if config not in found:
            found[config] = successors(machine, config)
            waiting += [each for _, each in found[config]]
    return found
