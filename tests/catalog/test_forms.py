"""A manifest's stored form says what its text says, and nothing depends on its being there."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select, update

from hub.catalog.forms import form_of, read_stored
from hub.catalog.manifest import read_manifest
from hub.catalog.service import CatalogService
from hub.catalog.tables import manifest
from hub.core import Core
from tests.catalog.conftest import EXAMPLE
from tests.catalog.homes import publish
from tests.catalog.small import SMALL, changed

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("text", [EXAMPLE, SMALL])
def test_a_form_reads_as_its_text(text: str) -> None:
    assert read_stored("not TOML", form_of(text)) == read_manifest(text)


@pytest.mark.parametrize("value", ["2026-11-22", "inf", "nan", "123456789012345678901234567890", "08:00:00"])
def test_what_json_cannot_say_has_no_form(value: str) -> None:
    assert form_of(f"value = {value}") is None


@pytest.mark.parametrize("form", [None, "{}", '{"department": {}}'])
def test_without_a_form_that_holds_the_text_is_read(form: str | None) -> None:
    assert read_stored(SMALL, form) == read_manifest(SMALL)


def test_the_snapshot_is_the_same_with_and_without_forms(core: Core) -> None:
    publish(core, SMALL)
    with core.engine.begin() as connection:
        assert connection.execute(select(manifest.c.form)).scalar_one() == form_of(SMALL)
    with_form = _another(core).current()
    with core.engine.begin() as connection:
        connection.execute(update(manifest).values(form=None))
    assert _another(core).current() == with_form == core.catalog.current()


def test_only_what_was_published_anew_is_read_again(core: Core) -> None:
    publish(core, SMALL)
    publish(core, changed('code = "civil_affairs"', 'code = "housing"'))
    before = core.catalog.current()
    read: list[str] = []

    def notice(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT catalog_manifest.id, catalog_manifest.text"):
            read.append(str(parameters))

    publish(core, changed('name = "市民政局"', 'name = "民政局"'))
    event.listen(core.engine, "before_cursor_execute", notice)
    after = core.catalog.current()
    assert len(read) == 1
    assert {code for code, resource in after.resources.items() if before.resources[code] is resource} == {
        code for code in after.resources if code.startswith("housing.")
    }
    core.catalog.current()
    assert len(read) == 1


def _another(core: Core) -> CatalogService:
    """The same catalog in a process that has read nothing yet."""
    return CatalogService(core.engine, core.acts, core.settings.home)
