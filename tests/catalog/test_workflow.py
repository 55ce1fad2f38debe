"""Import, review by somebody else, publication: in one piece or not at all, each act with its entry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from hub.catalog import tables
from hub.catalog.service import last_number
from hub.core import Core
from hub.ledger.tables import entry
from tests.catalog.homes import CONSOLE, IMPORTER, NOBODY, SECURITY, STEWARD, SYSTEM, publish, refused, rows
from tests.catalog.small import SMALL, changed

pytestmark = pytest.mark.fast

HOUSING = SMALL.replace("civil_affairs", "housing")


def state(core: Core) -> tuple[int, ...]:
    return tuple(rows(core, table) for table in (tables.department, tables.manifest, tables.snapshot, tables.source))


def test_the_example_goes_all_the_way(core: Core, example: str) -> None:
    assert publish(core, example) == 1
    snapshot = core.catalog.current()
    assert list(snapshot.resources) == ["civil_affairs.person", "civil_affairs.household"]
    person = snapshot.resources["civil_affairs.person"]
    assert (person.identifiers, person.stable_key, person.watermark) == (("id_number",), "person_id", "updated_at")
    assert person.items["gender"].low_cardinality
    assert person.items["birth_date"].filterable
    assert snapshot.sources["civil_affairs.register"].secret == "env:CIVIL_AFFAIRS_DB_PASSWORD"
    assert snapshot.departments["civil_affairs"].name_en == "Civil Affairs Bureau"


def test_nothing_is_in_force_before_publication(core: Core) -> None:
    made = core.catalog.import_manifest(IMPORTER, SMALL)
    core.catalog.review(SECURITY, made.id, True, "")
    assert core.catalog.current().resources == {}
    core.catalog.publish(SECURITY, made.id)
    assert list(core.catalog.current().resources) == ["civil_affairs.person"]


def test_each_publication_makes_a_new_snapshot_and_keeps_the_others(core: Core) -> None:
    assert publish(core, SMALL) == 1
    before = core.catalog.current()
    assert publish(core, HOUSING) == 2
    assert publish(core, changed('name = "人口"', 'name = "人口二"')) == 3
    now = core.catalog.current()
    assert (before.number, now.number) == (1, 3)
    assert sorted(now.resources) == ["civil_affairs.person", "housing.person"]
    assert now.resources["civil_affairs.person"].name == "人口二"
    assert before.resources["civil_affairs.person"].name == "人口", "running calls finish on the old one"
    with core.engine.connect() as connection:
        assert last_number(connection) == 3


def test_who_imported_does_not_review(core: Core) -> None:
    """MSK-02, CAT-12."""
    made = core.catalog.import_manifest(CONSOLE, SMALL)
    (problem,) = refused(core.catalog.review, CONSOLE, made.id, True, "")
    assert problem.code == "FOUR_EYES"
    assert [each["state"] for each in core.catalog.manifests()] == ["IMPORTED"]


@pytest.mark.parametrize("opinion", ["同意\u202e", "长" * 4001])
def test_the_opinion_of_a_review_reads_as_it_is(core: Core, opinion: str) -> None:
    made = core.catalog.import_manifest(CONSOLE, SMALL)
    (problem,) = refused(core.catalog.review, replace(CONSOLE, name="du"), made.id, True, opinion)
    assert (problem.code, problem.path) == ("BAD_INPUT", "opinion")
    assert [each["state"] for each in core.catalog.manifests()] == ["IMPORTED"]


@pytest.mark.parametrize(("first", "second"), [("cli:ren", "ren"), ("ren", "cli:ren")])
def test_nor_at_the_command_line(core: Core, first: str, second: str) -> None:
    made = core.catalog.import_manifest(replace(CONSOLE, name=first), SMALL)
    assert [p.code for p in refused(core.catalog.review, replace(CONSOLE, name=second), made.id, True, "")] == ["FOUR_EYES"]
    assert core.catalog.review(replace(CONSOLE, name="du"), made.id, True, "").state == "APPROVED"


def test_nor_does_the_database_let_him(core: Core) -> None:
    made = core.catalog.import_manifest(IMPORTER, SMALL)
    with pytest.raises(IntegrityError), core.engine.begin() as connection:
        connection.execute(update(tables.manifest).where(tables.manifest.c.id == made.id).values(reviewed_by=IMPORTER.name))


@pytest.mark.parametrize("step", ["publish unreviewed", "publish rejected", "review twice", "publish twice", "unknown"])
def test_steps_out_of_order(core: Core, step: str) -> None:
    made = core.catalog.import_manifest(IMPORTER, SMALL)
    if step == "publish unreviewed":
        found = refused(core.catalog.publish, SECURITY, made.id)
    elif step == "publish rejected":
        core.catalog.review(SECURITY, made.id, False, "不合格")
        found = refused(core.catalog.publish, SECURITY, made.id)
    elif step == "review twice":
        core.catalog.review(SECURITY, made.id, True, "")
        found = refused(core.catalog.review, SECURITY, made.id, False, "")
    elif step == "publish twice":
        core.catalog.review(SECURITY, made.id, True, "")
        core.catalog.publish(SECURITY, made.id)
        found = refused(core.catalog.publish, SECURITY, made.id)
    else:
        found = refused(core.catalog.publish, SECURITY, 999)
    assert [problem.code for problem in found] == ["NOT_FOUND" if step == "unknown" else "CONFLICT"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[department]", "[department", "MANIFEST_SYNTAX"),
        ('name = "人口"', "", "MANIFEST_SHAPE"),
        ('level = "INTERNAL"', 'level = "CLASSIFIED"', "CLASSIFIED"),
        ('source = "db"', 'source = "other"', "UNKNOWN_SOURCE"),
        ('to = "civil_affairs.person.id_number"', 'to = "housing.persn.id_number"', "LINK_TARGET"),
        ('to = "civil_affairs.person.id_number"', 'to = "housing.person.birth_date"', "LINK_TARGET"),
    ],
)
def test_a_fault_at_any_stage_changes_nothing_but_the_ledger(core: Core, old: str, new: str, code: str) -> None:
    publish(core, HOUSING)
    before, entries = state(core), rows(core, entry)
    found = refused(core.catalog.import_manifest, IMPORTER, changed(old, new))
    assert found[0].code == code
    assert state(core) == before
    assert rows(core, entry) == entries + 1, "the refused act has its entry"


def test_a_link_to_a_department_without_a_catalog_waits(core: Core) -> None:
    text = changed('to = "civil_affairs.person.id_number"', 'to = "housing.person.id_number"')
    publish(core, text)
    assert publish(core, HOUSING) == 2


def test_type_names_of_two_departments_do_not_clash(core: Core) -> None:
    publish(
        core,
        SMALL.replace('code = "person"', 'code = "affairs_person"')
        .replace("civil_affairs.person.", "civil.affairs_person.")
        .replace('"civil_affairs"', '"civil"'),
    )
    found = refused(core.catalog.import_manifest, IMPORTER, SMALL)
    assert {problem.code for problem in found} == {"NAME_TAKEN"}
    publish(core, HOUSING)
    assert refused(core.catalog.import_manifest, IMPORTER, SMALL.replace("civil_affairs", "housing_person"))[0].code == "NAME_TAKEN"


def test_who_may_do_what(core: Core) -> None:
    core.catalog.import_manifest(STEWARD, SMALL)
    for actor, text in ((STEWARD, HOUSING), (NOBODY, SMALL), (SECURITY, SMALL)):
        assert refused(core.catalog.import_manifest, actor, text)[0].code == "FORBIDDEN"
    for actor in (NOBODY, STEWARD, IMPORTER):
        assert refused(core.catalog.review, actor, 1, True, "")[0].code == "FORBIDDEN"
        assert refused(core.catalog.publish, actor, 1)[0].code == "FORBIDDEN"
    given = {"code": "x", "name": "x", "uscc": "115201000093900013"}
    for actor in (NOBODY, STEWARD, SECURITY):
        assert refused(core.catalog.create_department, actor, **given)[0].code == "FORBIDDEN"


def test_departments(core: Core) -> None:
    given = {"code": "x", "name": "某局", "uscc": "115201000093900013"}
    core.catalog.create_department(SYSTEM, **given)
    assert refused(core.catalog.create_department, SYSTEM, **given)[0].code == "CONFLICT"
    assert refused(core.catalog.create_department, SYSTEM, **{**given, "code": "y", "uscc": "115201000093900012"})[0].code == "USCC_INVALID"
    assert refused(core.catalog.create_department, SYSTEM, **{**given, "code": "Y"})[0].path == "code"
    assert core.catalog.current().departments["x"].name == "某局"


def test_sources_registered_apart(core: Core) -> None:
    url = "postgresql+asyncpg://reader@db.example/register"
    assert refused(core.catalog.register_source, SYSTEM, "civil_affairs", code="apart", kind="sql", url=url)[0].code == "NOT_FOUND"
    core.catalog.create_department(SYSTEM, code="civil_affairs", name="x", uscc="115201000093900013")
    assert core.catalog.register_source(SYSTEM, "civil_affairs", code="apart", kind="sql", url=url) == "civil_affairs.apart"
    assert refused(core.catalog.register_source, SYSTEM, "civil_affairs", code="apart", kind="sql", url=url)[0].code == "CONFLICT"
    secret = url.replace("reader@", "reader:pw@")
    assert refused(core.catalog.register_source, SYSTEM, "civil_affairs", code="b", kind="sql", url=secret)[0].code == "SECRET_IN_URL"
    assert refused(core.catalog.register_source, SYSTEM, "civil_affairs", code="b", kind="sql", url=url, pools=3)[0].path == "pools"
    publish(core, changed('source = "db"', 'source = "apart"'))
    assert core.catalog.current().sources["civil_affairs.apart"].url == url


def test_export_and_import_again(core: Core, example: str) -> None:
    publish(core, example)
    exported = core.catalog.manifest_text("civil_affairs")
    assert exported == example
    before = core.catalog.current()
    assert publish(core, exported) == 2
    assert core.catalog.current().resources == before.resources
    assert core.catalog.manifest_text("housing") is None


def test_a_second_process_sees_what_is_published(core: Core) -> None:
    from hub.core import open_core

    other = open_core(core.settings)
    publish(core, SMALL)
    assert other.catalog.current().number == 1
    other.close()
