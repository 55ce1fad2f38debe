"""Streams and slices of one SQL database; see :class:`connectors.streaming.Streaming`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from connectors.arrow_types import streamed
from connectors.errors import SourceRefused, SourceTimeout, SourceUnavailable, SourceUnreachable
from connectors.selection import Column, Selection, Undeliverable, Value
from connectors.spi import Parameters
from connectors.sql.dialect import SqlDialect
from connectors.sql.driver import ConnectionLost, Driver, Incomparable, NotConnected, Session
from connectors.sql.slices import ABOVE, FOUND, SKIPPED, Streams, ends, sound
from connectors.streaming import Slice, Streamed

if TYPE_CHECKING:
    import pyarrow

_CLOSE_SECONDS = 5.0


class ArrowStreams(Protocol):
    """A second driver of the same database, which gives Arrow batches by itself."""

    @property
    def dialect(self) -> SqlDialect:
        """How its statements are written."""
        ...

    def batches(self, text: str, arguments: Sequence[object], what: str) -> AsyncGenerator[pyarrow.RecordBatch, None]:
        """All rows. Raises only source faults; ``what`` names the object that is read."""
        ...

    async def close(self) -> None:
        """Ends what it holds."""
        ...


class SqlStreaming:
    """Each stream has a session of its own beside the source's pool, so that nobody who asks for a row waits for it."""

    def __init__(self, source: str, driver: Driver, arrow: ArrowStreams | None) -> None:
        self._source = source
        self._driver = driver
        self._arrow = arrow
        self._usual = Streams(driver.dialect.streamed), Streams(driver.dialect.exact.streamed)
        careful = driver.dialect.careful
        self._careful = self._usual if careful is driver.dialect else (Streams(careful.streamed), Streams(careful.exact.streamed))
        self._native = None if arrow is None else Streams(arrow.dialect)

    async def stream(
        self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int, *, careful: bool = False
    ) -> AsyncGenerator[Streamed, None]:
        """One statement; ``careful`` as the dialect's."""
        bound = {**parameters, **ends(part)}
        if self._arrow is not None and self._native is not None:
            batches = self._of_arrow(self._arrow, self._native, selection, bound, part, rows)
        else:
            batches = self._of_rows(self._careful if careful else self._usual, selection, bound, part, rows)
        async with aclosing(batches) as all_:
            async for batch in all_:
                yield batch

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """One statement for each, which begins in the key's index where the last one ended."""
        try:
            return await self._hops(self._usual[0], selection, parameters, key, rows)
        except Incomparable:
            return await self._hops(self._usual[1], selection, parameters, key, rows)

    async def close(self) -> None:
        """Ends what is held between streams."""
        if self._arrow is not None:
            await self._arrow.close()

    async def _of_arrow(
        self, arrow: ArrowStreams, statements: Streams, selection: Selection, bound: Parameters, part: Slice | None, rows: int
    ) -> AsyncGenerator[Streamed, None]:
        from connectors.sql.arrow_columns import told

        statement = statements.rows(selection, part)
        decodes = [None if not isinstance(output, Column) or output.mask is not None else arrow.dialect.decode(output.kind) for output in selection.outputs]
        async with aclosing(arrow.batches(statement.text, statement.arguments(bound), selection.binding.object)) as batches:
            async for batch in batches:
                for some in _evenly(batch, rows):
                    try:
                        made = told(selection.outputs, some, decodes)
                    except ValueError as error:
                        raise SourceRefused(self._source, f"a value does not fit its column in {selection.binding.object}") from error
                    yield made

    async def _hops(self, statements: Streams, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        what, found = selection.binding, list[Value]()
        async with self._session(what.object) as session:
            described = await self._driver.describe(session, what)
            if not sound(key, {column.name: column for column in described}):
                return ()
            while True:
                statement = statements.hop(selection, key, behind=bool(found))
                bound = {**parameters, ABOVE: found[-1] if found else None, SKIPPED: max(rows, 1) - 1, FOUND: 2}
                behind = statement.rows(await session.fetch(statement.text, statement.arguments(bound)))
                # The last slice is not cut off where nothing would be left behind it, nor where nobody could say where it begins.
                if len(behind) < 2 or isinstance(behind[0][0], Undeliverable) or behind[0][0] in found[-1:]:
                    return found
                found.append(behind[0][0])

    async def _of_rows(
        self, statements: tuple[Streams, Streams], selection: Selection, bound: Parameters, part: Slice | None, rows: int
    ) -> AsyncGenerator[Streamed, None]:
        begun = False
        try:
            async with aclosing(self._read(statements[0], selection, bound, part, rows)) as batches:
                async for batch in batches:
                    begun = True
                    yield batch
            return
        except Incomparable:
            if begun:
                raise SourceRefused(self._source, f"texts of {selection.binding.object} cannot be compared") from None
        async with aclosing(self._read(statements[1], selection, bound, part, rows)) as batches:
            async for batch in batches:
                yield batch

    async def _read(self, statements: Streams, selection: Selection, bound: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        statement = statements.rows(selection, part)
        async with self._session(selection.binding.object) as session, aclosing(session.batches(statement.text, statement.arguments(bound), rows)) as batches:
            async for batch in batches:
                yield streamed(selection.outputs, statement.rows(batch))

    @asynccontextmanager
    async def _session(self, what: str) -> AsyncIterator[Session]:
        with self._faults(what):
            session = await self._driver.session()
            try:
                yield session
            finally:
                await asyncio.shield(asyncio.ensure_future(_closed(session)))

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        try:
            yield
        except Incomparable:
            raise
        except TimeoutError as error:
            raise SourceTimeout(self._source, "no session came about in time") from error
        except (NotConnected, ConnectionError) as error:
            raise SourceUnreachable(self._source, "the database is not reachable") from error
        except ConnectionLost as error:
            raise SourceUnavailable(self._source, "the connection was lost") from error
        except self._driver.errors as error:
            raise self._driver.fault(error, what) from error


async def _closed(session: Session) -> None:
    # Its end is of no interest any more, however it comes.
    with suppress(Exception):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await session.close()


def _evenly(batch: pyarrow.RecordBatch, rows: int) -> Iterator[pyarrow.RecordBatch]:
    """The batch in parts of about as many rows, none of which is copied."""
    parts = max(1, round(batch.num_rows / max(rows, 1)))
    size = -(-batch.num_rows // parts)
    for start in range(0, batch.num_rows, size):
        yield batch.slice(start, size)
