"""Hours and counts of identifiers in the control database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache

from sqlalchemy import Connection, Engine, delete, func, or_, select

from hub.anomalies.baseline import KEPT_DAYS, History, Usual
from hub.anomalies.counting import ApplicationHour
from hub.anomalies.sketch import Key
from hub.anomalies.tables import COUNTS, anomaly, asked, hour
from hub.sharing.workdays import Calendar
from hub.store import plain
from hub.store.engine import reading
from hub.store.upsert import inserting

_NEVER_LEFT = 24 * KEPT_DAYS
"""Hours of one alert that are left out at most."""


_HOURS = f"""INSERT INTO anomaly_hour (application, resource, hour, {", ".join(COUNTS)}) VALUES (:application, :resource, :hour, {", ".join(f":{name}" for name in COUNTS)})
    ON CONFLICT (application, resource, hour) DO UPDATE SET
    {", ".join(f"{name} = CASE WHEN anomaly_hour.{name} > excluded.{name} THEN anomaly_hour.{name} ELSE excluded.{name} END" for name in COUNTS)}"""  # noqa: S608 - names of columns
"""Counts of an hour only grow: what a late entry opens again keeps what it had."""


def write_hours(connection: Connection, hours: Iterable[tuple[str, str, ApplicationHour]]) -> None:
    """Writes what is known of applications' hours: (application, hour, counts)."""
    rows = [
        {"application": application, "resource": resource, "hour": text, **counts.values()}
        for application, text, counted in hours
        for resource, counts in (("", counted.whole), *counted.resources.items())
    ]
    if rows:
        plain.write(connection, _HOURS, rows)


def forget(connection: Connection, day: date) -> None:
    """Takes away what is older than ``KEPT_DAYS``."""
    edge = (day - timedelta(days=KEPT_DAYS)).isoformat()
    for table in (hour, asked):
        connection.execute(delete(table).where(table.c.hour < edge))


def read_history(connection: Connection, application: str, resource: str) -> History:
    """An application's past with a resource, or with an empty one with all."""
    column = hour.c
    first = connection.execute(select(func.min(column.hour)).where(column.application == application, column.resource == resource)).scalar()
    statement = select(column.hour, *(column[name] for name in COUNTS)).where(column.application == application, column.resource == resource)
    hours = {text: dict(zip(COUNTS, values, strict=True)) for text, *values in connection.execute(statement)}
    return History(date.fromisoformat(first[:10]) if first else None, hours, frozenset(_left_out(connection, application, resource)))


def read_resources(connection: Connection, application: str, before: str) -> frozenset[str]:
    """The resources that an application used before an hour."""
    column = hour.c
    return frozenset(connection.execute(select(column.resource).where(column.application == application, column.hour < before).distinct()).scalars())


def _left_out(connection: Connection, application: str, resource: str) -> Iterable[str]:
    """Hours of which an alert tells that was not judged false: they are no measure of what is usual."""
    column = anomaly.c
    where = [column.application == application, column.state != "FALSE_ALARM", column.kind != "NEW_RESOURCES"]
    if resource:
        where.append(or_(column.resource == resource, column.resource == ""))
    for row in connection.execute(select(column.began, column.window).where(*where)):
        yield from _hours_between(row.began, row.window)


@cache
def _hours_of_day(day: str) -> tuple[str, ...]:
    return tuple(f"{day}T{number:02}" for number in range(24))


def _hours_between(began: str, window: str) -> list[str]:
    day, last = date.fromisoformat(began[:10]), date.fromisoformat(window[:10])
    found: list[str] = []
    while day <= last and len(found) < _NEVER_LEFT:
        found += [each for each in _hours_of_day(day.isoformat()) if began <= each <= window]
        day += timedelta(days=1)
    return found


class StoredPast:
    """An application's history as the control database has it, read once for each hour."""

    def __init__(self, engine: Engine, calendar: Calendar, application: str) -> None:
        self._engine = engine
        self._calendar = calendar
        self._application = application
        self._histories: dict[str, History] = {}
        self._usual: dict[tuple[str, str, str], Usual] = {}

    def usual(self, resource: str, measure: str, hour: str) -> Usual:
        """As ``detectors.Past``."""
        key = (resource, measure, hour)
        if key not in self._usual:
            self._usual[key] = self._history(resource).usual(measure, hour, self._calendar)
        return self._usual[key]

    def resources(self, hour: str) -> frozenset[str]:
        """As ``detectors.Past``."""
        with reading(self._engine) as connection:
            return read_resources(connection, self._application, hour)

    def since(self) -> date | None:
        """As ``detectors.Past``."""
        return self._history("").since

    def _history(self, resource: str) -> History:
        if resource not in self._histories:
            with reading(self._engine) as connection:
                self._histories[resource] = read_history(connection, self._application, resource)
        return self._histories[resource]


def add_asked(connection: Connection, counts: Mapping[tuple[Key, str], Sequence[int]]) -> None:
    """Adds what a process counted."""
    rows = [
        {"application": key[0], "resource": key[1], "kind": key[2], "hour": text, "asked": number, "near": near}
        for (key, text), (number, near) in sorted(counts.items())
    ]
    put = inserting(connection, asked)
    more = {name: asked.c[name] + put.excluded[name] for name in ("asked", "near")}
    connection.execute(put.on_conflict_do_update(index_elements=list(asked.primary_key), set_=more), rows)


def asked_in(connection: Connection, key: Key, text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Identifiers (asked, close to another) of an hour and of its day, of all processes."""
    column = asked.c
    same = (column.application == key[0], column.resource == key[1], column.kind == key[2])
    within = column.hour.between(f"{text[:10]}T00", text)
    rows = connection.execute(select(column.hour, column.asked, column.near).where(*same, within)).all()
    hours = [(row.asked, row.near) for row in rows if row.hour == text]
    return hours[0] if hours else (0, 0), (sum(row.asked for row in rows), sum(row.near for row in rows))
