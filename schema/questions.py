"""Questions that were asked of a resource by aggregates: what a predicate says, apart from how it is written, to be kept and asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.selection import Binding, Compare, Comparison, Every, Kind, Linked, Not, Predicate, Some
from schema.cohorts import Key, order_of
from schema.faults import Code, Fault
from schema.filters import Binds
from schema.model import Resource

MOST_QUESTIONS = 20
"""Different questions that one consumer may ask about one resource in a window. Whether one is withheld tells a little, too."""
Text = str
"""A predicate with its values, as JSON: the same for predicates that differ only in the order of their parts."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: of which rows, grouped by which columns; and, where it was answered, which groups were shown."""

    rows: Text
    """The asking caller's row condition: the rows among which it asked."""
    where: Text
    """The row condition and the filter."""
    keys: tuple[tuple[str, str], ...] = ()
    """(column, kind)."""
    shown: frozenset[Key] = frozenset()
    answered: bool = False

    @property
    def identity(self) -> bytes:
        """What is asked."""
        return orjson.dumps([self.rows, self.where, self.keys])

    def with_other(self, other: Question) -> Question:
        """The same question asked twice: whatever either answer showed."""
        return Question(self.rows, self.where, self.keys, self.shown | other.shown, self.answered or other.answered)

    def written(self) -> bytes:
        """As JSON, the same for equal questions."""
        return orjson.dumps([self.rows, self.where, self.keys, sorted(self.shown, key=order_of), self.answered])

    @classmethod
    def read(cls, text: bytes) -> Question:
        """What :meth:`written` wrote."""
        rows, where, keys, shown, answered = orjson.loads(text)
        return cls(rows, where, tuple(map(tuple, keys)), frozenset(map(tuple, shown)), answered)


@dataclass
class Asked:
    """What is known of one resource. ``seconds``: until the oldest question is forgotten."""

    known: dict[bytes, Question] = field(default_factory=dict)
    seconds: int = 86400
    added: dict[bytes, Question] = field(default_factory=dict)
    """By this call."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def answered(self) -> tuple[Question, ...]:
        """Those that were not withheld."""
        return tuple(each for each in self.known.values() if each.answered)

    def admit(self, question: Question) -> None:
        """Takes a question into account before it is asked.

        Raises:
            TooMany: so many different ones were asked already.
        """
        if question.identity not in self.known and len(self.known) >= MOST_QUESTIONS:
            raise TooMany(self.seconds)

    def note(self, question: Question) -> None:
        """What came of a question."""
        before = self.known.get(question.identity)
        made = question if before is None else before.with_other(question)
        self.known[question.identity] = self.added[question.identity] = made


class TooMany(Fault):
    """Too many different questions about one resource; the call is refused as a whole."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            Code.RATE_LIMITED,
            f"对同一资源的不同统计查询过多：24 小时内最多 {MOST_QUESTIONS} 个",
            f"too many different aggregates of one resource: at most {MOST_QUESTIONS} in 24 hours",
            "已问过的统计可重复查询；或用 groupBy 一次取得多组",
            "those that were asked may be asked again; or take several groups at once by groupBy",
            retry_after=seconds,
        )


Load = Callable[[str], Awaitable[Asked]]
"""What is known of some rows, by :func:`rows_of`."""


def rows_of(resource: Resource) -> str:
    """Whose rows a question is about: those of a source's object. Two resources over one table are asked about as one."""
    return orjson.dumps([resource.source, resource.binding.object, resource.binding.options]).decode()


async def nothing_known(_resource: str) -> Asked:
    """Of any resource."""
    return Asked()


class Questions:
    """One call's questions, one after the other where they are about the same rows: each is judged by the answers before it."""

    def __init__(self, load: Load = nothing_known) -> None:
        self._load = load
        self._loading = asyncio.Lock()
        self.by_rows: dict[str, Asked] = {}

    @asynccontextmanager
    async def about(self, rows: str) -> AsyncIterator[Asked]:
        """What is known of some rows, while nobody else of this call asks about them."""
        async with self._loading:
            if rows not in self.by_rows:
                self.by_rows[rows] = await self._load(rows)
        asked = self.by_rows[rows]
        async with asked.lock:
            yield asked


def text_of(predicate: Predicate | None, binds: Mapping[str, Any]) -> Text:
    """The predicate with its values; ``None`` is true of every row."""
    return orjson.dumps(_written(predicate or Every(()), binds)).decode()


def _written(part: Predicate, binds: Mapping[str, Any]) -> list[Any]:
    match part:
        case Every(parts) | Some(parts):
            name = "every" if isinstance(part, Every) else "some"
            written = [_written(each, binds) for each in parts]
            # A part of the same kind, or a single one, says nothing by standing apart.
            flat = [inner for each in written for inner in (each[1] if each[0] == name else [each])]
            ordered = sorted({orjson.dumps(each): each for each in flat}.items())
            return ordered[0][1] if len(ordered) == 1 else [name, [each for _, each in ordered]]
        case Not(negated):
            return ["not", _written(negated, binds)]
        case Linked(column, kind, binding, key, where):
            return ["linked", column, kind.value, binding.object, binding.options, key, _written(where, binds)]
        case Compare(column, kind, comparison, parameter):
            value = binds[parameter]
            listed = isinstance(value, list | tuple)
            return ["compare", column, kind.value, comparison.value, sorted(set(value), key=orjson.dumps) if listed else value]


def predicate_of(text: Text, binds: Binds, prefix: str) -> Predicate:
    """The predicate behind a text; its values become parameters ``<prefix>0`` … in ``binds``."""
    return _read(orjson.loads(text), binds, prefix)


def _read(content: list[Any], binds: Binds, prefix: str) -> Predicate:
    match content:
        case ["every", parts]:
            return Every(tuple(_read(each, binds, prefix) for each in parts))
        case ["some", parts]:
            return Some(tuple(_read(each, binds, prefix) for each in parts))
        case ["not", part]:
            return Not(_read(part, binds, prefix))
        case ["linked", column, kind, name, options, key, where]:
            return Linked(column, Kind(kind), Binding(name, options), key, _read(where, binds, prefix))
        case ["compare", column, kind, comparison, value]:
            name = f"{prefix}{len(binds)}"
            binds[name] = tuple(value) if isinstance(value, list) else value
            return Compare(column, Kind(kind), Comparison(comparison), name)
    raise ValueError("no predicate")
