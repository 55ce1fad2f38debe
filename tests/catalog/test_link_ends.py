"""A link's two ends stay alike, whichever department publishes, and when."""

from __future__ import annotations

import pytest

from hub.catalog.checks import check_manifest
from hub.catalog.manifest import read_manifest
from hub.core import Core
from schema.model import Snapshot, joins
from tests.catalog.homes import IMPORTER, SECURITY, publish, refused
from tests.catalog.small import SMALL, changed

pytestmark = pytest.mark.slow

HERE = 'to = "civil_affairs.person.id_number"'
THERE = changed(HERE, 'to = "housing.person.id_number"')
"""Civil affairs links to housing."""
HOUSING = SMALL.replace("civil_affairs", "housing")
OTHER = HOUSING.replace('type = "string"', 'type = "bigint"').replace('mask = {share = "NAME"}\n', "")
"""The same, its identifier of another type."""


def without_links(text: str) -> str:
    return text[: text.index("[[resources.links]]")]


def approved(core: Core, text: str) -> int:
    made = core.catalog.import_manifest(IMPORTER, text)
    core.catalog.review(SECURITY, made.id, True, "")
    return made.id


def joined(snapshot: Snapshot) -> list[str]:
    """Links of civil affairs that lead somewhere."""
    resource = snapshot.resources["civil_affairs.person"]
    return [link.field for link in resource.links if joins(resource, link, snapshot.resources.get(link.to_resource))]


def test_the_manifests_of_these_tests() -> None:
    assert read_manifest(OTHER).resources[0].items[0].type == "bigint"
    assert check_manifest(read_manifest(OTHER), OTHER) == []
    assert not read_manifest(without_links(THERE)).resources[0].links


def test_a_link_to_another_type_is_refused_at_import(core: Core) -> None:
    publish(core, OTHER)
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, THERE)
    assert (problem.code, problem.path) == ("LINK_TYPE", "resources[0].links[0].to")
    assert problem.line == THERE[: THERE.index('to = "housing')].count("\n") + 1


def test_a_target_that_is_published_between_import_and_publication(core: Core) -> None:
    waiting = approved(core, THERE)
    publish(core, OTHER)
    (problem,) = refused(core.catalog.publish, SECURITY, waiting)
    assert problem.code == "LINK_TYPE"
    assert "civil_affairs.person" not in core.catalog.current().resources


def test_the_target_does_not_change_its_type_under_a_link(core: Core) -> None:
    publish(core, HOUSING)
    publish(core, THERE)
    before = core.catalog.current().number
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, OTHER)
    assert problem.code == "LINK_TYPE"
    assert problem.path == "resources[0].items[0].type"
    assert problem.line is not None
    assert OTHER.splitlines()[problem.line - 1] == 'type = "bigint"'
    assert "civil_affairs.person" in problem.message
    assert "civil_affairs" in problem.hint
    assert (core.catalog.current().number, joined(core.catalog.current())) == (before, ["parent"])


def test_nor_where_the_link_was_published_after_the_import(core: Core) -> None:
    publish(core, HOUSING)
    waiting = approved(core, OTHER)
    publish(core, THERE)
    (problem,) = refused(core.catalog.publish, SECURITY, waiting)
    assert problem.code == "LINK_TYPE"
    assert joined(core.catalog.current())


def test_it_changes_once_the_link_is_taken_out(core: Core) -> None:
    publish(core, HOUSING)
    publish(core, THERE)
    publish(core, without_links(THERE))
    publish(core, OTHER)
    assert core.catalog.current().resources["housing.person"].items["id_number"].kind.value == "bigint"


def test_a_link_that_waited_for_another_type_leads_nowhere_and_hinders_nobody(core: Core) -> None:
    publish(core, THERE)
    publish(core, OTHER)
    assert joined(core.catalog.current()) == []


def test_a_withdrawn_target_takes_the_link_with_it(core: Core) -> None:
    publish(core, HOUSING)
    publish(core, THERE)
    assert joined(core.catalog.current())
    publish(core, HOUSING.replace('code = "person"', 'code = "people"').replace("housing.person.", "housing.people."))
    assert joined(core.catalog.current()) == []


@pytest.mark.parametrize("field", ["and", "or", "not"])
def test_a_link_is_not_called_as_the_parts_of_a_filter_are(field: str) -> None:
    text = SMALL
    start = text.index('field = "', text.index("[[resources.links]]"))
    text = text[:start] + f'field = "{field}"' + text[text.index("\n", start) :]
    assert [problem.code for problem in check_manifest(read_manifest(text), text)] == ["NAME_RESERVED"]
