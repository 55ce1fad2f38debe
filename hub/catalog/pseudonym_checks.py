"""Where pseudonyms must not be: on items of few values, for which equality alone tells the value, and of a project that no grant names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from masking.pseudonym import project_of, pseudonymises
from masking.rules import Mask

Fault = tuple[str, str, str]
"""(code, message, hint)."""
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")


def cardinality(mask: Mask, few: bool) -> Iterator[Fault]:
    """A pseudonym of an item of few values."""
    if few and pseudonymises(mask):
        message = "取值少的信息项不得以假名提供 an item of few values may not be shown as pseudonym: how often each occurs tells which it is"
        yield "PSEUDONYM_CARDINALITY", message, "请换用其他规则或 use another rule, or DENY"


def project_in_catalog(mask: Mask) -> Iterator[Fault]:
    """A joint project in a catalog: its pseudonyms would be those of everybody who has a grant."""
    if pseudonymises(mask) and project_of(mask):
        yield "PSEUDONYM_PROJECT", "联合项目由授权指明 a joint project is named by grants, not by the catalog", "PSEUDONYM"


def project_in_grant(mask: Mask) -> Iterator[Fault]:
    """A project whose code could be taken for another's."""
    if pseudonymises(mask) and project_of(mask) and not _PROJECT.match(project_of(mask)):
        yield "BAD_INPUT", f"项目代码不合格式 wrong project code: {project_of(mask)}", "[a-z0-9._-], e.g. PSEUDONYM(housing-2026)"
