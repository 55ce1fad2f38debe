"""One open SQL database: selections in, wire rows out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeVar

from connectors.aggregation import Aggregation
from connectors.calling import BOUNDED
from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable, SourceUnreachable
from connectors.selection import Binding, Column, Comparison, Kind, Row, Selection, TextRows, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck, SourceConfig
from connectors.sql.driver import Connection, ConnectionLost, Driver, Incomparable, NotConnected
from connectors.sql.finer import Compared, Finer, compared_by, compared_in
from connectors.sql.pool import Pool
from connectors.sql.rendering import Doubts
from connectors.sql.statement import Statement
from connectors.sql.statements import KEYS, MOST, Statements
from connectors.sql.streaming import ArrowStreams, SqlStreaming
from connectors.streaming import Slice, Streamed
from connectors.wire import comparing
from masking.sql import SQL_ALGORITHMS

T = TypeVar("T")
Ways = tuple[Statements, Statements]
"""By which statements are written, and by which where those are refused as incomparable."""

CAPABILITIES = Capabilities(
    comparisons=frozenset(Comparison),
    order=True,
    scrambles=True,
    masks=SQL_ALGORITHMS,
    matches=True,
    keys_per_call=10_000,
    links=True,
    objects=True,
    aggregates=True,
)

_ROWS_PER_KEY = 4
"""More rows than that, on the average, are no identifier's: they are not read to be thrown away."""


