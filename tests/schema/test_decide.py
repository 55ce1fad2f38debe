"""Decisions: sharing class × open class × level × scopes × grant, exhaustively (CLS-01, CLS-03, CLS-07), and the fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from auth.decide import Rights, decide
from auth.rights import GrantItem, GrantTerms, ItemPolicy, OpenClass, Operation, Purpose, Quota, ResourcePolicy, SharingClass, Shown
from masking.rules import Mask

pytestmark = pytest.mark.fast

NAME = Mask("NAME")
CODE = "a.b"
PURPOSE = Purpose("P", "s", "b")
U, C, N = SharingClass.UNCONDITIONAL, SharingClass.CONDITIONAL, SharingClass.NOT_SHARED


def item(code: str, sharing: SharingClass, sensitive: bool = False, share: Mask | None = None, share_denied: bool = False, **opened: Any) -> ItemPolicy:
    return ItemPolicy(code, sharing, sensitive, code == "key", share, share_denied, opened.get("mask"), opened.get("denied", False))


def policy(sharing: SharingClass, opened: OpenClass = OpenClass.CLOSED, public: bool = False, operations: Any = tuple(Operation)) -> ResourcePolicy:
    strictest = sharing
    items = (
        item("key", strictest),
        item("plain", strictest),
        item("masked", strictest, True, NAME, mask=NAME),
        item("bare", strictest, True),
        item("denied", strictest, True, None, True, denied=True),
        item("conditional", C if sharing is U else sharing),
        item("never", N),
    )
    return ResourcePolicy(CODE, "a", sharing, opened, public, frozenset(operations), {each.code: each for each in items})


def terms(**changed: Any) -> GrantTerms:
    items = tuple(GrantItem(code, Shown.CLEAR, key=True) for code in ("key", "plain", "masked", "bare", "denied", "conditional", "never", "unknown"))
    made = GrantTerms("g1", CODE, frozenset(Operation), items, '{"x":{"eq":"1"}}', (PURPOSE,), True, True, 7, "王局长")
    return replace(made, **changed)


def scopes(kind: str) -> frozenset[str]:
    target = {"unconditional": "unconditional", "resource": CODE, "other": "a.c"}.get(kind)
    return frozenset(f"{o.scope_prefix}:{target}" for o in Operation) if target else frozenset()


TABLE = list(product(SharingClass, OpenClass, (True, False), ("none", "unconditional", "resource", "other"), (False, True), (False, True)))


@pytest.mark.parametrize(("sharing", "opened", "public_level", "scoped", "granted", "anonymous"), TABLE)
def test_whether_the_resource_exists(sharing: SharingClass, opened: OpenClass, public_level: bool, scoped: str, granted: bool, anonymous: bool) -> None:
    rights = Rights(None if anonymous else "app", None, scopes(scoped), (), {CODE: terms()} if granted else {})
    decision = decide(policy(sharing, opened, public_level), rights)
    if sharing is N:
        expected = False  # CLS-07: no scope and no grant opens it
    elif anonymous:
        expected = opened is OpenClass.OPEN and public_level  # CLS-03
    elif sharing is U:
        expected = scoped == "unconditional"
    else:
        expected = granted and scoped == "resource"  # CLS-01, CLS-07: the token alone grants nothing
    assert (decision is not None) is expected
    if decision is not None:
        assert decision.operations == ({Operation.QUERY} if anonymous else set(Operation))


def shown(decision: Any) -> dict[str, str]:
    return {code: each.shown.value + ("+key" if each.key else "") for code, each in decision.items.items()}


def test_items_of_an_unconditional_resource() -> None:
    """CLS-01: of a mixed resource, who has no grant gets the unconditional items alone; a sensitive item without a mask is withheld."""
    found = decide(policy(U), Rights("app", None, scopes("unconditional")))
    assert found is not None
    assert shown(found) == {
        "key": "CLEAR+key",
        "plain": "CLEAR",
        "masked": "MASKED",
        "bare": "ABSENT",
        "denied": "ABSENT",
        "conditional": "ABSENT",
        "never": "ABSENT",
    }
    assert found.rows is None


def test_items_of_an_open_resource() -> None:
    found = decide(policy(U, OpenClass.OPEN, True), Rights(None, None, frozenset()))
    assert found is not None
    assert shown(found) == {
        "key": "CLEAR+key",
        "plain": "CLEAR",
        "masked": "MASKED",
        "bare": "ABSENT",
        "denied": "ABSENT",
        "conditional": "ABSENT",
        "never": "ABSENT",
    }


def test_items_of_a_conditional_resource_are_those_granted() -> None:
    items = (
        GrantItem("plain", Shown.MASKED, mask=NAME),
        GrantItem("masked", Shown.MASKED),
        GrantItem("bare", Shown.MASKED, key=True),
        GrantItem("never", Shown.CLEAR, True),
    )
    found = decide(policy(C), Rights("app", None, scopes("resource"), (), {CODE: terms(items=items)}))
    assert found is not None
    assert shown(found) == {
        "key": "ABSENT",
        "plain": "MASKED",
        "masked": "MASKED",
        "bare": "ABSENT+key",
        "denied": "ABSENT",
        "conditional": "ABSENT",
        "never": "ABSENT",
    }
    assert (found.rows, found.page_limit, found.approver, found.purposes) == ('{"x":{"eq":"1"}}', 7, "王局长", (PURPOSE,))


@pytest.mark.parametrize("offered", list(Operation))
@pytest.mark.parametrize("granted", list(Operation))
@pytest.mark.parametrize("scoped", list(Operation))
def test_operations_are_the_intersection(offered: Operation, granted: Operation, scoped: Operation) -> None:
    rights = Rights("app", None, frozenset({f"{scoped.scope_prefix}:{CODE}"}), (), {CODE: terms(operations=frozenset({granted}))})
    found = decide(policy(C, operations=[offered]), rights)
    assert (found is not None) is (offered is granted is scoped)


def test_a_masked_value_is_a_key_only_where_said() -> None:
    items = (GrantItem("masked", Shown.MASKED), GrantItem("plain", Shown.CLEAR), GrantItem("key", Shown.ABSENT, key=True))
    found = decide(policy(C), Rights("app", None, scopes("resource"), (), {CODE: terms(items=items)}))
    assert found is not None
    assert {code for code, each in found.items.items() if each.usable_as_key} == {"plain", "key"}


CHANGES: list[tuple[str, Any]] = [
    ("grant", "g2"),
    ("resource", "a.c"),
    ("operations", frozenset({Operation.QUERY})),
    ("items", terms().items[:-1]),
    ("items", (replace(terms().items[0], key=False), *terms().items[1:])),
    ("items", (replace(terms().items[0], value=Shown.MASKED), *terms().items[1:])),
    ("items", (replace(terms().items[0], mask=NAME), *terms().items[1:])),
    ("rows", None),
    ("rows", '{"x":{"eq":"2"}}'),
    ("purposes", ()),
    ("purposes", (Purpose("P", "s", "other"),)),
    ("per_claim", False),
    ("discloses_existence", False),
    ("page_limit", 8),
    ("approver", "other"),
    ("quota", Quota(5, None, "DAY")),
    ("quota", Quota(None, 5, "DAY")),
    ("rate", Quota(5, None, "MINUTE")),
    ("quota", Quota(5, None, "MONTH")),
    ("documents", frozenset({"0" * 64})),
]


def fingerprint(**changed: Any) -> str:
    return Rights("app", "d", scopes("resource"), (PURPOSE,), {CODE: terms(**changed)}).fingerprint


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_any_change_of_a_grant_changes_the_fingerprint(name: str, value: Any) -> None:
    assert fingerprint() == fingerprint()
    assert fingerprint(**{name: value}) != fingerprint()


def test_every_part_of_a_grant_is_among_those_changes() -> None:
    assert {name for name, _ in CHANGES} == {each.name for each in fields(GrantTerms)}
    assert len({fingerprint(**{name: value}) for name, value in CHANGES}) == len(CHANGES)


def test_what_else_changes_the_fingerprint_and_what_does_not() -> None:
    base = Rights("app", "d", frozenset({"query:a", "query:b"}), (PURPOSE,), {})
    same: list[Callable[[], Rights]] = [
        lambda: replace(base, scopes=frozenset(["query:b", "query:a"])),
        lambda: replace(base, application="other"),
        lambda: replace(base, department="other"),
    ]
    other: list[Callable[[], Rights]] = [
        lambda: replace(base, scopes=frozenset({"query:a"})),
        lambda: replace(base, scopes=frozenset({"query:a,query:b"})),
        lambda: replace(base, purposes=()),
        lambda: replace(base, application=None),
        lambda: replace(base, grants={CODE: terms()}),
    ]
    assert all(make().fingerprint == base.fingerprint for make in same)
    assert all(make().fingerprint != base.fingerprint for make in other)
    assert len(base.fingerprint) == 64


@pytest.mark.parametrize(
    ("operations", "rows", "added"),
    [(frozenset(Operation), None, True), (frozenset({Operation.VERIFY}), None, False), (frozenset(Operation), '{"a":{"eq":"1"}}', False)],
)
def test_a_grant_on_an_unconditional_resource_adds_all_or_nothing(operations: frozenset[Operation], rows: str | None, added: bool) -> None:
    """Its items become part of what every operation shows, for all rows; a grant of less must not widen the rest."""
    base = policy(U)
    code = next(iter(base.items))
    item = GrantItem(code, Shown.MASKED, mask=Mask("NULL"))
    grant = GrantTerms("g", base.code, operations, (item,), rows, (), True, True, 1000, "甲")
    found = decide(base, Rights("app", None, scopes("unconditional"), (), {base.code: grant}))
    assert found is not None
    assert (found.items[code].mask == Mask("NULL")) is added
