"""Access requests and feedback: complete or refused with every gap named, due by the State Council's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.acts import Actor
from hub.clock import clock
from hub.core import Core
from hub.sharing import workdays
from hub.sharing.requests import RequestService
from hub.sharing.workdays import due_on, is_provisional, is_working_day
from tests.catalog.homes import publish, refused
from tests.catalog.small import changed
from tests.sharing.terms import client

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 13), True),
        (date(2026, 2, 14), True),  # Saturday, made up for the Spring Festival
        (date(2026, 2, 15), False),  # the Spring Festival's holiday begins
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),  # Saturday, made up
        (date(2026, 3, 1), False),
        (date(2026, 10, 1), False),
        (date(2026, 7, 4), False),
        (date(2026, 7, 6), True),
    ],
)
def test_working_days_of_2026(day: date, works: bool) -> None:
    assert is_working_day(day) is works


@pytest.mark.parametrize(
    ("event", "days", "due"),
    [
        (date(2026, 7, 6), 1, date(2026, 7, 7)),
        (date(2026, 7, 10), 1, date(2026, 7, 13)),
        (date(2026, 7, 6), 10, date(2026, 7, 20)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 14), 1, date(2026, 2, 24)),
        (date(2026, 2, 13), 10, date(2026, 3, 5)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
    ],
)
def test_terms_skip_the_day_itself_and_holidays(event: date, days: int, due: date) -> None:
    assert due_on(event, days) == due


def test_a_year_without_a_calendar_is_provisional() -> None:
    far = date(2099, 1, 1)
    assert is_provisional(far)
    assert not is_provisional(date(2026, 2, 14))
    assert due_on(far, 1) == date(2099, 1, 2)
    assert workdays.is_working_day(date(2099, 1, 2))
    assert not workdays.is_working_day(date(2099, 1, 3))


def given(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operations": ["QUERY"],
        "items": [{"code": "birth_date", "access": "CLEAR"}],
        "purpose": "rent",
        "scenario": "公租房审核",
        "legal_basis": "条例第十条",
    }
    return {**made, **changed}


@pytest.fixture
def service(core: Core) -> RequestService:
    return core.requests


@pytest.fixture
def housing(core: Core) -> Actor:
    return Actor("housing", "civil_affairs", frozenset(), application=client(core))


def asked(core: Core) -> int:
    return sum(case.origin == "REQUESTED" for case in core.requests.requests())


def person(core: Core) -> Any:
    return core.catalog.current().resources["civil_affairs.person"]


def test_a_request_is_filed_with_its_term(core: Core, service: RequestService, housing: Actor) -> None:
    with clock.at(datetime(2026, 2, 13, 17, 0, tzinfo=UTC)):  # 14 February in China
        case = service.request_access(housing, person(core), given())
    assert (case.state, case.due_on) == ("FILED", date(2026, 3, 6))
    assert "第二十一条" in case.rule
    assert [(step.actor, step.step) for step in case.history] == [("housing", "file")]
    assert asked(core) == 1


def test_an_unconditional_resource_is_answered_in_one_day(core: Core, service: RequestService, housing: Actor) -> None:
    publish(core, changed('sharing_class = "CONDITIONAL"', 'sharing_class = "UNCONDITIONAL"'))
    with clock.at(datetime(2026, 7, 10, 1, 0, tzinfo=UTC)):
        assert service.request_access(housing, person(core), given()).due_on == date(2026, 7, 13)


def test_a_due_day_without_a_calendar_says_so(core: Core, service: RequestService, housing: Actor) -> None:
    with clock.at(datetime(2098, 12, 30, tzinfo=UTC)):
        assert "暂按周一至周五推算" in service.request_access(housing, person(core), given()).rule


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"purpose": " "}, "purpose"),
        ({"scenario": ""}, "scenario"),
        ({"scenario": "用" * 513}, "scenario"),
        ({"legal_basis": "法" * 513}, "legal_basis"),
        ({"legal_basis": None}, "legal_basis"),
        ({"operations": []}, "operations"),
        ({"operations": ["EXCHANGE"]}, "operations"),
        ({"items": []}, "items"),
        ({"items": [{"code": "nmae", "access": "CLEAR"}]}, "items[0].code"),
        ({"items": [{"code": "birth_date", "access": "NONE"}]}, "items[0].access"),
        ({"rows": {"nmae": {"eq": 1}}}, "rows"),
    ],
)
def test_gaps_are_named(core: Core, service: RequestService, housing: Actor, change: dict[str, Any], path: str) -> None:
    """APP-03."""
    assert path in {problem.path for problem in refused(service.request_access, housing, person(core), given(**change))}
    assert asked(core) == 0
