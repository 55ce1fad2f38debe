"""Introspection and SDL of a caller's view: made in a thread that pauses often; departments' parts are kept until one of them changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import orjson
from cachetools import LRUCache
from graphql import VariableValues

from hub.api.pauses import Aside
from schema.collect import Collector
from schema.introspection import Kept, Question, introspect, sdl
from schema.packed import Packed
from schema.plan import Plan
from schema.view import View

_KEPT_BYTES = 64 * 1024 * 1024
_PART_BYTES = 64 * 1024
DEPARTMENTS_HEADER = "huitong-departments"
"""Names the departments, by root field or code, that introspection and SDL are to be limited to."""


def departments_of(header: str | None, view: View) -> frozenset[str] | None:
    """The departments' codes in the header's value; ``None`` without it. Names that stand for no department of the caller's stand for nothing."""
    if header is None:
        return None
    known = view.faces.snapshot.by_root_field
    names = (name.strip() for name in header.split(","))
    return frozenset(known.get(name, name) for name in names if name)


class Introspector:
    """Answers ``__schema`` and ``__type``, and tells the SDL."""

    def __init__(self) -> None:
        self._aside = Aside()
        self._lock = threading.Lock()
        self._kept: LRUCache[tuple[object, ...], Packed] = LRUCache(_KEPT_BYTES, getsizeof=lambda part: len(part.data) + 200)

    async def answer(
        self, view: View, plan: Plan, key: str, variables: VariableValues, given: Mapping[str, object], only: frozenset[str] | None
    ) -> list[Packed]:
        """The JSON of the field under this response key. ``given`` are the variables as the request had them."""
        flags = {name: value for name, value in variables.coerced.items() if isinstance(value, bool)}
        question = Question(plan.others[key], Collector(plan.document.node, flags), variables)
        declared = {definition.variable.name.value for definition in plan.operation.variable_definitions or ()}
        values = orjson.dumps({name: value for name, value in given.items() if name in declared}, option=orjson.OPT_SORT_KEYS)
        name = plan.operation.name.value if plan.operation.name else None
        kept = self._keeping(view, (plan.document.sha256, name, values, key, only))
        return await self._aside.run(lambda pause: _of(view.apart(only), lambda apart: introspect(apart, question, kept, pause)))

    async def sdl(self, view: View, only: frozenset[str] | None) -> list[Packed]:
        """The view in the schema definition language."""
        return await self._aside.run(lambda pause: _of(view.apart(only), lambda apart: sdl(apart, self._keeping(view, ("sdl", only)), pause)))

    def _keeping(self, view: View, asked: tuple[object, ...]) -> Kept:
        return partial(self._part, view, asked)

    def _part(self, view: View, asked: tuple[object, ...], department: str, key: str, make: Callable[[], Iterator[bytes]]) -> Packed:
        place = (view.faces.wing(department).stamp, key, *asked)
        with self._lock:
            found = self._kept.get(place)
        if found is None:
            found = Packed.of(b"".join(make()))
            with self._lock:
                self._kept[place] = found
        return found


def _of(apart: View, work: Callable[[View], Iterable[bytes | Packed]]) -> list[Packed]:
    try:
        return _packed(work(apart))
    finally:
        apart.dismantle()


def _packed(pieces: Iterable[bytes | Packed]) -> list[Packed]:
    """Few parts, not many: what is plain is joined and packed."""
    found: list[Packed] = []
    texts: list[bytes] = []
    size = 0
    for piece in pieces:
        packed = isinstance(piece, Packed)
        if texts and (packed or size > _PART_BYTES):
            found.append(Packed.of(b"".join(texts)))
            texts, size = [], 0
        if isinstance(piece, Packed):
            found.append(piece)
        else:
            texts.append(piece)
            size += len(piece)
    return [*found, Packed.of(b"".join(texts))]
