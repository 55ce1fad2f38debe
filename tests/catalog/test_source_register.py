"""Sources registered apart from a manifest are changed and removed; those in use stay."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from hub.core import Core
from hub.ledger.tables import entry
from tests.catalog.homes import CONSOLE, IMPORTER, NOBODY, SECURITY, STEWARD, SYSTEM, publish, refused
from tests.catalog.small import SMALL, changed

pytestmark = pytest.mark.slow
URL = "postgresql+asyncpg://reader@db.example/register"
APART = changed('source = "db"', 'source = "apart"')
"""Its resource is read from the registered source."""


@pytest.fixture
def registered(core: Core) -> Core:
    """A hub with ``civil_affairs.apart``."""
    core.catalog.create_department(SYSTEM, code="civil_affairs", name="市民政局", uscc="115201000093900013")
    core.catalog.register_source(SYSTEM, "civil_affairs", code="apart", kind="sql", url=URL, pool=3)
    return core


def acts(core: Core) -> list[tuple[str, str, str | None]]:
    """Act, outcome and code of each entry."""
    with core.engine.connect() as connection:
        bodies = [json.loads(body) for body in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]
    return [(each["operation"], each["outcome"], each.get("code")) for each in bodies]


def test_one_that_nothing_uses_is_removed_at_once(registered: Core) -> None:
    publish(registered, SMALL)
    assert registered.catalog.remove_source(CONSOLE, "civil_affairs", "apart") == "civil_affairs.apart"
    assert list(registered.catalog.current().sources) == ["civil_affairs.db"]
    assert refused(registered.catalog.import_manifest, IMPORTER, APART)[0].code == "UNKNOWN_SOURCE"


def test_a_manifests_own_source_is_not_removed(registered: Core) -> None:
    publish(registered, SMALL)
    (problem,) = refused(registered.catalog.remove_source, SYSTEM, "civil_affairs", "db")
    assert (problem.code, "civil_affairs.apart" in problem.hint) == ("NOT_FOUND", True)


@pytest.mark.parametrize("state", ["IMPORTED", "APPROVED", "PUBLISHED"])
def test_one_in_use_stays_until_the_manifest_that_uses_it_is_out_of_the_way(registered: Core, state: str) -> None:
    catalog = registered.catalog
    made = catalog.import_manifest(IMPORTER, APART)
    if state != "IMPORTED":
        catalog.review(SECURITY, made.id, True, "")
    if state == "PUBLISHED":
        catalog.publish(SECURITY, made.id)
    (problem,) = refused(catalog.remove_source, SYSTEM, "civil_affairs", "apart")
    assert (problem.code, problem.path) == ("SOURCE_IN_USE", "code")
    assert f"{made.id} ({state}): civil_affairs.person" in problem.message
    assert "civil_affairs.apart" in catalog.current().sources
    if state == "IMPORTED":
        catalog.review(SECURITY, made.id, False, "")
    else:
        publish(registered, SMALL)
    catalog.remove_source(SYSTEM, "civil_affairs", "apart")
    if state == "APPROVED":
        (late,) = refused(catalog.publish, SECURITY, made.id)
        assert (late.code, late.path) == ("UNKNOWN_SOURCE", "resources[0].source"), "what it was approved with is gone"


def test_one_that_the_manifest_describes_itself_is_not_in_use(registered: Core) -> None:
    registered.catalog.register_source(SYSTEM, "civil_affairs", code="db", kind="sql", url=URL)
    publish(registered, SMALL)
    registered.catalog.remove_source(SYSTEM, "civil_affairs", "db")
    assert registered.catalog.current().sources["civil_affairs.db"].url.endswith(":5432/register")


def test_a_source_is_not_taken_over_from_the_manifest_that_is_replaced(core: Core) -> None:
    publish(core, SMALL)
    block = SMALL[SMALL.index("[[sources]]") : SMALL.index("[[resources]]")]
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, changed(block, ""))
    assert (problem.code, problem.path) == ("UNKNOWN_SOURCE", "resources[0].source")


def test_it_is_replaced_as_a_whole_while_in_use(registered: Core) -> None:
    publish(registered, APART)
    moved = URL.replace("db.", "db2.")
    registered.catalog.register_source(SYSTEM, "civil_affairs", True, code="apart", kind="sql", url=moved)
    found = registered.catalog.current().sources["civil_affairs.apart"]
    assert (found.url, found.pool) == (moved, 8), "what is not given has its default"


def test_in_use_it_keeps_its_kind(registered: Core) -> None:
    given = {"code": "apart", "kind": "files", "url": "/srv/deliveries"}
    registered.catalog.register_source(SYSTEM, "civil_affairs", True, **given)
    registered.catalog.register_source(SYSTEM, "civil_affairs", True, code="apart", kind="sql", url=URL)
    publish(registered, APART)
    (problem,) = refused(registered.catalog.register_source, SYSTEM, "civil_affairs", True, **given)
    assert (problem.code, problem.path) == ("SOURCE_IN_USE", "kind")
    assert registered.catalog.current().sources["civil_affairs.apart"].kind == "sql"


def test_only_what_is_registered_is_replaced_and_it_is_checked_alike(registered: Core) -> None:
    register = registered.catalog.register_source
    assert refused(register, SYSTEM, "civil_affairs", True, code="aparte", kind="sql", url=URL)[0].code == "NOT_FOUND"
    assert refused(register, SYSTEM, "civil_affairs", True, code="apart", kind="sqll", url=URL)[0].code == "SOURCE_KIND"
    assert refused(register, SYSTEM, "civil_affairs", code="apart", kind="sql", url=URL)[0].hint.endswith("--replace, replace: true")


def test_each_act_has_its_entry_and_its_role(registered: Core) -> None:
    before = len(acts(registered))
    for actor in (NOBODY, STEWARD, SECURITY, IMPORTER):
        assert refused(registered.catalog.remove_source, actor, "civil_affairs", "apart")[0].code == "FORBIDDEN"
    registered.catalog.register_source(SYSTEM, "civil_affairs", True, code="apart", kind="sql", url=URL)
    registered.catalog.remove_source(SYSTEM, "civil_affairs", "apart")
    refused(registered.catalog.remove_source, SYSTEM, "civil_affairs", "apart")
    assert acts(registered)[before:] == [
        *[("removeSource", "REFUSED", "FORBIDDEN")] * 4,
        ("registerSource", "OK", None),
        ("removeSource", "OK", None),
        ("removeSource", "REFUSED", "NOT_FOUND"),
    ]
