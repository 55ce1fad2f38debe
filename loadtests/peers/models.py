"""The city's tables as SQLAlchemy's ORM declares them, and sessions over them: https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html."""

from __future__ import annotations

import datetime
import decimal

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class Person(Base):
    """A resident."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    id_number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    gender: Mapped[str]
    birth_date: Mapped[datetime.date]
    phone: Mapped[str | None]
    address: Mapped[str]
    email: Mapped[str]
    household_no: Mapped[str]


class Company(Base):
    """A company."""

    __tablename__ = "company"

    id: Mapped[int] = mapped_column(primary_key=True)
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[str]
    legal_rep_id_number: Mapped[str] = mapped_column(ForeignKey("person.id_number"))
    capital: Mapped[decimal.Decimal]
    founded: Mapped[datetime.date]
    district: Mapped[str]
    scope: Mapped[str]


def sessions(dsn: str) -> tuple[AsyncEngine, async_sessionmaker[AsyncSession]]:
    """An engine with SQLAlchemy's own pool, of as many connections as the limits have, and a maker of sessions."""
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=16)
    return engine, async_sessionmaker(engine, expire_on_commit=False)
