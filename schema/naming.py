"""Catalog codes ↔ GraphQL names: ``civil_affairs`` → ``civilAffairs``, ``civil_affairs.person`` → ``CivilAffairsPerson``."""

from __future__ import annotations

import re
from functools import lru_cache

CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
"""What a code of a department, source, resource, item or link field looks like; at most 60 characters."""
AGGREGATE_SUFFIXES = ("Aggregate", "AggregateBy", "AggregateGroup", "AggregateKey", "AggregateSum", "AggregateAverage", "AggregateExtreme")
TYPE_SUFFIXES = ("", "Where", "Order", "Connection", "Edge", "Subject", "Claims", "VerificationRequest", *AGGREGATE_SUFFIXES)
"""What the types of one resource are called behind its own name."""


@lru_cache(maxsize=65536)
def camel(code: str) -> str:
    """``birth_date`` → ``birthDate``."""
    head, *rest = code.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(code: str) -> str:
    """``birth_date`` → ``BirthDate``."""
    name = camel(code)
    return name[:1].upper() + name[1:]


def type_name(resource: str) -> str:
    """``civil_affairs.person`` → ``CivilAffairsPerson``."""
    department, _, short = resource.partition(".")
    return pascal(department) + pascal(short)


def described(zh: str, en: str) -> str | None:
    """A description as every generated type carries it: Chinese, blank line, English."""
    return "\n\n".join(text for text in (zh, en) if text) or None
