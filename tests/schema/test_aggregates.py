"""Aggregates: exact figures of the rows that the caller may see, of what it sees in clear, and nothing of small cohorts (MSK-04)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auth.decide import Rights
from auth.rights import GrantItem, OpenClass, Operation, SharingClass, Shown
from connectors.selection import Binding, Kind, Undeliverable
from schema.answer import Answer
from schema.export import export_of
from schema.faults import Code, Fault
from schema.model import Resource, Snapshot
from schema.questions import MOST_QUESTIONS, Question, Questions, TooMany
from tests.schema.city import DEPARTMENTS, EVERY, MemorySource, grant, item, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

LEVY = Resource(
    code="civil_affairs.levy",
    department="civil_affairs",
    name="征缴",
    plural="levies",
    source="civil_affairs.db",
    binding=Binding("levy"),
    identifiers=("serial_no",),
    stable_key="pk",
    stable_kind=Kind.BIGINT,
    items={
        each.code: each
        for each in (
            item("serial_no", "no"),
            item("kind", "k"),
            item("district", "d"),
            item("amount", "a", Kind.DECIMAL),
            item("persons", "p", Kind.INTEGER),
            item("paid_on", "on", Kind.DATE),
            item("secret", "s", Kind.DECIMAL),
            item("unfiltered", "u", Kind.DECIMAL, filterable=False),
        )
    },
    sharing_class=SharingClass.CONDITIONAL,
    operations=EVERY,
)
AMOUNTS = ("0.10", "0.20", "99999999999999999999.99")


def levy(pk: int, kind: str, district: str, **more: Any) -> dict[str, Any]:
    return {"pk": pk, "no": f"N{pk}", "k": kind, "d": district, "a": AMOUNTS[pk % 3], "p": pk, "on": f"2026-01-{pk % 28 + 1:02}", "s": "1", "u": "1.5", **more}


ROWS = [levy(i, "ab"[i % 2], "520102" if i < 30 else "520103") for i in range(40)]
ITEMS = (
    *(GrantItem(code, Shown.CLEAR) for code in ("kind", "district", "amount", "persons", "paid_on", "unfiltered")),
    GrantItem("serial_no", Shown.ABSENT, key=True),
)
ASKING = rights(
    grant(resource=LEVY.code, items=(*ITEMS, GrantItem("secret", Shown.MASKED))), scopes=frozenset(f"{o.scope_prefix}:{LEVY.code}" for o in Operation)
)


def levies(rows: list[dict[str, Any]] | None = None, **changed: Any) -> tuple[Hub, MemorySource]:
    """A hub over these rows, and its source."""
    source = MemorySource({"levy": ROWS if rows is None else rows})
    made = replace(LEVY, **changed)
    return Hub(Snapshot(1, DEPARTMENTS, {}, {made.code: made}), opened={"civil_affairs.db": source}), source


def found(answer: Answer, name: str = "leviesAggregate") -> Any:
    assert not answer.errors, [error.fault.en for error in answer.errors]
    return answer.data["civilAffairs"][name]


async def ask(hub: Hub, text: str, questions: Questions | None = None, caller: Rights = ASKING) -> Answer:
    view = hub.view(caller)
    return await hub.planned(view, hub.documents.check(f"{{ civilAffairs {{ {text} }} }}", view), {}, questions=questions)


FIGURES = "count sum { amount persons } avg { amount persons } min { paidOn persons amount } max { paidOn amount }"


async def test_figures_are_exact() -> None:
    hub, _ = levies(cohort=1)
    whole = found(await ask(hub, f'leviesAggregate(where: {{kind: {{eq: "a"}}}}) {{ withheld {FIGURES} groups {{ count }} moreGroups __typename }}'))
    mine = [row for row in ROWS if row["k"] == "a"]
    assert whole == {
        "withheld": False,
        "count": 20,
        "sum": {"amount": total(mine), "persons": sum(row["p"] for row in mine)},
        "avg": {"amount": mean(mine), "persons": "19"},
        "min": {"paidOn": "2026-01-01", "persons": 0, "amount": "0.1"},
        "max": {"paidOn": "2026-01-27", "amount": "99999999999999999999.99"},
        "groups": None,
        "moreGroups": False,
        "__typename": "CivilAffairsLevyAggregate",
    }


def total(rows: list[dict[str, Any]]) -> str:
    """In cents, as integers."""
    cents = sum(int(row["a"].replace(".", "")) for row in rows)
    return f"{cents // 100}.{cents % 100:02}".rstrip("0")


def mean(rows: list[dict[str, Any]]) -> str:
    cents = sum(int(row["a"].replace(".", "")) for row in rows) * 10**8
    whole, rest = divmod(cents, len(rows))
    assert rest == 0
    return f"{whole // 10**10}.{whole % 10**10:010}".rstrip("0")


async def test_groups_are_ordered_by_their_values_and_cut_at_first() -> None:
    hub, _ = levies([*ROWS, levy(40, "a", "520103", k=None)], cohort=1)
    text = "leviesAggregate(groupBy: [kind, district], first: 3) { count groups { key { district kind } count sum { persons } } moreGroups }"
    whole = found(await ask(hub, text))
    rows = [("520102", "a"), ("520103", "a"), ("520102", "b")]
    assert [(each["key"]["district"], each["key"]["kind"]) for each in whole["groups"]] == rows
    for each, (district, kind) in zip(whole["groups"], rows, strict=True):
        mine = [row["p"] for row in ROWS if (row["d"], row["k"]) == (district, kind)]
        assert (each["count"], each["sum"]["persons"]) == (len(mine), sum(mine))
    assert (whole["count"], whole["moreGroups"]) == (41, True)
    last = found(await ask(hub, text.replace("first: 3", "first: 9")))["groups"][-1]
    assert last["key"]["kind"] is None, "nulls are a group, the last"
    assert found(await ask(hub, text.replace("first: 3", "first: null"))) == found(await ask(hub, text.replace(", first: 3", "")))


async def test_the_row_condition_holds_and_no_row_and_no_subject_is_noted() -> None:
    hub, source = levies()
    limited = rights(grant(resource=LEVY.code, items=ITEMS, rows='{"district":{"eq":"520102"}}'), scopes=ASKING.scopes)
    answer = await ask(hub, "leviesAggregate(where: {paidOn: {isNull: false}}, groupBy: [kind]) { count sum { persons } max { amount } }", caller=limited)
    assert found(answer)["count"] == 30
    (access,) = answer.accesses.values()
    assert (access.rows, access.subjects, access.operation) == (0, {}, Operation.QUERY)
    assert {(use.code, use.shown) for use in access.uses} == {("persons", "aggregate"), ("kind", "aggregate"), ("amount", "clear"), ("paid_on", "match")}
    assert len(source.asked) == 1


async def test_a_value_that_cannot_be_delivered_is_told_where_a_figure_would_hold_it() -> None:
    hub, _ = levies([*ROWS[:39], {**ROWS[39], "p": 2**40}], cohort=1)
    answer = await ask(hub, "leviesAggregate { max { persons } }")
    assert (answer.data["civilAffairs"]["leviesAggregate"], [error.fault.code for error in answer.errors]) == (None, [Code.SOURCE_VALUE])
    assert found(await ask(hub, "leviesAggregate { sum { persons } }"))["sum"]["persons"] > 2**40, "sums are BigInt"


HIDDEN = ("secret", "serialNo", "zzzzz")
"""Masked; key only; misspelt."""


@pytest.mark.parametrize(
    "text",
    [
        "leviesAggregate(groupBy: [NAME]) { count }",
        "leviesAggregate { count sum { NAME } }",
        "leviesAggregate { avg { NAME } }",
        "leviesAggregate { min { NAME } }",
        "leviesAggregate { max { NAME } }",
        "leviesAggregate(where: {NAME: {isNull: true}}) { count }",
        "leviesAggregate(groupBy: [kind]) { groups { key { NAME } } }",
        "leviesAggregate(groupBy: [kind]) { groups { min { NAME } } }",
    ],
)
async def test_e4_hidden_items_read_as_misspelt_ones_in_aggregates(text: str) -> None:
    hub, source = levies()
    told = set()
    for name in HIDDEN:
        with pytest.raises(Fault) as refused:
            await ask(hub, text.replace("NAME", name))
        told.add((refused.value.code, refused.value.en.replace(name, "NAME")))
    assert len(told) == 1
    assert source.asked == []


async def test_e4_what_is_not_filterable_is_added_up_but_neither_grouped_nor_told_by_its_extremes() -> None:
    hub, _ = levies()
    assert found(await ask(hub, "leviesAggregate { sum { unfiltered } }"))["sum"] == {"unfiltered": "60"}
    for text in ("leviesAggregate { min { unfiltered } }", "leviesAggregate(groupBy: [unfiltered]) { count }"):
        with pytest.raises(Fault):
            await ask(hub, text)


async def test_e4_small_cohorts_are_withheld_alike_whether_there_is_a_row_or_not() -> None:
    hub, source = levies()
    bodies, statements = [], []
    for where in ("{persons: {eq: 3}}", "{persons: {lt: 9}}", "{persons: {eq: 99}}", "{persons: {gt: 2}}", "{not: {persons: {eq: 3}}}"):
        source.asked.clear()
        bodies.append(found(await ask(hub, f"leviesAggregate(where: {where}) {{ withheld {FIGURES} }}")))
        statements.append([(each.method, each.selection.outputs, each.selection.where) for each in source.asked])
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["withheld"] is True
    assert bodies[0]["count"] is None
    assert all(value is None for figure in ("sum", "avg", "min", "max") for value in bodies[0][figure].values())
    assert all(each == statements[0] for each in statements), "the same statement, for whatever reason"


async def test_e4_a_list_does_not_tell_how_many_where_they_are_few() -> None:
    hub, _ = levies()
    for where, count in (("{persons: {lt: 10}}", 10), ("{persons: {lt: 9}}", None), ("{persons: {eq: 99}}", None), ("{persons: {gt: 2}}", 37)):
        assert found(await ask(hub, f"levies(where: {where}) {{ totalCount }}"), "levies")["totalCount"] == count


async def test_a_page_that_shows_all_rows_tells_how_many_they_are() -> None:
    """Its rows are in the ledger; whoever asks for less is not told."""
    hub, _ = levies()
    for selected, count in (
        ("nodes { __typename }", 9),
        ("edges { cursor }", 9),
        ("... on CivilAffairsLevyConnection { nodes { __typename } }", 9),
        ("pageInfo { hasNextPage }", None),
        ("nodes @skip(if: true) { __typename }", None),
    ):
        assert found(await ask(hub, f"levies(where: {{persons: {{lt: 9}}}}) {{ totalCount {selected} }}"), "levies")["totalCount"] == count
    assert found(await ask(hub, "levies(first: 3, where: {persons: {lt: 9}}) { totalCount nodes { __typename } }"), "levies")["totalCount"] is None
    assert found(await ask(hub, "levies(where: {persons: {eq: 99}}) { totalCount nodes { __typename } }"), "levies")["totalCount"] == 0


async def test_e4_without_the_right_to_query_there_is_no_aggregate() -> None:
    hub, _ = levies()
    for operation in (Operation.VERIFY, Operation.EXCHANGE):
        few = rights(grant(resource=LEVY.code, items=ITEMS, operations=frozenset({operation})), scopes=ASKING.scopes)
        with pytest.raises(Fault) as refused:
            await ask(hub, "leviesAggregate { count }", caller=few)
        assert refused.value.en.startswith("Cannot query field 'leviesAggregate'")


async def test_the_public_counts_what_is_open_to_the_last_row() -> None:
    hub, _ = levies(level="PUBLIC", sharing_class=SharingClass.UNCONDITIONAL, open_class=OpenClass.OPEN)
    public = Rights(None, None, frozenset())
    assert found(await ask(hub, "leviesAggregate(where: {persons: {eq: 3}}) { count withheld }", caller=public)) == {"count": 1, "withheld": False}
    guarded, _ = levies(level="PUBLIC", sharing_class=SharingClass.UNCONDITIONAL, open_class=OpenClass.OPEN, cohort=5)
    assert found(await ask(guarded, "leviesAggregate(where: {persons: {eq: 3}}) { count withheld }", caller=public)) == {"count": None, "withheld": True}


async def test_aggregates_are_no_exchange_and_a_call_takes_twenty() -> None:
    hub, _ = levies(cohort=1)
    view = hub.view(ASKING)
    document = hub.documents.check("{ civilAffairs { leviesAggregate { count } } }", view)
    with pytest.raises(Fault) as refused:
        export_of(hub.plans.plan(view, document, document.operation(None), {}))
    assert refused.value.code is Code.BAD_INPUT
    with pytest.raises(Fault) as exhausted:
        await ask(hub, " ".join(f"a{i}: leviesAggregate {{ count }}" for i in range(21)))
    assert exhausted.value.code is Code.QUERY_BUDGET


COUNT = "leviesAggregate(where: WHERE) { count }"


async def counted(hub: Hub, questions: Questions, where: str) -> int | None:
    count: int | None = found(await ask(hub, COUNT.replace("WHERE", where), questions))["count"]
    return count


async def test_e5_the_difference_of_two_counts_is_withheld() -> None:
    hub, _ = levies()
    questions = Questions()
    assert await counted(hub, questions, "{persons: {lt: 20}}") == 20
    assert await counted(hub, questions, "{persons: {lt: 20}, not: {persons: {eq: 7}}}") is None, "20 - 19 is one row"
    assert await counted(hub, questions, "{persons: {lt: 21}}") is None, "21 - 20 too"
    assert await counted(hub, questions, "{persons: {gte: 11}}") is None, "less what both hold"
    assert await counted(hub, questions, "{persons: {lt: 30}}") == 30
    assert await counted(hub, questions, "{and: [{persons: {lt: 20}}]}") == 20, "the same question, written otherwise"
    assert await counted(hub, Questions(), "{persons: {lt: 21}}") == 21, "another department never asked"


async def test_e5_a_tracker_of_three_large_counts_is_withheld() -> None:
    """count(C or T) + count(C or not T) - count(all) is count(C): no two of them differ by few rows (Denning, Denning, Schwartz 1979)."""
    hub, _ = levies()
    questions = Questions()
    target, tracker = "{persons: {eq: 7}}", "{persons: {lt: 20}}"
    first = await counted(hub, questions, f"{{or: [{{persons: {{eq: 25}}}}, {tracker}]}}")
    second = await counted(hub, questions, f"{{or: [{{persons: {{eq: 25}}}}, {{not: {tracker}}}]}}")
    assert (first, second) == (21, None), "21 + 20 - 40 would tell of the row 25"
    assert await counted(hub, questions, target) is None


async def test_e5_aliases_of_one_document_are_judged_by_each_other() -> None:
    hub, _ = levies()
    text = "a: leviesAggregate(where: {persons: {lt: 20}}) { count } b: leviesAggregate(where: {persons: {lt: 21}}) { count }"
    answer = await ask(hub, text, Questions())
    assert [answer.data["civilAffairs"][key]["count"] for key in "ab"] == [20, None]


async def test_e5_groups_and_totals_do_not_differ_by_few_rows() -> None:
    rows = [levy(i, "a" if i < 20 else "b" if i < 37 else "c", "520102") for i in range(40)]
    hub, _ = levies(rows)
    questions = Questions()
    whole = found(await ask(hub, "leviesAggregate(groupBy: [kind]) { withheld count groups { key { kind } count } }", questions))
    assert whole == {"withheld": True, "count": 40, "groups": [{"key": {"kind": "a"}, "count": 20}]}, "b goes with c, whose 3 rows it would tell"
    assert await counted(hub, questions, '{kind: {eq: "b"}}') is None
    assert await counted(hub, questions, '{kind: {eq: "a"}}') == 20


async def test_e5_row_conditions_of_two_applications_do_not_differ_by_few_rows() -> None:
    """One department, two grants: what the one was told counts for the other."""
    hub, _ = levies()
    questions = Questions()
    one, other = (rights(grant(resource=LEVY.code, items=ITEMS, rows=f'{{"persons":{{"lt":{most}}}}}'), scopes=ASKING.scopes) for most in (30, 31))
    assert found(await ask(hub, "leviesAggregate { count }", questions, one))["count"] == 30
    assert found(await ask(hub, "leviesAggregate { count }", questions, other))["count"] is None


async def test_e5_so_many_questions_and_no_more() -> None:
    hub, source = levies()
    questions = Questions()
    for i in range(MOST_QUESTIONS):
        await counted(hub, questions, f"{{persons: {{eq: {i}}}}}")
    asked = len(source.asked)
    with pytest.raises(TooMany) as refused:
        await counted(hub, questions, "{persons: {eq: 1000}}")
    assert (refused.value.code, refused.value.retry_after, len(source.asked)) == (Code.RATE_LIMITED, 86400, asked)
    assert await counted(hub, questions, "{persons: {eq: 3}}") is None, "what was asked may be asked again"


async def test_e5_two_resources_over_one_table_are_asked_about_as_one() -> None:
    source = MemorySource({"levy": ROWS})
    other = replace(LEVY, code="civil_affairs.levy_again", plural="levies_again", items={**LEVY.items, "paid_on": item("paid_on", "on")})
    hub = Hub(Snapshot(1, DEPARTMENTS, {}, {each.code: each for each in (LEVY, other)}), opened={"civil_affairs.db": source})
    both = rights(
        *(grant(resource=each.code, items=ITEMS) for each in (LEVY, other)),
        scopes=ASKING.scopes | {f"{o.scope_prefix}:{other.code}" for o in Operation},
    )
    one, less = "{persons: {lt: 20}}", "{persons: {lt: 20}, not: {persons: {eq: 7}}}"
    questions = Questions()
    assert found(await ask(hub, f"leviesAggregate(where: {one}) {{ count }}", questions, both))["count"] == 20
    assert found(await ask(hub, f"leviesAgainAggregate(where: {less}) {{ count }}", questions, both), "leviesAgainAggregate")["count"] is None
    # The column is a text here and a date there.
    for name in ("leviesAggregate", "leviesAgainAggregate"):
        assert found(await ask(hub, f"{name}(groupBy: [paidOn]) {{ count groups {{ key {{ paidOn }} }} }}", questions, both), name)["count"] == 40


async def test_groups_whose_key_cannot_be_delivered_are_told_beside_groups_of_numbers() -> None:
    """Of equal size, so that the smallest to be withheld is found by the keys' order; and to be kept as a question."""
    bad = Undeliverable()
    hub, _ = levies([levy(i, "a", "520102", p=bad if i < 14 else 1 if i < 28 else 2) for i in range(33)])
    questions = Questions()
    answer = await ask(hub, "leviesAggregate(groupBy: [persons]) { count groups { key { persons } } }", questions)
    assert [error.fault.code for error in answer.errors] == [Code.SOURCE_VALUE]
    (asked,) = questions.by_rows.values()
    assert [Question.read(each.written()).answered for each in asked.known.values()] == [True]
