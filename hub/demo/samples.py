"""A few people and companies of the demonstration by whom to try it: ``samples.json``. Its shape is a contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.demo.credentials import write_json

DISTRICT = "520102"
_EACH = 5
# People with a phone who work and own property: every link and every item of theirs has something to show.
_PERSONS = """
    SELECT id_number, name, birth_date, district FROM person
    WHERE (district = ?) = ? AND phone IS NOT NULL
      AND id_number IN (SELECT id_number FROM human_resources.social_insurance)
      AND id_number IN (SELECT owner_id_number FROM natural_resources.real_estate)
    ORDER BY person_id LIMIT ?
"""
_COMPANIES = """
    SELECT uscc, name, legal_rep_id_number FROM market_regulation.company
    WHERE status = '存续' ORDER BY (SELECT district FROM person WHERE id_number = legal_rep_id_number) <> ?, company_id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person, and which applications may see the row."""

    id_number: str
    name: str
    birth_date: str
    district: str
    visible_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleCompany:
    """A company in business."""

    uscc: str
    name: str
    legal_rep_id_number: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Five persons inside ``housing``'s district and five outside, and five companies whose representatives live inside, where there are so many."""

    persons: Sequence[SamplePerson]
    companies: Sequence[SampleCompany]


def choose_samples(databases: Mapping[str, Path]) -> Samples:
    """Samples out of the seeded SQLite files; the same city gives the same ones."""
    with closing(sqlite3.connect(databases["civil_affairs"])) as connection:
        for department in ("human_resources", "natural_resources", "market_regulation"):
            connection.execute(f"ATTACH ? AS {department}", [str(databases[department])])
        inside = _persons(connection, 1, ("housing", "civil_affairs_own"))
        outside = _persons(connection, 0, ("civil_affairs_own",))
        companies = [SampleCompany(*row) for row in connection.execute(_COMPANIES, [DISTRICT, _EACH])]
    return Samples([*inside, *outside], companies)


def _persons(connection: sqlite3.Connection, inside: int, visible_to: tuple[str, ...]) -> list[SamplePerson]:
    rows = connection.execute(_PERSONS, [DISTRICT, inside, _EACH])
    return [SamplePerson(id_number, name, birth_date, district, visible_to) for id_number, name, birth_date, district in rows]


def write_samples(path: Path, samples: Samples) -> None:
    """Replace ``samples.json``, readable by its owner alone."""
    write_json(path, asdict(samples))
