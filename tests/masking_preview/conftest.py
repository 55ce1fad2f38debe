"""A hub with the demonstration's population register, its grants and no source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hub.demo
from hub.core import Core
from tests.catalog.homes import CONSOLE, new_core, publish

PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
MANIFEST = Path(hub.demo.__file__).with_name("manifests") / "civil_affairs.toml"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """``housing`` sees the number masked and the birthday; ``research`` sees quasi-identifiers alone; ``mayor`` sees the number in clear."""
    with new_core(tmp_path_factory.mktemp("preview")) as made:
        publish(made, MANIFEST.read_text("utf-8").replace("{home}", "/nowhere"))
        grant(made, "housing", id_number="MASKED", birth_date="CLEAR", phone="MASKED")
        grant(made, "research", name="MASKED", gender="CLEAR", birth_date="CLEAR", district="CLEAR")
        grant(made, "careful", gender="CLEAR", birth_date="MASKED", district="CLEAR")
        grant(made, "mayor", id_number="CLEAR", gender="CLEAR", birth_date="CLEAR", district="CLEAR")
        grant(made, "checker", operations=["VERIFY"], gender="CLEAR", birth_date="CLEAR", district="CLEAR")
        made.registry.refresh()
        yield made


def grant(core: Core, application: str, operations: list[str] | None = None, key: str | None = None, **items: Any) -> str:
    """Gives an application these items of ``civil_affairs.person``, one of them as key, too; the grant's number."""
    core.sharing.create_application(CONSOLE, application, "civil_affairs", PURPOSES, [])
    shown = [
        {"code": code, "value": value, "key": code == key, "mask": "KEEP_FIRST_6_LAST_4" if (code, value) == ("id_number", "MASKED") else None}
        for code, value in items.items()
    ]
    terms = {"application": application, "resource": "civil_affairs.person", "operations": operations or ["QUERY"], "items": shown, "purposes": PURPOSES}
    return core.sharing.create_grant(CONSOLE, {**terms, "approver": "王局长"}).id
