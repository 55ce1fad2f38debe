"""Terms of grants are checked when given; one live grant per application and resource; time, revocation and disabling act at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from auth.rights import GrantItem, Operation, Purpose, Quota, Shown
from hub.core import Core, open_core
from hub.ledger.tables import entry
from hub.sharing import registry, tables
from masking.rules import Mask
from tests.catalog.homes import CONSOLE, IMPORTER, NOBODY, SECURITY, SYSTEM, publish, refused, rows
from tests.catalog.small import changed
from tests.sharing.conftest import PURPOSES
from tests.sharing.terms import ITEMS, client, terms

pytestmark = pytest.mark.slow

SCOPES = frozenset({"query:civil_affairs.person", "verify:civil_affairs.person", "exchange:civil_affairs.person", "query:unconditional", "governance:system"})


def grants(core: Core) -> set[str]:
    return set(core.registry.rights(client(core), SCOPES).grants)


def test_what_is_written_is_what_rights_are_computed_from(core: Core) -> None:
    record = core.sharing.create_grant(SECURITY, terms(items=[{**ITEMS[0], "mask": "KEEP_FIRST_1_LAST_1"}, ITEMS[1]]))
    core.registry.refresh()
    rights = core.registry.rights(client(core), SCOPES)
    found = rights.grants["civil_affairs.person"]
    assert found.grant == record.id
    assert found.operations == {Operation.QUERY, Operation.VERIFY}
    assert found.items == (GrantItem("id_number", Shown.MASKED, True, Mask("KEEP_FIRST_N_LAST_M", (1, 1))), GrantItem("birth_date", Shown.CLEAR))
    assert found.rows == '{"birth_date":{"gte":"1990-01-01"}}'
    assert found.purposes == (Purpose("rent", "公租房审核", "条例第十条"),)
    assert (found.per_claim, found.discloses_existence, found.page_limit, found.approver) == (True, False, 100, "王局长")
    assert (found.quota, found.documents) == (Quota(10, None, "DAY"), frozenset({"0" * 64}))
    assert rights.scopes == {"query:civil_affairs.person", "verify:civil_affairs.person", "query:unconditional"}, "CLS-07: no scope that was not granted"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("operation not offered", {"operations": ["EXCHANGE"]}, "operations"),
    ("no operation", {"operations": []}, "operations"),
    ("unknown item", {"items": [{"code": "nmae", "value": "CLEAR"}]}, "items[0].code"),
    ("item twice", {"items": [ITEMS[0], ITEMS[0]]}, "items[1].code"),
    ("neither value nor key", {"items": [{"code": "birth_date"}]}, "items[0]"),
    ("masked without a mask", {"items": [{"code": "birth_date", "value": "MASKED"}]}, "items[0].mask"),
    ("masked by DENY", {"items": [{"code": "birth_date", "value": "MASKED", "mask": "DENY"}]}, "items[0].mask"),
    ("unknown mask", {"items": [{"code": "birth_date", "value": "MASKED", "mask": "NAEM"}]}, "items[0].mask"),
    ("rows on an unknown item", {"rows": {"x": {"eq": "1"}}}, "rows"),
    ("rows of the wrong type", {"rows": {"birth_date": {"gte": "yesterday"}}}, "rows"),
    ("no purpose", {"purposes": []}, "purposes"),
    ("purpose code that fits no header", {"purposes": [{"code": "租房", "scenario": "x", "basis": "y"}]}, "purposes[0].code"),
    ("purpose without basis", {"purposes": [{"code": "rent", "scenario": "x", "basis": " "}]}, "purposes[0].basis"),
    ("page too large", {"max_page": 10_001}, "maxPage"),
    ("page below one", {"max_page": 0}, "maxPage"),
    ("quota of nothing", {"quota": {"per": "DAY"}}, "quota"),
    ("negative quota", {"quota": {"calls": -1, "per": "DAY"}}, "quota"),
    ("unknown period", {"quota": {"calls": 1, "per": "WEEK"}}, "quota.per"),
    ("document that is no hash", {"documents": ["{ a }"]}, "documents[0]"),
    ("no approver", {"approver": " "}, "approver"),
    ("approver that no entry takes", {"approver": "王" * 257}, "approver"),
    ("scenario that no entry takes", {"purposes": [{"code": "x", "scenario": "用" * 513, "basis": "x"}]}, "purposes[0].scenario"),
    ("basis that no entry takes", {"purposes": [{"code": "x", "scenario": "x", "basis": "法" * 513}]}, "purposes[0].basis"),
    ("ends before it begins", {"valid_to": datetime(2020, 1, 1, tzinfo=UTC)}, "validTo"),
    ("unknown resource", {"resource": "civil_affairs.persn"}, "resource"),
    ("unknown application", {"application": "hausing"}, "application"),
]


@pytest.mark.parametrize(("given", "path"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_terms_change_nothing(core: Core, given: dict[str, Any], path: str) -> None:
    entries = rows(core, entry)
    found = refused(core.sharing.create_grant, SECURITY, terms(**given))
    assert path in {problem.path for problem in found}
    assert rows(core, tables.grant) == 0
    assert rows(core, entry) == entries + 1


def test_every_fault_is_named_at_once(core: Core) -> None:
    found = refused(core.sharing.create_grant, SECURITY, terms(operations=["EXCHANGE"], max_page=-1, purposes=[]))
    assert {problem.path for problem in found} == {"operations", "maxPage", "purposes"}


def test_a_value_that_is_none_of_three_is_refused(core: Core) -> None:
    """A terms file may hold anything. What is stored must be readable, or no process can start again."""
    refused(core.sharing.create_grant, SECURITY, terms(items=[{"code": "birth_date", "value": "VISIBLE"}]))


@pytest.mark.parametrize("mask", ["NAME", "KEEP_FIRST_1_LAST_1"])
def test_a_mask_must_fit_the_items_type(core: Core, mask: str) -> None:
    refused(core.sharing.create_grant, SECURITY, terms(items=[{"code": "birth_date", "value": "MASKED", "mask": mask}]))


@pytest.mark.parametrize(("old", "new"), [("CONDITIONAL", "NOT_SHARED")])
def test_what_is_not_shared_is_not_granted(core: Core, old: str, new: str) -> None:
    publish(core, changed(f'sharing_class = "{old}"', f'sharing_class = "{new}"'))
    assert [problem.code for problem in refused(core.sharing.create_grant, SECURITY, terms())] == ["NOT_SHARED"]
    publish(core, changed('column = "born"', f'column = "born"\nsharing_class = "{new}"'))
    assert {problem.path for problem in refused(core.sharing.create_grant, SECURITY, terms())} == {"items[1].code"}


def test_one_live_grant(core: Core) -> None:
    first = core.sharing.create_grant(SECURITY, terms())
    assert refused(core.sharing.create_grant, SECURITY, terms())[0].code == "CONFLICT"
    core.sharing.change_grant(SECURITY, first.id, "SUSPENDED")
    assert refused(core.sharing.create_grant, SECURITY, terms())[0].code == "CONFLICT"
    core.sharing.change_grant(SECURITY, first.id, "REVOKED")
    second = core.sharing.create_grant(SECURITY, terms())
    assert [each.state for each in core.sharing.grants()] == ["ACTIVE", "REVOKED"]
    assert second.id != first.id


def test_a_list_of_all_grants_leaves_none_out(core: Core) -> None:
    core.sharing.change_grant(SECURITY, core.sharing.create_grant(SECURITY, terms()).id, "REVOKED")
    request, held = tables.access_request, tables.grant
    with core.engine.begin() as connection:
        asked = connection.execute(select(request).where(request.c.grant.is_not(None))).one()._mapping
        given = connection.execute(select(held)).one()._mapping
        numbers = [(f"request_{n}", f"grant_{n}") for n in range(1000)]
        connection.execute(insert(request), [{**asked, "id": one, "grant": other} for one, other in numbers])
        connection.execute(insert(held), [{**given, "request": one, "id": other} for one, other in numbers])
    assert len(core.sharing.grants()) == 1001


def test_a_grant_that_ended_makes_room(core: Core) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    core.sharing.create_grant(SECURITY, terms(valid_from=past, valid_to=past + timedelta(days=1)))
    core.sharing.create_grant(SECURITY, terms())


def test_grants_hold_in_their_term_alone(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    core.sharing.create_grant(SECURITY, terms(valid_from=begins, valid_to=ends))
    core.registry.refresh()
    second = timedelta(seconds=1)
    for moment, holds in ((begins - second, False), (begins, True), (ends - second, True), (ends, False)):
        monkeypatch.setattr(registry, "now", lambda moment=moment: moment)
        assert bool(grants(core)) is holds, "without any refresh"


def test_revocation_suspension_and_resumption(core: Core) -> None:
    made = core.sharing.create_grant(SECURITY, terms())
    for state, holds in (("SUSPENDED", False), ("ACTIVE", True), ("REVOKED", False)):
        core.sharing.change_grant(SECURITY, made.id, state)
        core.registry.refresh()
        assert bool(grants(core)) is holds
    assert refused(core.sharing.change_grant, SECURITY, made.id, "ACTIVE")[0].code == "CONFLICT", "revoked is final"
    assert refused(core.sharing.change_grant, SECURITY, "grant_x", "REVOKED")[0].code == "NOT_FOUND"


def test_a_change_of_terms_changes_the_fingerprint(core: Core) -> None:
    first = core.sharing.create_grant(SECURITY, terms())
    core.registry.refresh()
    before = core.registry.rights(client(core), SCOPES).fingerprint
    core.sharing.change_grant(SECURITY, first.id, "REVOKED")
    core.sharing.create_grant(SECURITY, terms(max_page=99))
    core.registry.refresh()
    assert core.registry.rights(client(core), SCOPES).fingerprint != before


def test_two_processes_on_one_home(core: Core) -> None:
    other = open_core(core.settings)
    made = core.sharing.create_grant(SECURITY, terms())
    assert not grants(other), "not before it looks"
    other.registry.refresh()
    assert grants(other) == {"civil_affairs.person"}
    other.sharing.change_grant(SECURITY, made.id, "REVOKED")
    core.registry.refresh()
    assert not grants(core)
    other.sharing.disable_application(CONSOLE, "housing")
    assert core.registry.is_active(client(core))
    core.registry.refresh()
    assert not core.registry.is_active(client(core))
    other.close()


def test_every_change_tells_the_other_processes(core: Core) -> None:
    from hub.acts import revisions

    def seen() -> int:
        with core.engine.connect() as connection:
            return revisions(connection)["rights"]

    acts: list[Callable[[], Any]] = [
        lambda: core.sharing.create_application(SYSTEM, "other", "civil_affairs", PURPOSES, []),
        lambda: core.sharing.create_grant(SECURITY, terms()),
        lambda: core.sharing.change_grant(SECURITY, core.sharing.grants()[0].id, "SUSPENDED"),
        lambda: core.sharing.disable_application(SYSTEM, "other"),
    ]
    for act in acts:
        before = seen()
        act()
        assert seen() == before + 1


def test_who_may_do_what(core: Core) -> None:
    for actor in (NOBODY, SYSTEM, IMPORTER):
        assert refused(core.sharing.create_grant, actor, terms())[0].code == "FORBIDDEN"
        assert refused(core.sharing.change_grant, actor, "grant_x", "REVOKED")[0].code == "FORBIDDEN"
    for actor in (NOBODY, SECURITY, IMPORTER):
        assert refused(core.sharing.create_application, actor, "x", "civil_affairs", PURPOSES, [])[0].code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("name", "owner", "purposes", "roles", "code"),
    [
        ("housing", "civil_affairs", PURPOSES, [], "CONFLICT"),
        ("new", "nowhere", PURPOSES, [], "NOT_FOUND"),
        ("New App", "civil_affairs", PURPOSES, [], "BAD_INPUT"),
        ("new", "civil_affairs", [], [], "BAD_INPUT"),
        ("new", "civil_affairs", PURPOSES, ["governance:all"], "BAD_INPUT"),
        ("new", "civil_affairs", PURPOSES, ["governance:system", "governance:audit"], "ROLES_EXCLUSIVE"),
    ],
)
def test_wrong_applications(core: Core, name: str, owner: str, purposes: list[dict[str, str]], roles: list[str], code: str) -> None:
    found = refused(core.sharing.create_application, CONSOLE, name, owner, purposes, roles)
    assert code in {problem.code for problem in found}
    assert rows(core, tables.application) == 1


def test_a_secret_is_told_once(core: Core) -> None:
    made = core.sharing.create_application(CONSOLE, "new", "civil_affairs", PURPOSES, [])
    assert made.client_secret not in repr(made)
    with core.engine.connect() as connection:
        stored = str(connection.execute(tables.application.select()).all())
    assert made.client_secret not in stored
    assert "secret_hash" not in core.sharing.applications()[0]
