"""One row of each table, its fields in the order of the table's columns (:mod:`hub.demo.tables`)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

CANARY = "HTCANARY"
"""Stands in every row of every source, in a column that is not shared: where it is met outside its source, something leaks."""


def canary(resource: str) -> str:
    """The mark in the internal notes of a resource's rows."""
    return f"内部备注 {CANARY}-{resource}-7c41"


class Person(NamedTuple):
    """A registered resident."""

    person_id: int
    id_number: str
    name: str
    gender: str
    birth_date: date
    phone: str | None
    address: str
    district: str
    household_no: str
    updated_at: datetime
    internal_note: str = canary("civil_affairs.person")


class Household(NamedTuple):
    """A registered household; its head is one of its members."""

    household_id: int
    household_no: str
    head_id_number: str
    address: str
    district: str
    updated_at: datetime
    internal_note: str = canary("civil_affairs.household")


class Adoption(NamedTuple):
    """A registered adoption: confidential by law."""

    adoption_id: int
    registration_no: str
    adopter_id_number: str
    child_id_number: str
    registered_on: date
    updated_at: datetime
    internal_note: str = canary("civil_affairs.adoption")


class Company(NamedTuple):
    """A registered company or sole trader. ``registered_capital`` is in yuan."""

    company_id: int
    uscc: str
    name: str
    legal_rep_id_number: str
    status: str
    registered_on: date
    registered_capital: Decimal
    district: str
    updated_at: datetime
    internal_note: str = canary("market_regulation.company")


class Licence(NamedTuple):
    """A food business licence."""

    licence_id: int
    licence_no: str
    uscc: str
    category: str
    address: str
    issued_on: date
    valid_to: date
    state: str
    district: str
    updated_at: datetime
    internal_note: str = canary("market_regulation.licence")


class RealEstate(NamedTuple):
    """A registered property. ``area_m2`` is the floor area in square metres."""

    estate_id: int
    unit_no: str
    certificate_no: str
    owner_id_number: str
    address: str
    area_m2: Decimal
    registered_on: date
    mortgaged: bool
    district: str
    updated_at: datetime
    internal_note: str = canary("natural_resources.real_estate")


class SocialInsurance(NamedTuple):
    """An insured person's record. ``base`` is the monthly contribution base in yuan; ``district`` is where the person lives."""

    record_no: str
    id_number: str
    employer_uscc: str
    insured_since: date
    state: str
    base: Decimal
    district: str
    updated_at: datetime
    internal_note: str = canary("human_resources.social_insurance")


class Vacancy(NamedTuple):
    """A published vacancy. ``monthly_pay`` is in yuan."""

    vacancy_no: str
    title: str
    employer_uscc: str
    headcount: int
    monthly_pay: Decimal
    posted_on: date
    district: str
    updated_at: datetime
    internal_note: str = canary("human_resources.vacancy")


class AffordableFlat(NamedTuple):
    """A flat of public rental housing. ``monthly_rent`` is in yuan."""

    flat_id: int
    flat_no: str
    project: str
    address: str
    area_m2: Decimal
    rooms: int
    monthly_rent: Decimal
    state: str
    district: str
    updated_at: datetime
    internal_note: str = canary("housing.affordable_flat")


class WaterAccount(NamedTuple):
    """A household's account with the water company. ``owed`` is in yuan."""

    account_no: str
    owner_id_number: str
    household_no: str
    address: str
    opened_on: date
    state: str
    owed: Decimal
    district: str
    updated_at: datetime
    internal_note: str = canary("water_supply.account")


class WaterReading(NamedTuple):
    """One month's water of one account, in cubic metres."""

    reading_no: int
    account_no: str
    read_on: date
    cubic_metres: Decimal
    updated_at: datetime
    internal_note: str = canary("water_supply.reading")


class AirQuality(NamedTuple):
    """One day at one monitoring station. ``pm25`` is in micrograms per cubic metre."""

    record_no: int
    station_no: str
    station: str
    district: str
    day: date
    aqi: int
    pm25: Decimal
    pollutant: str | None
    grade: str
    updated_at: datetime
    internal_note: str = canary("ecology.air_quality")
