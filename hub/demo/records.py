"""What the human resources bureau's REST service reads from its database, and the query parameters it understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, create_engine, func, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from hub.demo.tables import TABLES

MOST_ROWS, MOST_KEYS = 1000, 200


@dataclass(frozen=True, slots=True)
class Collection:
    """One table as the service shows it. ``key`` orders and pages; for a column in ``many``, ``<column>_in`` takes values between commas."""

    path: str
    resource: str
    key: str
    equal: frozenset[str]
    many: frozenset[str]


COLLECTIONS = (
    Collection(
        "/social-insurance",
        "human_resources.social_insurance",
        "record_no",
        frozenset({"record_no", "id_number", "employer_uscc", "state", "district"}),
        frozenset({"record_no", "id_number", "employer_uscc"}),
    ),
    Collection(
        "/vacancies",
        "human_resources.vacancy",
        "vacancy_no",
        frozenset({"vacancy_no", "employer_uscc", "title", "district", "posted_on"}),
        frozenset({"vacancy_no", "employer_uscc"}),
    ),
)


class BadParameter(ValueError):
    """A query parameter is unknown or out of bounds. ``str()`` names the parameter, never its value."""


class Records:
    """Read access to one collection."""

    def __init__(self, database: Path, collection: Collection) -> None:
        self._engine = create_engine(f"sqlite:///{database.absolute().as_uri()}?mode=ro&uri=true")
        self._collection = collection
        declared = TABLES[collection.resource]
        # Columns without types: what the database holds, which is exact text, goes out as it is.
        self._table = sql_table(declared.name, *(sql_column(column.name) for column in declared.columns))

    def page(self, parameters: Mapping[str, str]) -> dict[str, object]:
        """One page of records, and their total where ``count=true`` asks for it.

        Raises:
            BadParameter: see there.
        """
        where = self._conditions(parameters)
        statement = select(self._table).where(*where).order_by(self._key)
        if "after" in parameters:
            statement = statement.where(self._key > parameters["after"])
        statement = statement.limit(_number(parameters, "limit", 100, 1, MOST_ROWS)).offset(_number(parameters, "offset", 0, 0, 10**9))
        answer: dict[str, object] = {"items": self._read(statement)}
        if parameters.get("count") == "true":
            answer["total"] = self._read(select(func.count().label("total")).select_from(self._table).where(*where))[0]["total"]
        return answer

    def one(self, number: str) -> dict[str, Any] | None:
        """The record with this number."""
        found = self._read(select(self._table).where(self._key == number))
        return found[0] if found else None

    @property
    def _key(self) -> ColumnElement[str]:
        return self._table.c[self._collection.key]

    def _read(self, statement: Select[Any]) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def _conditions(self, parameters: Mapping[str, str]) -> list[ColumnElement[bool]]:
        columns = {name: name for name in self._collection.equal} | {f"{name}_in": name for name in self._collection.many}
        known = columns.keys() | {"limit", "offset", "after", "count"}
        if unknown := sorted(set(parameters) - known):
            raise BadParameter(f"unknown parameter {unknown[0][:40]!r}; known: {', '.join(sorted(known))}")
        return [self._table.c[columns[name]].in_(_values(name, parameters[name])) for name in sorted(columns.keys() & set(parameters))]


def _values(name: str, text: str) -> Sequence[str]:
    values = text.split(",") if name.endswith("_in") else [text]
    if len(values) > MOST_KEYS:
        raise BadParameter(f"{name}: at most {MOST_KEYS} values in one call")
    return values


def _number(parameters: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise BadParameter(f"{name}: a whole number from {least} to {most}")
    return int(text)
