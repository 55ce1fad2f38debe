"""Members of a JSON object that stand in it twice (RFC 8259 §4): parsers take one of them and say nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sized
from decimal import Decimal

_MEMBER = re.compile(rb'"[ \t\r\n]*:')


def member_twice(text: bytes, found: Sized) -> str | None:
    """A name that stands twice in the object itself, not within its values; ``found`` is what the text was parsed to."""
    # Each member has one colon; most texts have no other, and those that have seldom one behind a quote.
    if text.count(b":") == len(found) or len(_MEMBER.findall(text)) == len(found):
        return None
    seen: set[str] = set()
    for name, _ in json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=Decimal):
        if name in seen:
            return str(name)
        seen.add(name)
    return None
