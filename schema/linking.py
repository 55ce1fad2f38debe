"""Rows and their links: looked up batch by batch, those that need nothing of each other side by side, and rendered from the deepest level up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connectors.selection import Row, Undeliverable, Value
from schema.answer import Answer, Path, errors_at
from schema.batches import Batch
from schema.delivery import Mending
from schema.faults import Fault
from schema.reader import Exhausted, Reader
from schema.shapes import LinkStep, Shape
from schema.together import together
from schema.values import deliverable, fits, undeliverable, unfit


@dataclass(eq=False)
class Table:
    """The rows of one shape. ``path`` gives a root row's path; a linked row stands wherever ``parent`` has its key."""

    shape: Shape
    rows: Sequence[Row]
    path: Callable[[int], Path] | None = None
    parent: Table | None = None
    link: LinkStep | None = None
    keys: Mapping[Value, int] = field(default_factory=dict)
    """Key → the row's index."""

    def places(self) -> Iterator[tuple[Path, int]]:
        """(path in the answer, index of the row) of every place in which a row is shown. Made only when there is an error to tell."""
        if self.path is not None:
            yield from ((self.path(i), i) for i in range(len(self.rows)))
        elif self.parent is not None and self.link is not None:
            for path, i in self.parent.places():
                key = self.parent.rows[i][self.link.place]
                if _leads(key, self.keys):
                    yield (*path, self.link.response_key), self.keys[key]


def _leads(key: Value, keys: Container[Value]) -> bool:
    return key is not None and not isinstance(key, Undeliverable) and key in keys


class _Found(dict[Value, Any]):
    """Linked objects by key. An undeliverable key equals an empty text, and has none."""

    def get(self, key: Value, default: Any = None) -> Any:
        return default if isinstance(key, Undeliverable) else super().get(key, default)


class Linking:
    """The links of one root field's rows. ``unfits``: of a list's part, where it is noted which numbers do not fit, to be told of with those of the others."""

    def __init__(self, reader: Reader, answer: Answer, unfits: Mending | None = None) -> None:
        self._reader = reader
        self._answer = answer
        self._unfits = unfits
        self._tables: dict[Shape, Table] = {}
        self._odd: set[LinkStep] = set()

    def add(self, table: Table) -> None:
        """Rows to render, without those numbers that do not fit their GraphQL types: each is null with an error."""
        self._tables[table.shape] = table
        rows = table.rows
        # Looked for in the rows as they came: several response keys may show one place.
        for key, place, kind in table.shape.ranged:
            odd = {i for i, row in enumerate(rows) if not fits(row[place], kind)}
            if odd:
                paths = [(*path, key) for path, i in table.places() if i in odd]
                if self._unfits is None:
                    self._answer.errors += errors_at(paths, unfit(table.shape.face.resource, table.shape.items[key]))
                else:
                    for path in paths:
                        self._unfits.note(path)
                table.rows = [(*row[:place], None, *row[place + 1 :]) if i in odd else row for i, row in enumerate(table.rows)]

    async def look_up(self, batches: Sequence[Batch]) -> None:
        """Makes the calls, each as soon as the rows with its keys are there."""
        if all(batch.after == ((i - 1,) if i else ()) for i, batch in enumerate(batches)):
            for batch in batches:
                await self._look_up(batch)
            return
        done = [asyncio.Event() for _ in batches]

        async def look_up(i: int) -> None:
            for source in batches[i].after:
                await done[source].wait()
            await self._look_up(batches[i])
            done[i].set()

        await together([look_up(i) for i in range(len(batches))])

    async def _look_up(self, batch: Batch) -> None:
        members = [(shape, link, self._keys(self._tables[shape], link)) for shape, link in batch.members if shape in self._tables]
        wanted = list(dict.fromkeys(key for _, _, keys in members for key in keys))
        if not wanted:
            return
        try:
            found = await self._reader.linked(batch, wanted)
        except Exhausted:
            raise
        except Fault as fault:
            for shape, link, keys in members:
                self._tell(self._tables[shape], link, fault, partial(_leads, keys=keys))
            return
        for shape, link, keys in members:
            there = [key for key in keys if key in found]
            rows = [found[key] for key in there]
            self.add(Table(link.shape, rows, None, self._tables[shape], link, {key: i for i, key in enumerate(there)}))

    def _keys(self, table: Table, link: LinkStep) -> dict[Value, None]:
        """Distinct keys. One that cannot be delivered leads nowhere: the link is null with an error."""
        keys: dict[Value, None] = {}
        odd = False
        for row in table.rows:
            key = row[link.place]
            if isinstance(key, Undeliverable):
                odd = True
            elif key is not None:
                keys[key] = None
        if odd or not deliverable(list(keys)):
            self._odd.add(link)
            self._tell(table, link, undeliverable(table.shape.face.resource, link.item), lambda key: not deliverable(key))
            keys = {key: None for key in keys if deliverable(key)}
        return keys

    def _tell(self, table: Table, link: LinkStep, fault: Fault, affected: Callable[[Value], bool]) -> None:
        paths = [(*path, link.response_key) for path, i in table.places() if affected(table.rows[i][link.place])]
        self._answer.errors += errors_at(paths, fault)

    def rendered(self, shape: Shape) -> list[dict[str, Any]]:
        """The shape's rows as the answer's objects, in the order of the rows."""
        table = self._tables[shape]
        links = [self._objects(link) for link in shape.links]
        return shape.render(table.rows, links)

    def _objects(self, link: LinkStep) -> Mapping[Value, Any]:
        table = self._tables.get(link.shape)
        if table is None:
            return {}
        objects = zip(table.keys, self.rendered(link.shape), strict=True)
        return _Found(objects) if link in self._odd else dict(objects)
