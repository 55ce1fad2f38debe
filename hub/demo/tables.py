"""The departments' tables, defined once for SQLite and PostgreSQL.

SQLite has no exact decimals: there they are text, so that 500000.00 stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, MetaData, Numeric, String, Table, Text
from sqlalchemy.types import TypeEngine

_ID = BigInteger().with_variant(Integer(), "sqlite")
_DECIMAL = Numeric(14, 2).with_variant(Text(), "sqlite")
_TYPES: dict[str, TypeEngine[Any]] = {"id": _ID, "text": String(), "date": Date(), "decimal": _DECIMAL, "integer": Integer(), "boolean": Boolean()}

TABLES: dict[str, Table] = {}
"""Tables by resource code, e.g. ``civil_affairs.person``."""
FILES: dict[str, Table] = {}
"""What is delivered as files, by resource code, in the same words."""


def _table(resource: str, columns: str, *, unique: str, indexed: str = "", nullable: str = "", among: dict[str, Table] = TABLES) -> None:
    """Declare a table from ``name:type`` pairs (text where no type is given); the first column is the primary key and the stable key."""
    name = resource.split(".")[1]
    pairs = [column.partition(":") for column in columns.split()]
    made = [
        Column(column, _TYPES[kind or "text"], primary_key=position == 0, autoincrement=False, nullable=column in nullable.split())
        for position, (column, _, kind) in enumerate(pairs)
    ]
    table = Table(name, MetaData(), *made, Column("updated_at", DateTime(timezone=True), nullable=False), Column("internal_note", String(), nullable=False))
    for column in unique.split():
        Index(f"uq_{name}_{column}", table.c[column], unique=True)
    for column in indexed.split():
        Index(f"ix_{name}_{column}", table.c[column])
    among[resource] = table


_table(
    "civil_affairs.person",
    "person_id:id id_number name gender birth_date:date phone address district household_no",
    unique="id_number",
    indexed="birth_date gender district household_no",
    nullable="phone",
)
_table("civil_affairs.household", "household_id:id household_no head_id_number address district", unique="household_no", indexed="district")
_table("civil_affairs.adoption", "adoption_id:id registration_no adopter_id_number child_id_number registered_on:date", unique="registration_no")
_table(
    "market_regulation.company",
    "company_id:id uscc name legal_rep_id_number status registered_on:date registered_capital:decimal district",
    unique="uscc",
    indexed="status district registered_on legal_rep_id_number",
)
_table(
    "market_regulation.licence",
    "licence_id:id licence_no uscc category address issued_on:date valid_to:date state district",
    unique="licence_no",
    indexed="uscc district category state valid_to",
)
_table("city_data.division", "code name full_name level parent_code", unique="", indexed="parent_code level name", nullable="parent_code")
_table(
    "natural_resources.real_estate",
    "estate_id:id unit_no certificate_no owner_id_number address area_m2:decimal registered_on:date mortgaged:boolean district",
    unique="unit_no certificate_no",
    indexed="owner_id_number registered_on mortgaged district",
)
_table(
    "human_resources.social_insurance",
    "record_no id_number employer_uscc insured_since:date state base:decimal district",
    unique="id_number",
    indexed="employer_uscc state district",
)
_table(
    "human_resources.vacancy",
    "vacancy_no title employer_uscc headcount:integer monthly_pay:decimal posted_on:date district",
    unique="",
    indexed="employer_uscc title posted_on district",
)
_table(
    "housing.affordable_flat",
    "flat_id:id flat_no project address area_m2:decimal rooms:integer monthly_rent:decimal state district",
    unique="flat_no",
    indexed="state district rooms",
)
_table(
    "water_supply.account",
    "account_no owner_id_number household_no address opened_on:date state owed:decimal district",
    unique="household_no",
    indexed="owner_id_number state district",
    among=FILES,
)
_table("water_supply.reading", "reading_no:id account_no read_on:date cubic_metres:decimal", unique="", indexed="account_no read_on", among=FILES)
_table(
    "ecology.air_quality",
    "record_no:id station_no station district day:date aqi:integer pm25:decimal pollutant grade",
    unique="",
    indexed="station_no district day grade aqi",
    nullable="pollutant",
    among=FILES,
)


def of_department(department: str) -> Iterator[tuple[str, Table]]:
    """The department's resource codes and tables."""
    return ((code, table) for code, table in TABLES.items() if code.split(".")[0] == department)


DEPARTMENTS_WITH_DATA = tuple(dict.fromkeys(code.split(".")[0] for code in TABLES))
