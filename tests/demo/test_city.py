"""The drawn city: valid numbers, links that resolve, plausible people, the same city for the same seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from hub.demo.city import FEWEST, City, draw_city
from hub.demo.clock import AS_OF
from hub.demo.divisions import counties, divisions
from hub.demo.numbers import FEMALE, MALE, organisation_code
from hub.demo.tables import TABLES
from tests.demo.conftest import PERSONS

pytestmark = pytest.mark.fast


def _rows(city: City, code: str) -> Any:
    return city[code]


def _column(city: City, code: str, name: str) -> list[object]:
    position = [column.name for column in TABLES[code].columns].index(name)
    return [row[position] for row in city[code]]


def _digest(city: City) -> str:
    return hashlib.sha256(repr(sorted((code, list(map(tuple, rows))) for code, rows in city.items())).encode()).hexdigest()


def test_the_same_seed_gives_the_same_city() -> None:
    first, again, other = (_digest(draw_city(FEWEST, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_too_few_persons_are_refused() -> None:
    with pytest.raises(ValueError, match="SEED_PERSONS"):
        draw_city(FEWEST - 1)


def test_there_are_exactly_as_many_persons_as_asked(city: City) -> None:
    assert len(city["civil_affairs.person"]) == PERSONS
    assert len(city["human_resources.vacancy"]) == 2000


def test_identity_numbers_are_valid_and_say_what_the_row_says(city: City) -> None:
    codes = {division.code for division in divisions()}
    for person in _rows(city, "civil_affairs.person"):
        assert ric.is_valid(person.id_number)
        assert ric.get_birth_date(person.id_number) == person.birth_date
        assert (int(person.id_number[16]) % 2 == 1) == (person.gender == MALE)
        assert person.id_number[:6] in codes


def test_people_live_in_the_citys_districts(city: City) -> None:
    districts = {county.code: county for county in counties()}
    persons = _rows(city, "civil_affairs.person")
    assert set(Counter(person.district for person in persons)) == set(districts)
    assert all(person.address.startswith(districts[person.district].full_name) for person in persons)


def test_people_are_of_all_ages_and_both_genders(city: City) -> None:
    persons = _rows(city, "civil_affairs.person")
    ages = Counter((AS_OF - person.birth_date).days // 3653 for person in persons)
    assert all(ages[decade] > 20 for decade in range(8))
    assert min(person.birth_date for person in persons).year > 1900
    assert max(person.birth_date for person in persons) < AS_OF
    women = sum(person.gender == FEMALE for person in persons)
    assert 0.4 < women / len(persons) < 0.6


def test_names_include_compound_surnames_and_two_part_names() -> None:
    names = [str(row[2]) for row in draw_city(6000)["civil_affairs.person"]]
    assert any("·" in name for name in names)
    assert any(name.startswith(("欧阳", "令狐", "上官", "司徒", "诸葛")) for name in names)
    assert all(2 <= len(name) <= 12 for name in names)


def test_children_bear_the_name_of_the_head_of_their_household() -> None:
    city = draw_city(FEWEST)
    heads = {row[1]: row[2] for row in city["civil_affairs.household"]}
    persons: Any = city["civil_affairs.person"]
    by_number = {person.id_number: person for person in persons}
    children = [person for person in persons if person.birth_date.year > 2012 and "·" not in person.name]
    assert children
    assert all(by_number[heads[child.household_no]].name[0] == child.name[0] for child in children)


def test_phones_are_well_formed_and_children_have_none(city: City) -> None:
    persons = _rows(city, "civil_affairs.person")
    phones = [person.phone for person in persons if person.phone]
    assert all(len(phone) == 11 and phone.isdigit() and phone[0] == "1" and phone[1] in "356789" for phone in phones)
    assert 0.5 < len(phones) / len(persons) < 0.95
    assert not any(person.phone for person in persons if person.birth_date > AS_OF - timedelta(days=11 * 365))


def test_company_codes_are_valid(city: City) -> None:
    for company in _rows(city, "market_regulation.company"):
        assert uscc.is_valid(company.uscc)
        assert company.uscc[2:8] == company.district
        assert company.uscc[8:17] == organisation_code(company.uscc[8:16])


def test_organisation_codes_carry_their_check_character() -> None:
    # The example of GB 11714: D2143569-X.
    assert organisation_code("D2143569") == "D2143569X"


def test_licence_numbers_are_valid(city: City) -> None:
    for licence in _rows(city, "market_regulation.licence"):
        assert licence.licence_no[:2] == "JY"
        assert mod_11_10.is_valid(licence.licence_no[2:])


LINKS = [
    ("civil_affairs.person", "household_no", "civil_affairs.household", "household_no"),
    ("civil_affairs.household", "household_no", "civil_affairs.person", "household_no"),
    ("civil_affairs.household", "head_id_number", "civil_affairs.person", "id_number"),
    ("civil_affairs.adoption", "child_id_number", "civil_affairs.person", "id_number"),
    ("civil_affairs.adoption", "adopter_id_number", "civil_affairs.person", "id_number"),
    ("market_regulation.company", "legal_rep_id_number", "civil_affairs.person", "id_number"),
    ("market_regulation.licence", "uscc", "market_regulation.company", "uscc"),
    ("natural_resources.real_estate", "owner_id_number", "civil_affairs.person", "id_number"),
    ("human_resources.social_insurance", "id_number", "civil_affairs.person", "id_number"),
    ("human_resources.social_insurance", "employer_uscc", "market_regulation.company", "uscc"),
    ("human_resources.vacancy", "employer_uscc", "market_regulation.company", "uscc"),
    *((code, "district", "city_data.division", "code") for code, table in TABLES.items() if "district" in table.columns),
]


@pytest.mark.parametrize(("code", "column", "target", "key"), LINKS)
def test_links_resolve(city: City, code: str, column: str, target: str, key: str) -> None:
    values = set(_column(city, code, column))
    assert values
    assert values <= set(_column(city, target, key))


@pytest.mark.parametrize("code", sorted(TABLES))
def test_rows_fit_their_tables(city: City, code: str) -> None:
    table = TABLES[code]
    assert city[code]
    for row in city[code]:
        assert len(row) == len(table.columns)
    for column in table.columns:
        values = _column(city, code, column.name)
        assert column.nullable or None not in values, column.name
        if column.primary_key or any(index.unique and column.name in index.columns for index in table.indexes):
            assert len(set(values)) == len(values), column.name


@pytest.mark.parametrize("code", sorted(code for code in TABLES if code != "city_data.division"))
def test_row_types_name_the_columns(city: City, code: str) -> None:
    assert _rows(city, code)[0]._fields == tuple(column.name for column in TABLES[code].columns)


def test_decimals_have_two_places(city: City) -> None:
    values = [value for code in TABLES for row in city[code] for value in row if isinstance(value, Decimal)]
    assert values
    assert {value.as_tuple().exponent for value in values} == {-2}


def test_nothing_was_registered_before_its_holder_was_of_age_or_after_the_last_day(city: City) -> None:
    births = {person.id_number: person.birth_date for person in _rows(city, "civil_affairs.person")}
    for company in _rows(city, "market_regulation.company"):
        assert births[company.legal_rep_id_number] + timedelta(days=18 * 365) < company.registered_on <= AS_OF
    for record in _rows(city, "human_resources.social_insurance"):
        assert births[record.id_number] + timedelta(days=18 * 365) < record.insured_since <= AS_OF
    assert all(row.updated_at.date() <= AS_OF for code in TABLES if code != "city_data.division" for row in _rows(city, code))
