"""A7: a department out of use: its applications and people are let in nowhere, with the next call; its resources stay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from hub.core import Core
from hub.ledger.tables import entry
from hub.people.tables import person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, NOBODY, SECURITY, STEWARD, SYSTEM, publish, refused
from tests.catalog.small import SMALL

pytestmark = pytest.mark.fast
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]


@pytest.fixture
def filled(core: Core) -> Core:
    """An application and a person of one department."""
    publish(core, SMALL)
    core.sharing.create_application(CONSOLE, "rents", "civil_affairs", PURPOSES, [])
    with core.engine.begin() as connection:
        who = {"id": "person_a", "name": "zhang", "display_name": "张", "department": "civil_affairs", "state": "ACTIVE"}
        connection.execute(person.insert().values(**who, created_by="a", approved_by="b", password_hash="x", totp_secret=b"x", created_at=now()))
    core.registry.refresh()
    return core


def active(core: Core) -> set[bool]:
    core.registry.refresh()
    app = core.registry.by_name("rents")
    assert app is not None
    return {core.registry.is_active(app.client_id), core.registry.is_active("person_a")}


def test_a7_a_department_out_of_use_lets_nobody_in(filled: Core) -> None:
    assert active(filled) == {True}
    assert filled.catalog.set_department_active(SYSTEM, "civil_affairs", False) == "civil_affairs"
    assert active(filled) == {False}
    assert list(filled.catalog.current().resources) == ["civil_affairs.person"]
    filled.catalog.set_department_active(SECURITY, "civil_affairs", True)
    assert active(filled) == {True}
    with filled.engine.connect() as connection:
        acts = connection.execute(select(entry.c.operation).order_by(entry.c.seq.desc()).limit(2)).scalars().all()
    assert acts == ["enableDepartment", "disableDepartment"]


def test_who_may_and_who_may_not(filled: Core) -> None:
    own = replace(SYSTEM, department="civil_affairs")
    for actor, code, problem in ((NOBODY, "civil_affairs", "FORBIDDEN"), (STEWARD, "civil_affairs", "FORBIDDEN"), (own, "civil_affairs", "FOUR_EYES")):
        assert refused(filled.catalog.set_department_active, actor, code, False)[0].code == problem
    assert refused(filled.catalog.set_department_active, SYSTEM, "nowhere", False)[0].code == "NOT_FOUND"
    assert active(filled) == {True}
