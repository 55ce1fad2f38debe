"""Scopes of many resources in few words: never more than was asked for, never more than is owned."""

from __future__ import annotations

import pytest

from auth.condensed import askable, condensed, expanded

pytestmark = pytest.mark.fast
BASE = frozenset({"query:unconditional", "verify:unconditional", "governance:owner", "introspect"})
QUERY = frozenset({"query:tax.company", "query:tax.return"})
VERIFY = frozenset({"verify:tax.company"})
OWNED = BASE | QUERY | VERIFY


def test_all_of_an_operation_is_one_word_and_means_all_of_it() -> None:
    short = condensed(OWNED, OWNED)
    assert short == BASE | {"query:granted", "verify:granted"}
    assert expanded(short, OWNED) == OWNED


def test_what_was_not_asked_for_is_not_meant() -> None:
    some = BASE | VERIFY | {"query:tax.company"}
    short = condensed(some, OWNED)
    assert short == BASE | {"verify:granted", "query:tax.company"}
    assert expanded(short, OWNED) == some
    assert condensed(BASE, OWNED) == BASE


def test_a_word_means_what_is_owned_now() -> None:
    word = frozenset({"query:granted", "verify:granted"})
    assert expanded(word, BASE | {"query:tax.return"}) == {"query:tax.return"}
    assert expanded(word, BASE) == frozenset()
    assert expanded(OWNED, BASE) == BASE


def test_only_who_has_grants_may_ask_by_word() -> None:
    assert askable(OWNED) == OWNED | {"query:granted", "verify:granted"}
    assert askable(BASE) == BASE
