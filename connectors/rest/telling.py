"""What a service tells beside its items: whether it succeeded, cursors, links, and how many there are."""

from __future__ import annotations

import re
from typing import Any

from connectors.errors import SourceRefused
from connectors.rest.answers import Format
from connectors.rest.endpoint import CountParameter, Endpoint, Paging, Success
from connectors.rest.exchange import Answer, fault
from connectors.rest.values import WrongType


def scalar_at(form: Format, document: Any, path: str) -> Any:
    """What lies at a path, null also where that is no single value."""
    try:
        return form.at(document, path)
    except WrongType:
        return None


def number_at(form: Format, document: Any, path: str) -> int | None:
    """The number at a path, also where it is written as text; ``None`` where there is none."""
    found = scalar_at(form, document, path)
    if isinstance(found, str) and found.strip().isascii() and found.strip().isdigit():
        found = int(found.strip()[:18])
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def more_of(source: str, form: Format, document: Any, count: int, paging: Paging) -> bool | None:
    """Whether another page follows, as the answer's flag tells; ``None`` where none is declared. An answer of no items may leave it out.

    Raises:
        SourceRefused: the flag is missing, or none.
    """
    path = paging.more or paging.last
    if path is None:
        return None
    found = scalar_at(form, document, path)
    if found is None and count == 0:
        return False
    flag = _FLAGS.get(str(found).strip().lower()) if isinstance(found, bool | int | str) else None
    if flag is None:
        raise SourceRefused(source, f"the service does not tell by true or false at {path} whether another page follows; correct `paging`")
    return flag is (paging.more is not None)


def told(form: Format, answer: Answer, document: Any, count: CountParameter) -> int | None:
    """The total that an answer tells: in its document, or in a header, there also as the range of a page has it (RFC 9110 §14.4)."""
    if count.header is None:
        return number_at(form, document, count.total or "")
    found = _TOTAL.fullmatch(answer.headers.get(count.header, "").strip())
    return int(found[1]) if found else None


def total_of(form: Format, answer: Answer, document: Any, endpoint: Endpoint) -> int:
    """The total that every answer tells, 0 where none does."""
    count = endpoint.count
    return 0 if count is None or count.parameter is not None else told(form, answer, document, count) or 0


def is_none(form: Format, answer: Answer, document: Any, path: str, endpoint: Endpoint) -> bool:
    """Nothing lies where the array should, and the service says that there is nothing: many leave an empty array out, or write null."""
    if scalar_at(form, document, path) is not None:
        return False
    count, pages = endpoint.count, endpoint.paging.pages
    return (count is not None and told(form, answer, document, count) == 0) or (pages is not None and number_at(form, document, pages) == 0)


def succeeded(source: str, form: Format, document: Any, success: Success | None) -> bool:
    """Whether an answer with status 200 holds what was asked for; false where it says that there is no such row.

    Raises:
        SourceFault: it tells of an error: as the status does that it names, else as one that nobody knows.
    """
    if success is None:
        return True
    found = scalar_at(form, document, success.path)
    told = str(found).lower() if isinstance(found, bool) else str(found)
    if told in success.values:
        return True
    if told in success.none:
        return False
    if told in _STATUSES:
        raise fault(source, int(told))
    where = f"nothing at {success.path}" if found is None else f"at {success.path} none of `values`"
    raise SourceRefused(source, f"the service tells of an error with status 200: {where} in `success`")


_TOTAL = re.compile(r"(?:(?:[A-Za-z-]+ +)?(?:\*|[0-9]+-[0-9]+) */ *)?([0-9]{1,18})")
_FLAGS = {"true": True, "1": True, "y": True, "yes": True, "false": False, "0": False, "n": False, "no": False}
_STATUSES = frozenset(map(str, range(400, 600)))
"""Codes by which services mean HTTP's own (RFC 9110 §15.5, §15.6)."""
