"""A service's types, introspected one by one as they are needed and kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import SourceRefused

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Sends a document with variables; the answer's data."""
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")
_WRAPPERS = {"NON_NULL": "{}!", "LIST": "[{}]"}
_REF = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
_FIELDS = f"""kind name fields(includeDeprecated: true) {{ name args {{ name defaultValue type {{ {_REF} }} }} type {{ {_REF} }} }}
    inputFields {{ name type {{ {_REF} }} }}"""
_QUERY_TYPE = f"{{ __schema {{ queryType {{ {_FIELDS} }} }} }}"
_TYPE = f"query ($name: String!) {{ __type(name: $name) {{ {_FIELDS} }} }}"


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A use of a type. ``text`` is how a variable declares it (``[String!]!``); ``name`` and ``kind`` are the innermost type's."""

    text: str
    name: str
    kind: str
    lists: int

    @property
    def required(self) -> bool:
        """It takes no null."""
        return self.text.endswith("!")

    @property
    def leaf(self) -> bool:
        """A scalar or an enumeration."""
        return self.kind in ("SCALAR", "ENUM")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field. ``optional`` where it may be left out."""

    type: TypeRef
    optional: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object type."""

    type: TypeRef
    arguments: Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class Type:
    """An object or input type; ``fields`` of the one, ``inputs`` of the other."""

    name: str
    fields: Mapping[str, Field]
    inputs: Mapping[str, TypeRef]


class Types:
    """The types of one service."""

    def __init__(self, source: str, ask: Ask) -> None:
        self._source = source
        self._ask = ask
        self._known: dict[str, Type] = {}
        self._lock = asyncio.Lock()

    async def query(self) -> Type:
        """The type of the service's query fields."""
        return await self._get("", _QUERY_TYPE, lambda data: data["__schema"]["queryType"])

    async def named(self, name: str) -> Type:
        """A type that another one named."""
        return await self._get(name, _TYPE, lambda data: data["__type"])

    async def _get(self, name: str, document: str, pick: Callable[[Mapping[str, Any]], Any]) -> Type:
        if name not in self._known:
            async with self._lock:
                if name not in self._known:
                    data = await self._ask(document, {"name": name} if name else {})
                    self._known[name] = self._read(data, pick)
        return self._known[name]

    def _read(self, data: Mapping[str, Any], pick: Callable[[Mapping[str, Any]], Any]) -> Type:
        try:
            return _type(pick(data))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceRefused(self._source, "the service does not tell its types by introspection; ask its operator to allow it for the hub") from error


def _type(raw: Any) -> Type:
    fields = {str(each["name"]): Field(_ref(each["type"]), _arguments(each)) for each in raw["fields"] or ()}
    inputs = {str(each["name"]): _ref(each["type"]) for each in raw["inputFields"] or ()}
    return Type(_name(raw["name"]), fields, inputs)


def _arguments(field: Any) -> dict[str, Argument]:
    found = {}
    for each in field["args"]:
        type_ = _ref(each["type"])
        found[str(each["name"])] = Argument(type_, not type_.required or each.get("defaultValue") is not None)
    return found


def _ref(raw: Any) -> TypeRef:
    wrap, lists = "{}", 0
    while raw["kind"] in _WRAPPERS:
        wrap = wrap.format(_WRAPPERS[raw["kind"]])
        lists += raw["kind"] == "LIST"
        raw = raw["ofType"]
    name = _name(raw["name"])
    return TypeRef(wrap.format(name), name, str(raw["kind"]), lists)


def _name(raw: Any) -> str:
    if not _NAME.match(raw):
        raise ValueError("no name of a type")
    return str(raw)
