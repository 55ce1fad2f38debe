"""Ariadne, as its documentation has it written: a schema in SDL, resolvers over SQLAlchemy's ORM, a DataLoader in the context of each request.

https://ariadnegraphql.org/docs/asgi, https://ariadnegraphql.org/docs/resolvers, https://ariadnegraphql.org/docs/scalars and
https://ariadnegraphql.org/docs/dataloaders#async-dataloader.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import Any

from aiodataloader import DataLoader
from ariadne import ObjectType, QueryType, ScalarType, gql, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import GraphQLResolveInfo
from sqlalchemy import select

from loadtests.peers.models import Company, Person, sessions

_TYPES = gql("""
    scalar Date
    scalar Decimal

    type Query {
        person(idNumber: String!): Person
        persons(gender: String!, place: Int!, count: Int!): [Person!]!
        companies(status: String!, place: Int!, count: Int!): [Company!]!
    }

    type Person {
        idNumber: String!
        name: String!
        gender: String!
        birthDate: Date!
        phone: String
        address: String!
        email: String!
        householdNo: String!
    }

    type Company {
        uscc: String!
        name: String!
        status: String!
        capital: Decimal!
        founded: Date!
        legalRep: Person
    }
""")
query = QueryType()
company = ObjectType("Company")
date_scalar = ScalarType("Date")
decimal_scalar = ScalarType("Decimal")


@date_scalar.serializer
def serialize_date(value: datetime.date) -> str:
    """ISO 8601."""
    return value.isoformat()


@decimal_scalar.serializer
def serialize_decimal(value: decimal.Decimal) -> str:
    """Its digits."""
    return str(value)


@query.field("person")
async def resolve_person(_: Any, info: GraphQLResolveInfo[Any], *, id_number: str) -> Person | None:
    """A person by ID number."""
    async with info.context["sessions"]() as session:
        found: Person | None = (await session.scalars(select(Person).where(Person.id_number == id_number))).one_or_none()
    return found


@query.field("persons")
async def resolve_persons(_: Any, info: GraphQLResolveInfo[Any], *, gender: str, place: int, count: int) -> Sequence[Person]:
    """Persons of a gender behind a place."""
    wanted = select(Person).where(Person.gender == gender, Person.id > place).order_by(Person.id).limit(count)
    async with info.context["sessions"]() as session:
        found: Sequence[Person] = (await session.scalars(wanted)).all()
    return found


@query.field("companies")
async def resolve_companies(_: Any, info: GraphQLResolveInfo[Any], *, status: str, place: int, count: int) -> Sequence[Company]:
    """Companies of a status behind a place."""
    wanted = select(Company).where(Company.status == status, Company.id > place).order_by(Company.id).limit(count)
    async with info.context["sessions"]() as session:
        found: Sequence[Company] = (await session.scalars(wanted)).all()
    return found


@company.field("legalRep")
async def resolve_legal_rep(found: Company, info: GraphQLResolveInfo[Any]) -> Person | None:
    """A company's legal representative."""
    person: Person | None = await info.context["person_loader"].load(found.legal_rep_id_number)
    return person


def app(dsn: str) -> GraphQL:
    """The application over a city."""
    _, opened = sessions(dsn)

    async def load(keys: list[str]) -> list[Person | None]:
        async with opened() as session:
            found = (await session.scalars(select(Person).where(Person.id_number.in_(keys)))).all()
        known = {each.id_number: each for each in found}
        return [known.get(key) for key in keys]

    def context(request: Any, _: Any = None) -> dict[str, Any]:
        return {"request": request, "sessions": opened, "person_loader": DataLoader(load)}

    schema = make_executable_schema(_TYPES, query, company, date_scalar, decimal_scalar, convert_names_case=True)
    return GraphQL(schema, context_value=context)