class SqlSource:
    """Everything is pushed down, masks and verifications included, where the database is not known to do less. See :class:`connectors.spi.Source`."""

    def __init__(self, config: SourceConfig, driver: Driver, capabilities: Capabilities = CAPABILITIES, arrow: ArrowStreams | None = None) -> None:
        self.capabilities = capabilities
        self._code = config.code
        self._timeout = config.timeout_ms / 1000
        self._driver = driver
        self._pool = Pool(driver, config.pool)
        self._harmless: tuple[type[Exception], ...] = (Incomparable, *driver.errors)
        """What leaves a connection as it was."""
        dialect = driver.dialect
        self._usual = Statements(dialect), Statements(dialect.exact)
        self._careful = self._usual if dialect.careful is dialect else (Statements(dialect.careful), Statements(dialect.careful.exact))
        self._finer = Finer(dialect, lambda binding: self._run(binding.object, driver.describe, binding))
        self._doubts = Doubts()
        self._streaming = SqlStreaming(config.code, driver, arrow)

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """One statement."""
        if selection.after:
            _refuse_lost_places(self._code, selection, parameters)
        if self._doubts.resting(selection):
            return TextRows([], None)
        written = await self._written(compared_by(selection))
        rows = await self._rows(written, lambda statements: statements.rows(selection), parameters, selection.binding)
        self._doubts.note(selection, rows)
        return rows if selection.outputs else [()] * len(rows)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """One statement per ``keys_per_call`` values."""
        known = comparing(key.kind)
        asked = {known(value): value for value in values}
        found: dict[Value, list[Row]] = {}
        written = await self._written(compared_by(selection, key))
        for part in _parts(list(values), self.capabilities.keys_per_call):
            for row in await self._rows(written, lambda statements: statements.rows(selection, key), {**parameters, KEYS: part}, selection.binding):
                value = asked.get(known(row[-1]))
                if value is not None:
                    found.setdefault(value, []).append(row[:-1])
        return found

    def looks_up(self, selection: Selection) -> bool:
        """Always."""
        return True

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        """One statement."""
        most = 1 if alone else _ROWS_PER_KEY * len(values)
        bound = {**parameters, KEYS: values, MOST: most}
        usual, exact = await self._written(compared_by(selection, key))
        try:
            rows = await self._asked(usual.look_up(selection, key), bound, selection.binding)
        except Incomparable:
            if not alone:
                # Without an index, and for one value's sake.
                return None
            rows = await self._asked(exact.look_up(selection, key), bound, selection.binding)
        return rows if alone or len(rows) < most else None

    def streams(self, selection: Selection) -> bool:
        """All but rendered text."""
        return selection.text is None

    async def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """One statement, on a session of its own."""
        if selection.after:
            _refuse_lost_places(self._code, selection, parameters)
        careful = await self._finer.among(compared_by(selection))
        async with aclosing(self._streaming.stream(selection, parameters, part, rows, careful=careful)) as batches:
            async for batch in batches:
                yield batch

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """By hops over the key."""
        return await self._streaming.cuts(selection, parameters, key, rows)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """One statement."""
        written = await self._written(compared_by(selection))
        ((count,),) = await self._rows(written, lambda statements: statements.count(selection), parameters, selection.binding)
        return int(count or 0)

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """One statement."""
        written = await self._written(compared_in(asked))
        return await self._rows(written, lambda statements: statements.aggregate(asked), parameters, asked.binding)

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """Columns in the table's order."""
        columns = await self._run(binding.object, self._driver.describe, binding)
        if not columns:
            raise SourceRefused(self._code, f"{binding.object} does not exist")
        return columns

    async def objects(self) -> Sequence[ObjectDescription]:
        """Tables and views."""
        return await self._run("the database's own catalog", self._driver.objects)

    def as_of(self, binding: Binding) -> datetime | None:
        """Now."""
        return None

    async def check(self) -> SourceCheck:
        """Connects and reads."""
        try:
            return await self._run("the database", self._driver.check)
        except SourceFault as fault:
            return SourceCheck(ok=False, message=str(fault), hint="check that the database runs and that `url` and `secret` lead to it")

    async def close(self) -> None:
        """Ends all sessions."""
        await self._streaming.close()
        await self._pool.close()

    async def _written(self, compared: Iterable[Compared]) -> Ways:
        return self._careful if await self._finer.among(compared) else self._usual

    async def _rows(self, written: Ways, write: Callable[[Statements], Statement], parameters: Parameters, binding: Binding) -> list[Row]:
        usual, exact = written
        try:
            return await self._asked(write(usual), parameters, binding)
        except Incomparable:
            return await self._asked(write(exact), parameters, binding)

    async def _asked(self, statement: Statement, parameters: Parameters, binding: Binding) -> list[Row]:
        return statement.rows(await self._run(binding.object, _fetched, statement, parameters))

    async def _run(self, what: str, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Runs ``work`` on a connection: as long again as it waited at most for its turn, with every driver error as a source fault."""
        waits = True
        try:
            if BOUNDED.get() > asyncio.get_running_loop().time():
                # Who has set it ends this task's work in time.
                waits = False
                async with self._pool.turn():
                    return await self._attempt(work, *arguments)
            async with asyncio.timeout(self._timeout) as limit, self._pool.turn():
                waits = False
                limit.reschedule(asyncio.get_running_loop().time() + self._timeout)
                return await self._attempt(work, *arguments)
        except TimeoutError as error:
            if waits:
                raise SourceBusy(self._code, "all its connections are busy") from error
            raise SourceTimeout(self._code, "no answer in time; the statement was stopped") from error
        except NotConnected as error:
            raise SourceUnreachable(self._code, "the database is not reachable") from error
        except ConnectionLost as error:
            raise SourceUnavailable(self._code, "the connection was lost") from error
        except self._driver.errors as error:
            raise self._driver.fault(error, what) from error

    async def _attempt(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        reused = False
        try:
            connection = self._pool.idle() or await self._pool.connect()
            reused = connection.reused
            return await self._lent(connection, work, *arguments)
        except ConnectionLost:
            # A held connection may have died since it was last used; reading again is safe.
            if not reused:
                raise
        self._pool.drop_idle()
        return await self._lent(await self._pool.connect(), work, *arguments)

    async def _lent(self, connection: Connection, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        sound = False
        try:
            result = await work(connection, *arguments)
            sound = True
        except self._harmless:
            sound = True
            raise
        finally:
            self._pool.give_back(connection, sound=sound)
        return result


async def _fetched(connection: Connection, statement: Statement, parameters: Parameters) -> Sequence[Sequence[Value]]:
    return await connection.fetch(statement.text, statement.arguments(parameters))


def _refuse_lost_places(source: str, selection: Selection, parameters: Parameters) -> None:
    for key, name in zip(selection.order, selection.after, strict=False):
        if key.kind is not Kind.STRING and parameters[name] == "":
            raise SourceRefused(
                source, f"no page begins behind a value of {key.column} that cannot be delivered; mend it in the source, or order by another item"
            )


def _parts(values: list[Value], size: int) -> Iterator[list[Value]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
