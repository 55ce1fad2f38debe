"""XML answers. All values are texts; a document with a type definition or entities of its own is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from connectors.errors import SourceRefused
from connectors.rest import values
from connectors.rest.charsets import is_chinese, utf8
from connectors.rest.paths import element, joined, split
from connectors.selection import Kind
from connectors.threads import Threads

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DECLARED = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_CAREFUL: Any = DefusedXMLParser
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_DEEPEST = 8
_AT_ONCE = 2
_THREADS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Threads]] = WeakKeyDictionary()
"""By source: documents that take long keep no other source's waiting."""


class Xml:
    """See :class:`connectors.rest.answers.Format`.

    Elements and attributes are called by their local names, attributes with ``@`` in front. A path begins below the root.
    The items are all elements at their path. ``phone.0`` is the first of several elements of a name. Null is an element that is missing
    or has ``xsi:nil="true"``; an empty one is the empty text, and null where the type has no empty text.
    """

    accept = "application/xml, text/xml;q=0.9"
    readers: Mapping[Kind, values.Reader] = values.TEXTS

    async def parse(self, source: str, body: bytes, charset: str | None, exact: bool, assumed: str = "utf-8") -> Any:
        """The root. Parsed beside the event loop, as the careful parser is slow."""
        threads = _THREADS.setdefault(asyncio.get_running_loop(), {})
        return await threads.setdefault(source, Threads(f"xml {source}", _AT_ONCE)).run(_root, source, body, charset, assumed)

    def items(self, document: Any, path: str) -> list[Any] | None:
        """Elements have no arrays: none at the path are none."""
        found = [document]
        for name in split(path):
            found = _children(found, name)
        return found

    def at(self, item: Any, path: str) -> Any:
        """The text at a path."""
        found = [item]
        for name in split(path):
            if name.startswith("@"):
                return _attribute(found, name[1:])
            place = element(name)
            found = _children(found, name) if place is None else found[place : place + 1]
        return _text(found)

    def is_item(self, item: Any) -> bool:
        """Every element can."""
        return True

    def alike(self, items: Sequence[Any], others: Sequence[Any]) -> bool:
        """By the values that items can have."""
        return len(items) == len(others) and all(list(self.flat(a)) == list(self.flat(b)) for a, b in zip(items, others, strict=True))

    def flat(self, item: Any) -> Iterator[tuple[str, Any]]:
        """Attributes and elements without children."""
        return _flat(item, ())


def _root(source: str, body: bytes, charset: str | None, assumed: str) -> Element:
    told = _told(body, charset)
    named = told or assumed
    recoded = utf8(body, named)
    # The parser knows no charset of several bytes, though all that is written in it be ASCII, and heeds the declaration alone.
    parser = _CAREFUL(encoding="utf-8" if is_chinese(named) or recoded != body or (told == "utf-8" and _is_utf8(recoded)) else None, forbid_dtd=True)
    try:
        parser.feed(recoded)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise SourceRefused(source, "the service's answer has a document type or entities, which are not read") from error
    except (ParseError, LookupError, ValueError) as error:
        raise SourceRefused(source, "the service's answer is no XML, or was cut off") from error
    if _local(root.tag).lower() == "html":
        raise SourceRefused(source, "the service's answer is a page of HTML; check `path` and `auth`")
    return root


def _is_utf8(body: bytes) -> bool:
    """Frameworks call all that they send so; the declaration of what is not may be true."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _told(body: bytes, charset: str | None) -> str:
    """The charset by the Content-Type, else by the declaration. One that can be read is in no UTF-16, though .NET writes so of texts that become UTF-8."""
    declared = _DECLARED.match(body)
    name = (charset or (declared[1].decode() if declared else "")).strip("\"' ").lower()
    return "utf-8" if declared and name.startswith("utf-16") else name


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(found: Sequence[Element], name: str) -> list[Element]:
    return [child for each in found for child in each if _local(child.tag) == name]


def _attribute(found: Sequence[Element], name: str) -> str | None:
    if len(found) > 1:
        raise values.WrongType
    return next((value for each in found for key, value in each.attrib.items() if _local(key) == name), None)


def _text(found: Sequence[Element]) -> str | None:
    if not found or found[0].get(_NIL) in ("true", "1"):
        return None
    if len(found) > 1 or len(found[0]):
        raise values.WrongType
    return found[0].text or ""


def _flat(item: Element, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in item.attrib.items():
        if key != _NIL:
            yield joined((*names, f"@{_local(key)}")), value
    for child in item:
        path = (*names, _local(child.tag))
        if len(child) == 0 or len(names) >= _DEEPEST:
            yield joined(path), child.text
        if len(names) < _DEEPEST:
            yield from _flat(child, path)
