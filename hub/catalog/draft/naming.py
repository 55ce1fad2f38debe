"""Codes for tables and columns, by a rule that gives the same code for the same name, and none that GraphQL has for something else."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from hub.catalog.checks import RESERVED_ITEMS, RESERVED_TYPES, graphql_names
from hub.catalog.draft.words import in_english, is_chinese, plural, singular
from schema.naming import camel, pascal

_LONGEST = 60
_ROOM = 10
"""Characters that a suffix may add."""
_PREFIX = re.compile(r"^(?:t|tb|tbl|v|vw|view)_(?=[a-z])")


def code_of(name: str, fallback: str) -> str:
    """``AlbumId`` → ``album_id``, ``出生日期`` → ``birth_date``; of a name with an unknown word, ``fallback`` and a digest of the name."""
    words = _words(name)
    code = "_".join(words) if words else ""
    if not code:
        return f"{fallback}_{_digest(name)}"
    if code[0].isdigit():
        code = f"n{code}"
    most = _LONGEST - _ROOM
    return code if len(code) <= most else f"{code[: most - 7].rstrip('_')}_{_digest(name)}"


def _words(name: str) -> list[str] | None:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    words: list[str] = []
    for part in re.findall(r"[A-Za-z0-9]+|[^\W_A-Za-z0-9]+", spaced):
        if part.isascii():
            words.append(part.lower())
            continue
        english = in_english(part) if is_chinese(part) else None
        if english is None:
            return None
        words += english
    return words


def _digest(name: str) -> str:
    return "x" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def resource_codes(name: str) -> tuple[str, str]:
    """Code and plural of a table: ``tbl_Customers`` → ``customer``, ``customers``; where singular and plural are one word, ``…_list``."""
    code = _PREFIX.sub("", code_of(name, "resource"), count=1)
    head, _, last = code.rpartition("_")
    one = singular(last)
    many = plural(one)
    lead = f"{head}_" if head else ""
    return f"{lead}{one}", f"{lead}{many}" if many != one else f"{lead}{one}_list"


class ResourceNames:
    """Hands out codes of one department's resources, so that :mod:`hub.catalog.checks` finds nothing."""

    def __init__(self, owner: str, existing: Iterable[tuple[str, str]] = (), types: Iterable[str] = ()) -> None:
        self._owner = owner
        self._taken = {*RESERVED_TYPES, pascal(owner), *types}
        for code, many in existing:
            self._taken.update(*graphql_names(owner, code, many))

    def take(self, name: str, schema: str | None) -> tuple[str, str]:
        """Code and plural for a table; where they are taken, with its schema before them, or a number behind."""
        code, many = resource_codes(name)
        lead = code_of(schema, "schema") if schema else ""
        tries = [(code, many)]
        if lead and len(lead) + len(many) < _LONGEST - _ROOM:
            tries.append((f"{lead}_{code}", f"{lead}_{many}"))
        number = 1
        while True:
            for one, several in tries if number == 1 else [(f"{code}_n{number}", f"{many}_n{number}")]:
                names = [each for part in graphql_names(self._owner, one, several) for each in part]
                if len(set(names)) == len(names) and self._taken.isdisjoint(names):
                    self._taken.update(names)
                    return one, several
            number += 1


class ItemNames:
    """Hands out codes of one resource's items and links."""

    def __init__(self) -> None:
        self._taken = {camel(code) for code in RESERVED_ITEMS}

    def take(self, *wanted: str) -> str:
        """The first code that is free, or the first of them with a number behind."""
        numbered = (f"{wanted[0]}_n{number}" for number in range(2, 10_000))
        for code in (*wanted, *numbered):
            if camel(code) not in self._taken:
                self._taken.add(camel(code))
                return code
        raise AssertionError("more columns than any database has")
