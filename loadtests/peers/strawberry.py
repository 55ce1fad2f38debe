"""Plain Strawberry, as its documentation has it written: types with fields, resolvers over SQLAlchemy's ORM, a DataLoader in the context of each request.

https://strawberry.rocks/docs/integrations/asgi, https://strawberry.rocks/docs/guides/dataloaders#usage-with-context, and the project's example
fastapi-sqlalchemy (types with ``from_instance``) with SQLAlchemy's asyncio extension in place of its threads.
"""

from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

import strawberry
from sqlalchemy import select
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from loadtests.peers import models

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


@strawberry.type
class Person:
    """A resident."""

    id_number: str
    name: str
    gender: str
    birth_date: datetime.date
    phone: str | None
    address: str
    email: str
    household_no: str

    @classmethod
    def from_instance(cls, instance: models.Person) -> Person:
        """From the ORM's object."""
        return cls(
            id_number=instance.id_number,
            name=instance.name,
            gender=instance.gender,
            birth_date=instance.birth_date,
            phone=instance.phone,
            address=instance.address,
            email=instance.email,
            household_no=instance.household_no,
        )


@strawberry.type
class Company:
    """A company."""

    uscc: str
    name: str
    status: str
    capital: decimal.Decimal
    founded: datetime.date
    instance: strawberry.Private[models.Company]

    @strawberry.field
    async def legal_rep(self, info: strawberry.Info) -> Person | None:
        """Its legal representative."""
        found: Person | None = await info.context["person_loader"].load(self.instance.legal_rep_id_number)
        return found

    @classmethod
    def from_instance(cls, instance: models.Company) -> Company:
        """From the ORM's object."""
        return cls(uscc=instance.uscc, name=instance.name, status=instance.status, capital=instance.capital, founded=instance.founded, instance=instance)


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def person(self, info: strawberry.Info, id_number: str) -> Person | None:
        """A person by ID number."""
        async with info.context["sessions"]() as session:
            found = (await session.scalars(select(models.Person).where(models.Person.id_number == id_number))).one_or_none()
        return Person.from_instance(found) if found else None

    @strawberry.field
    async def persons(self, info: strawberry.Info, gender: str, place: int, count: int) -> list[Person]:
        """Persons of a gender behind a place."""
        table = models.Person
        wanted = select(table).where(table.gender == gender, table.id > place).order_by(table.id).limit(count)
        async with info.context["sessions"]() as session:
            found = (await session.scalars(wanted)).all()
        return [Person.from_instance(each) for each in found]

    @strawberry.field
    async def companies(self, info: strawberry.Info, status: str, place: int, count: int) -> list[Company]:
        """Companies of a status behind a place."""
        table = models.Company
        wanted = select(table).where(table.status == status, table.id > place).order_by(table.id).limit(count)
        async with info.context["sessions"]() as session:
            found = (await session.scalars(wanted)).all()
        return [Company.from_instance(each) for each in found]


def _loader(sessions: async_sessionmaker[AsyncSession]) -> DataLoader[str, Person | None]:
    async def load(keys: list[str]) -> list[Person | None]:
        async with sessions() as session:
            found = (await session.scalars(select(models.Person).where(models.Person.id_number.in_(keys)))).all()
        known = {each.id_number: Person.from_instance(each) for each in found}
        return [known.get(key) for key in keys]

    return DataLoader(load_fn=load)


class CityGraphQL(GraphQL[dict[str, Any], None]):
    """The ASGI application with the context of a request."""

    def __init__(self, dsn: str) -> None:
        super().__init__(strawberry.Schema(query=Query))
        _, self._sessions = models.sessions(dsn)

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        """Sessions, and a loader that knows this request alone."""
        return {"request": request, "response": response, "sessions": self._sessions, "person_loader": _loader(self._sessions)}


def app(dsn: str) -> CityGraphQL:
    """The application over a city."""
    return CityGraphQL(dsn)
