"""The hub's log says why a source did not answer, once a minute for each reason."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from hub.api.troubles import QUIET_SECONDS, Troubles
from schema.answer import SourceState

pytestmark = pytest.mark.fast
REFUSED = SourceState("civil_affairs.register", "FAILED", 3, "civil_affairs.register: the hub may not read person; grant SELECT to its user")
HANGS = SourceState("civil_affairs.register", "TIMEOUT", 3000, "civil_affairs.register: no answer in time; its work was stopped")
FINE = SourceState("housing.register", "OK", 2)


def test_a_reason_is_told_once_a_minute_with_what_came_between() -> None:
    now = [0.0]
    troubles = Troubles(lambda: now[0])
    with capture_logs() as told:
        for moment in (0.0, 1.0, 59.0, QUIET_SECONDS):
            now[0] = moment
            troubles.note(f"call_{moment}", [FINE, REFUSED])
        troubles.note("call_other", [HANGS])
    assert [(entry["call"], entry["reason"], entry["calls_since_last"]) for entry in told] == [
        ("call_0.0", REFUSED.reason, 0),
        (f"call_{QUIET_SECONDS}", REFUSED.reason, 2),
        ("call_other", HANGS.reason, 0),
    ]


def test_what_answers_is_not_told() -> None:
    with capture_logs() as told:
        Troubles().note("call_1", [FINE])
    assert told == []
