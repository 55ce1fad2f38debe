"""Selections compiled to SQL text, once each, with the masks inside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, literal_column, select

from connectors.aggregation import Aggregation
from connectors.kept import Kept
from connectors.selection import Column, Match, Output, Rendered, Selection
from connectors.sql.aggregates import AggregateWriter
from connectors.sql.columns import Columns
from connectors.sql.dialect import Binds, Decode, Expression, SqlDialect
from connectors.sql.predicates import Conditions
from connectors.sql.rendering import RenderedStatement, start_of
from connectors.sql.statement import Statement, placed
from connectors.sql.tables import named_table, needed_columns

KEYS = "keys of the call"
"""Parameter that binds the key values of ``fetch_by_keys``; a space keeps it apart from every name of a document."""

MOST = "rows of the look-up"
"""Parameter that binds the most rows of a look-up."""

STATEMENTS_KEPT = 1_000_000
"""Characters of statements, each with :data:`OVERHEAD`."""
OVERHEAD = 1_000
_AGGREGATES_KEPT = 200_000
_FRAMES_KEPT = 200_000
_OUTPUTS = "/*outputs*/"
_HEAD = f"SELECT {_OUTPUTS} AS o"
"""How a frame begins: a statement with this in the place of its outputs."""


class Statements:
    """The compiled statements of one dialect; the most recent are kept, bounded by their length."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._kept: Kept[tuple[Selection, Column | None, str], Statement] = Kept(STATEMENTS_KEPT, _weight)
        self._columns = Columns(dialect)
        self._frames: Kept[tuple[Selection, Column | None], Statement] = Kept(_FRAMES_KEPT, _weight)
        self._aggregates: Kept[Aggregation, Statement] = Kept(_AGGREGATES_KEPT, _weight)

    def rows(self, selection: Selection, key: Column | None = None) -> Statement:
        """Reads the selection's rows; with ``key``, those whose key is in :data:`KEYS`, the key's value behind the outputs."""
        return self._get(selection, key, "rows")

    def look_up(self, selection: Selection, key: Column) -> Statement:
        """The same, at most as many rows as :data:`MOST` binds."""
        return self._get(selection, key, "look up")

    def count(self, selection: Selection) -> Statement:
        """Counts the rows that the predicate holds for."""
        return self._get(selection, None, "count")

    def aggregate(self, asked: Aggregation) -> Statement:
        """Counts and adds up."""
        statement = self._aggregates.get(asked)
        if statement is None:
            statement = AggregateWriter(self._dialect, asked).statement()
            self._aggregates.keep(asked, statement)
        return statement

    def _get(self, selection: Selection, key: Column | None, what: str) -> Statement:
        name = (selection, key, what)
        statement = self._kept.get(name)
        if statement is None:
            asked = replace(selection, limit=MOST) if what == "look up" else selection
            statement = self._framed(asked, key) if what != "count" else None
            if statement is None:
                statement = Writer(self._dialect, asked, key, self._columns).statement(counting=what == "count")
            self._kept.keep(name, statement)
        return statement

    def _framed(self, asked: Selection, key: Column | None) -> Statement | None:
        """The statement, of texts that are there already; ``None`` where its outputs bind something, or SQLAlchemy has to see them."""
        if asked.text is not None or not asked.outputs:
            return None
        decoders: list[tuple[int, Decode]] = []
        texts: list[str] = []
        for place, output in enumerate(asked.outputs):
            written = self._columns.written(asked.binding, output) if isinstance(output, Column) else None
            if written is None or written.text is None:
                return None
            texts.append(f"{written.text} AS o{place}")
            if written.decode is not None:
                decoders.append((place, written.decode))
        frame = self._frame(replace(asked, outputs=()), key)
        if not frame.text.startswith(_HEAD):
            return None
        decode = self._dialect.decode(key.kind) if key is not None else None
        if decode is not None:
            decoders.append((len(texts), decode))
        return Statement(f"SELECT {', '.join(texts)}{frame.text[len(_HEAD) :]}", frame.places, tuple(decoders))

    def _frame(self, bare: Selection, key: Column | None) -> Statement:
        frame = self._frames.get((bare, key))
        if frame is None:
            frame = Writer(self._dialect, bare, key, self._columns).frame()
            self._frames.keep((bare, key), frame)
        return frame


