"""Households and the people in them: couples, children, grandparents, people who live alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from hub.demo.clock import AS_OF, Clock
from hub.demo.divisions import Division
from hub.demo.names import Names
from hub.demo.numbers import FEMALE, MALE, Numbers
from hub.demo.places import Places
from hub.demo.progress import Progress, silent
from hub.demo.rows import Adoption, Household, Person

_KINDS = ("alone", "couple", "family", "three generations", "single parent")
_KIND_SHARES = (22, 42, 78, 91, 100)
_OLDEST = 99


@dataclass(frozen=True, slots=True)
class _Member:
    age: int
    gender: str
    surname: str


@dataclass(slots=True)
class Population:
    """The residents, drawn household by household."""

    persons: list[Person] = field(default_factory=list)
    households: list[Household] = field(default_factory=list)
    adoptions: list[Adoption] = field(default_factory=list)

    def adults(self) -> list[Person]:
        """Those who are at least 20, so who may own, trade and work."""
        latest = AS_OF - timedelta(days=20 * 366)
        return [person for person in self.persons if person.birth_date <= latest]


class _Registrar:
    def __init__(self, rng: Random, numbers: Numbers) -> None:
        self._rng, self._numbers = rng, numbers
        self._names, self._places, self._clock = Names(rng), Places(rng), Clock(rng)
        self.population = Population()

    def household(self, most: int) -> None:
        """Register one more household of at most ``most`` people."""
        district = self._places.district()
        people = self.population.persons
        first = len(people)
        number = f"{district.code}{len(self.population.households) + 1:08d}"
        address = self._places.home(district)
        for member in self._members()[:most]:
            people.append(self._person(member, number, address, district))
        head = people[first]
        self.population.households.append(
            Household(len(self.population.households) + 1, number, head.id_number, address, district.code, self._clock.moment()),
        )

    def adoption(self, child: Person) -> None:
        """Register that the head of the child's household has adopted it."""
        adoptions = self.population.adoptions
        household = self.population.households[int(child.household_no[6:]) - 1]
        day = self._clock.day(child.birth_date)
        number = f"收520100{len(adoptions) + 1:06d}"
        adoptions.append(Adoption(len(adoptions) + 1, number, household.head_id_number, child.id_number, day, self._clock.moment(day)))

    def _person(self, member: _Member, household: str, address: str, district: Division) -> Person:
        birth = AS_OF - timedelta(days=member.age * 365 + 1 + int(self._rng.random() * 364))
        return Person(
            len(self.population.persons) + 1,
            self._numbers.resident(birth, member.gender),
            self._names.full(member.surname, member.gender),
            member.gender,
            birth,
            self._phone(member.age),
            address,
            district.code,
            household,
            self._clock.moment(),
        )

    def _phone(self, age: int) -> str | None:
        without = 1.0 if age < 12 else 0.25 if age > 75 else 0.03
        return None if self._rng.random() < without else self._numbers.mobile()

    def _members(self) -> list[_Member]:
        draw, rng = self._rng.randrange, self._rng
        kind = rng.choices(_KINDS, cum_weights=_KIND_SHARES)[0]
        man = rng.random() < 0.62
        head = _Member(_adult_age(rng, kind), MALE if man else FEMALE, self._names.surname())
        members = [head]
        if kind not in {"alone", "single parent"}:
            members.append(_Member(max(22, head.age + draw(-5, 4)), FEMALE if man else MALE, self._names.surname()))
        if kind in {"family", "three generations", "single parent"}:
            members += [self._child(head) for _ in range(rng.choices((1, 2, 3), (60, 33, 7))[0])]
        if kind == "three generations":
            members += [_Member(min(_OLDEST, head.age + draw(22, 33)), gender, surname) for gender, surname in self._grandparents(head)]
        return members

    def _child(self, head: _Member) -> _Member:
        age = self._rng.randrange(max(0, head.age - 42), max(1, head.age - 20))
        return _Member(age, self._rng.choice((MALE, FEMALE)), head.surname)

    def _grandparents(self, head: _Member) -> list[tuple[str, str]]:
        both = [(MALE, head.surname), (FEMALE, self._names.surname())]
        return both if self._rng.random() < 0.5 else both[1:]


def _adult_age(rng: Random, kind: str) -> int:
    if kind in {"alone", "couple"}:
        return int(rng.triangular(22, 90, 40))
    return int(rng.triangular(24, 60, 36))


def draw_population(rng: Random, numbers: Numbers, persons: int, progress: Progress = silent) -> Population:
    """Exactly ``persons`` residents in their households, and a few adoptions among them."""
    registrar = _Registrar(rng, numbers)
    population = registrar.population
    while (drawn := len(population.persons)) < persons:
        if len(population.households) % 1000 == 0:
            progress("residents", drawn, persons)
        registrar.household(most=persons - drawn)
    progress("residents", persons, persons)
    children = [person for person in population.persons if person.birth_date.year > 2010]
    for child in rng.sample(children, max(3, persons // 2000)):
        registrar.adoption(child)
    return population


def age_on(person: Person, day: date) -> int:
    """Completed years."""
    return day.year - person.birth_date.year - ((day.month, day.day) < (person.birth_date.month, person.birth_date.day))
