"""Sources that nothing here can open are refused before they are registered or imported, and without being opened."""

from __future__ import annotations

import pytest

from connectors.registry import kinds
from connectors.sql.connector import schemes
from hub.catalog.checks import check_manifest
from hub.catalog.manifest import read_manifest
from hub.core import Core
from tests.catalog.homes import SYSTEM, refused
from tests.catalog.small import changed, line_of

pytestmark = pytest.mark.fast
URL = "postgresql+asyncpg://reader@db.example:5432/register"


def test_an_unknown_kind_is_told_with_its_line_and_the_kinds_there_are() -> None:
    text = changed('kind = "sql"', 'kind = "sqll"')
    (problem,) = check_manifest(read_manifest(text), text)
    assert (problem.code, problem.path, problem.line) == ("SOURCE_KIND", "sources[0].kind", line_of('kind = "sqll"', text))
    assert "did you mean sql?" in problem.hint
    assert ", ".join(kinds()) in problem.hint


@pytest.mark.parametrize(
    ("url", "code", "hint"),
    [
        ("postgresql+psycopg2://reader@db.example/register", "SOURCE_DRIVER", "write sqlite:///PATH"),
        ("postgresq://reader@db.example/register", "SOURCE_DRIVER", "did you mean postgresql?"),
        ("oracle://reader@db.example/register", "SOURCE_DRIVER", "kingbase"),
        ("db.example:5432/register", "URL_INVALID", "write sqlite:///PATH"),
    ],
)
def test_an_unknown_driver_is_told_with_its_line_and_the_forms_there_are(url: str, code: str, hint: str) -> None:
    text = changed(URL, url)
    (problem,) = check_manifest(read_manifest(text), text)
    assert (problem.code, problem.path, problem.line) == (code, "sources[0].url", line_of(url, text))
    assert hint in problem.hint


@pytest.mark.parametrize("scheme", sorted(schemes()))
def test_every_driver_that_can_be_opened_may_be_named_whether_or_not_it_is_installed(scheme: str) -> None:
    text = changed("postgresql+asyncpg", scheme)
    assert check_manifest(read_manifest(text), text) == []


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"kind": "oracle", "url": URL}, "SOURCE_KIND", "kind"),
        ({"kind": "sql", "url": "mysql+pymysql://reader@db.example/register"}, "SOURCE_DRIVER", "url"),
        ({"kind": "rest", "url": "ftp://files.example"}, "URL_INVALID", "url"),
        ({"kind": "files", "url": "http://files.example"}, "URL_INVALID", "url"),
    ],
)
def test_a_source_registered_apart_is_checked_alike(core: Core, given: dict[str, str], code: str, path: str) -> None:
    core.catalog.create_department(SYSTEM, code="civil_affairs", name="市民政局", uscc="115201000093900013")
    (problem,) = refused(core.catalog.register_source, SYSTEM, "civil_affairs", code="apart", **given)
    assert (problem.code, problem.path) == (code, path)
    assert core.catalog.current().sources == {}