def _weight(_: object, statement: Statement) -> int:
    return OVERHEAD + len(statement.text)


class Writer:
    """Writes one selection's statement."""

    def __init__(self, dialect: SqlDialect, selection: Selection, key: Column | None, columns: Columns) -> None:
        self._dialect, self._selection, self._key, self._columns = dialect, selection, key, columns
        self._binds = Binds()
        self._table = named_table(selection.binding, needed_columns(selection, key))
        self._conditions = Conditions(dialect, self._table, self._binds)

    def statement(self, *, counting: bool) -> Statement:
        """The whole statement, or that which counts its rows."""
        if self._selection.text is not None and not counting:
            return self._rendered(self._selection.text)
        query = self._filtered(select(func.count()) if counting else select(*self._outputs()))
        compiled = (query if counting else self._placed(query)).compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return Statement(str(compiled), placed(self._binds, compiled), () if counting else self._decoders())

    def frame(self) -> Statement:
        """The statement without its outputs."""
        mark: Expression = literal_column(_OUTPUTS).label("o")
        query = self._placed(self._filtered(select(mark, *self._outputs(bare=True))))
        compiled = query.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return Statement(str(compiled), placed(self._binds, compiled), ())

    def _rendered(self, form: Rendered) -> Statement:
        renderer = self._dialect.renderer
        if renderer is None:
            raise ValueError(f"{self._dialect.name} renders nothing")
        outputs = self._outputs()
        rows = self._placed(self._filtered(select(*outputs, *renderer.inner(form, self._table)))).subquery("page")
        page = renderer.page(form, rows, [output.name for output in outputs])
        compiled = page.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return RenderedStatement(str(compiled), placed(self._binds, compiled), self._decoders(), start_of(form))

    def _filtered(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self._table)
        if self._selection.where is not None:
            query = query.where(self._conditions.predicate(self._selection.where))
        if self._key is not None:
            query = query.where(self._dialect.among(self._table.c[self._key.name], self._binds, KEYS, self._key.kind, negated=False))
        return query

    def _placed(self, query: Select[Any]) -> Select[Any]:
        selection = self._selection
        if selection.after:
            query = query.where(self._conditions.behind(selection.order, selection.after))
        query = query.order_by(*self._conditions.order(selection.order))
        return query if selection.limit is None else query.limit(self._binds.place(selection.limit))

    def _outputs(self, *, bare: bool = False) -> list[Expression]:
        outputs: list[Expression] = [self._output(output).label(f"o{place}") for place, output in enumerate(self._selection.outputs)]
        if self._key is not None:
            outputs.append(self._dialect.wire(self._table.c[self._key.name], self._key.kind).label("k"))
        return outputs if outputs or bare else [literal_column("1")]

    def _output(self, output: Output) -> Expression:
        if isinstance(output, Match):
            return self._conditions.claimed(output.column, output.kind, output.parameter)
        clause = self._columns.written(self._selection.binding, output).clause
        return self._columns.shown(self._table, output) if clause is None else clause

    def _decoders(self) -> tuple[tuple[int, Decode], ...]:
        decoders = [self._decoder(output) for output in self._selection.outputs]
        if self._key is not None:
            decoders.append(self._dialect.decode(self._key.kind))
        return tuple((place, decode) for place, decode in enumerate(decoders) if decode is not None)

    def _decoder(self, output: Output) -> Decode | None:
        return bool if isinstance(output, Match) else self._columns.written(self._selection.binding, output).decode
