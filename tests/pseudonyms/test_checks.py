"""Where pseudonyms may not be, in a catalog and in a grant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth.audience import Audience
from auth.decide import Rights, decide
from auth.rights import Shown
from hub.core import Core
from masking.pseudonym import ALGORITHM
from tests.catalog.homes import CONSOLE, IMPORTER, SECURITY, new_core, publish, refused
from tests.catalog.small import SMALL, changed
from tests.pseudonyms.world import DEPARTMENTS, PURPOSE, manifest, terms

pytestmark = pytest.mark.slow


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A catalog with one resource, and an application."""
    with new_core(tmp_path) as made:
        publish(made, manifest(tmp_path, *DEPARTMENTS[0]))
        made.sharing.create_application(CONSOLE, "alpha", "civil_affairs", [PURPOSE], [])
        yield made


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('column = "id"', 'column = "id"\nlow_cardinality = true', "PSEUDONYM_CARDINALITY"),
        ('column = "id"', 'column = "id"\nvalidator = "division"', "PSEUDONYM_CARDINALITY"),
        ('"PSEUDONYM"', '"PSEUDONYM(census-2026)"', "PSEUDONYM_PROJECT"),
        ('share = "PSEUDONYM"', 'open = "PSEUDONYM(census-2026)"', "PSEUDONYM_PROJECT"),
        ('column = "born"', 'column = "born"\nmask = {share = "PSEUDONYM"}', "MASK_TYPE"),
    ],
)
def test_a_catalog_names_no_pseudonyms_that_tell(core: Core, old: str, new: str, code: str) -> None:
    sound = changed('share = "NAME"', 'share = "PSEUDONYM"', SMALL)
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, changed(old, new, sound))
    assert (problem.code, str(problem.path).endswith(".mask")) == (code, True)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"code": "id_number", "value": "MASKED", "key": True}, "items[0].key"),
        ({"code": "id_number", "value": "MASKED", "mask": "PSEUDONYM", "key": True}, "items[0].key"),
        ({"code": "town", "value": "MASKED", "mask": "PSEUDONYM"}, "items[0].mask"),
        ({"code": "id_number", "value": "MASKED", "mask": "PSEUDONYM(A B)"}, "items[0].mask"),
        ({"code": "id_number", "value": "MASKED", "mask": "PSEUDONYM(项目)"}, "items[0].mask"),
    ],
)
def test_a_grant_names_no_pseudonyms_that_tell(core: Core, item: dict[str, Any], path: str) -> None:
    (problem,) = refused(core.sharing.create_grant, SECURITY, {**terms("alpha"), "items": [item]})
    assert (problem.code, problem.path) == ("BAD_INPUT", path)


def test_a_grant_given_before_its_item_was_known_to_have_few_values_shows_it_no_more(tmp_path: Path, core: Core) -> None:
    core.sharing.create_grant(SECURITY, terms("alpha"))
    core.registry.refresh()
    app = core.registry.by_name("alpha")
    assert app is not None
    rights = core.registry.rights(app.client_id, app.scopes())
    resource = core.catalog.current().resources["civil_affairs.person"]
    for item, shown in ((resource.items["id_number"], Shown.MASKED), (replace(resource.items["id_number"], low_cardinality=True), Shown.ABSENT)):
        found = decide(replace(resource, items={**resource.items, "id_number": item}).policy, rights)
        assert found is not None
        assert found.items["id_number"].shown is shown


def test_an_identifier_that_all_see_as_pseudonym_is_no_key(tmp_path: Path, core: Core) -> None:
    publish(core, manifest(tmp_path, *DEPARTMENTS[0], opened=True))
    policy = core.catalog.current().resources["civil_affairs.person"].policy
    assert policy.items["id_number"].identifier
    rights = Rights("alpha", None, frozenset({"query:unconditional"}), audience=Audience("alpha", "1-0", 1))
    found = decide(policy, rights)
    assert found is not None
    item = found.items["id_number"]
    assert (item.shown, item.key, item.mask and item.mask.parameters) == (Shown.MASKED, False, ("", "alpha", "1-0"))
    unbound = decide(policy, Rights("alpha", None, rights.scopes))
    assert unbound is not None
    assert unbound.items["id_number"].mask == policy.items["id_number"].share_mask
    assert ALGORITHM not in str(decide(policy, Rights(None, None, frozenset())))
