"""The same on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.clock import Hand
from hub.core import Core, open_core
from hub.feedback.cases import FeedbackWanted
from hub.feedback.proof import verify_histories
from hub.settings import Settings
from tests.catalog.homes import publish
from tests.catalog.small import SMALL
from tests.feedback.ways import LATER, do, public, reported
from tests.servers.postgres import Postgres
from tests.store.databases import make_database


@pytest.mark.slow
def test_a_whole_way_on_postgresql(core: Core, hand: Hand, postgres: Postgres) -> None:
    other = open_core(Settings(home=core.settings.home, database=make_database(postgres, "feedback"), public_feedback_per_day=1))
    publish(other, SMALL)
    number, filed = reported(other), public(other)
    assert other.feedback.reader.by_code(filed.case.id, filed.code or "") is not None
    hand.set(datetime(2026, 3, 1, 2, tzinfo=UTC))
    assert (other.sweep.run(), other.sweep.run()) == (2, 0)
    assert len(other.feedback.reader.find(FeedbackWanted(overdue=True, seen_by_department="civil_affairs", seen_applications=()))) == 2
    hand.set(LATER)
    do(other, number, "accept", "correct", "confirm")
    with pytest.raises(IntegrityError), other.engine.begin() as connection:
        connection.execute(text("UPDATE feedback_case SET evidence = NULL"))
    with other.engine.connect() as connection:
        assert verify_histories(connection).ok
    other.close()
