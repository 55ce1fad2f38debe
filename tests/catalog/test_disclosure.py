"""The disclosure diff: who newly sees what, decided by the rules of calls; empty where nothing changes; bounded in what it reads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from typer.testing import CliRunner

from auth.decide import Rights, decide
from auth.rights import GrantItem, GrantTerms, OpenClass, Operation, SharingClass, Shown
from connectors.selection import Binding, Kind
from hub.catalog.disclosure import Change, Seen, State, Viewer, compare
from hub.catalog.disclosure_report import Asked, Report, compared, disclosure
from hub.catalog.disclosure_versions import Holder
from hub.catalog.disclosure_words import sentences
from hub.cli.app import app
from hub.core import Core
from hub.masking.order import Order, order
from hub.sharing.registry import PUBLIC
from hub.store.base import now
from masking.rules import DENY, parse_mask
from schema.model import Item, Resource
from tests.catalog.homes import CONSOLE, IMPORTER, SECURITY, publish, refused
from tests.catalog.small import SMALL, changed
from tests.people.house import entries
from tests.sharing.terms import terms

pytestmark = pytest.mark.slow
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
MASKED = [{"code": "id_number", "value": "MASKED", "key": True}, {"code": "birth_date", "value": "CLEAR"}]
OTHER = {"housing": ("市住建局", "11520100009395416E"), "transport": ("市交通局", "11520100009392151C")}


def of(core: Core, **asked: Any) -> Report:
    with core.engine.connect() as connection:
        return disclosure(connection, Asked(**asked))


def test_applications_with_equal_terms_are_decided_once_and_all_told() -> None:
    old, new = (resource_with(label) for label in ("NAME", "NULL"))
    masked = GrantTerms("g", "a.b", frozenset({Operation.QUERY}), (GrantItem("i0", Shown.MASKED),), None, (), False, False, 10, "x")
    holding = {"a.b": [Holder(Viewer("APPLICATION", f"app{n}", "d"), replace(masked, grant=f"g{n}", rows=f'{{"n":{n}}}')) for n in range(500)]}
    found = compared("1", "2", ["a.b"], ({"a.b": old}, {"a.b": new}), (holding, holding))
    assert (found.compared, len(found.changes), found.wider) == (3, 500, 0)
    assert {change.viewer.name for change in found.changes} == {f"app{n}" for n in range(500)}


def resource_with(mask: str) -> Resource:
    items = {"i0": Item("i0", "i", Kind.STRING, "c", share_mask=mask)}
    return Resource(
        "a.b", "a", "b", "bs", "a.s", Binding("b"), ("i0",), "pk", Kind.BIGINT, items, sharing_class=SharingClass.CONDITIONAL, operations=frozenset(Operation)
    )


def told(report: Report) -> list[str]:
    return [en for change in report.changes for _, en in sentences(change)]


@pytest.fixture
def held(core: Core) -> Core:
    """``housing`` sees the number masked and as a key, the birthday in clear."""
    publish(core, SMALL)
    core.sharing.create_application(CONSOLE, "housing", "civil_affairs", PURPOSES, [])
    core.sharing.create_application(CONSOLE, "idle", "civil_affairs", PURPOSES, [])
    core.sharing.create_grant(CONSOLE, terms(rows=None, items=MASKED))
    core.registry.refresh()
    return core


def test_a_weaker_mask_is_told_to_the_reviewer_for_whoever_sees_it(held: Core) -> None:
    made = held.catalog.import_manifest(IMPORTER, changed('mask = {share = "NAME"}', 'mask = {share = "KEEP_FIRST_3_LAST_4"}'))
    found = of(held, manifest=made.id)
    assert found == of(held, pending=True)
    (change,) = found.changes
    assert (change.viewer.name, change.resource, change.items[0].changes) == ("housing", "civil_affairs.person", (Change.CHANGED_MASK,))
    held.catalog.review(SECURITY, made.id, True, "")
    number = held.catalog.publish(SECURITY, made.id)
    assert of(held, first=number - 1, last=number).digest == found.digest == of(held).digest
    publish(held, changed('mask = {share = "NAME"}', 'mask = {share = "KEEP_FIRST_6_LAST_4"}'))
    assert told(of(held)) == [
        "application housing (civil_affairs) sees item civil_affairs.person.id_number through a weaker mask: "
        "masked(KEEP_FIRST_3_LAST_4@1) + key → masked(KEEP_FIRST_6_LAST_4@1) + key"
    ]
    assert of(held).wider == 1


def test_equal_versions_and_other_words_disclose_nothing(held: Core) -> None:
    assert of(held, first=1, last=1).changes == ()
    publish(held, changed('name = "人口"', 'name = "常住人口"'))
    found = of(held)
    assert found.changes == ()
    assert found.compared == 3
    assert found.digest == of(held, first=1, last=1).digest


def test_opening_to_the_public_and_to_every_department_is_told_once_for_all(held: Core) -> None:
    text = changed('sharing_class = "CONDITIONAL"', 'sharing_class = "UNCONDITIONAL"')
    text = changed('open_class = "CLOSED"', 'open_class = "OPEN"', changed('level = "INTERNAL"', 'level = "PUBLIC"', text))
    publish(held, text)
    found = of(held)
    kinds = {change.viewer.kind: {item.item: item.after.seen for item in change.items} for change in found.changes}
    assert kinds["PUBLIC"]["birth_date"] is Seen.CLEAR
    assert kinds["EVERY_DEPARTMENT"]["id_number"] is Seen.MASKED
    assert "the public newly sees item civil_affairs.person.birth_date in clear (before: absent)" in told(found)


def test_smaller_cohorts_are_told(held: Core) -> None:
    publish(held, changed('stable_key = "pk"', 'stable_key = "pk"\ncohort = 20'))
    assert (told(of(held)), of(held).wider) == (["application housing (civil_affairs): condition least_cohort of resource civil_affairs.person: 10 → 20"], 0)
    publish(held, SMALL)
    assert of(held).wider == 1


def test_what_a_value_is_read_from_is_told(held: Core) -> None:
    publish(held, changed('column = "born"', 'column = "died"'))
    assert told(of(held)) == ["application housing (civil_affairs) sees item civil_affairs.person.birth_date read from another place of the source"]
    publish(held, SMALL)
    publish(held, changed('url = "', 'url = "postgresql+asyncpg://archive/', changed('kind = "sql"', 'kind = "sql"\npool = 3')))
    assert len(told(of(held))) == 2, "every item, from another database"
    publish(held, changed('kind = "sql"', 'kind = "sql"\npool = 3'))
    publish(held, SMALL)
    assert told(of(held)) == [], "how many connections there are is no matter of what is read"


def test_grants_at_two_moments(held: Core) -> None:
    first = now()
    assert of(held, first_at=first).changes == ()
    with held.engine.connect() as connection:
        number = str(connection.exec_driver_sql("SELECT id FROM grant_").scalar_one())
    held.sharing.change_grant(CONSOLE, number, "SUSPENDED")
    paused = now()
    assert [item.changes for item in of(held, first_at=first).changes[0].items] == [
        (Change.GONE, Change.NO_LONGER_KEY),
        (Change.GONE, Change.NO_LONGER_VERIFIED),
    ]
    held.sharing.change_grant(CONSOLE, number, "ACTIVE")
    assert of(held, first_at=first).changes == ()
    assert of(held, first_at=paused).changes[0].added == (Operation.QUERY, Operation.VERIFY)
    assert of(held, first_at=first, last_at=first).changes == ()


def test_what_is_not_there_is_refused(held: Core) -> None:
    assert refused(of, held, first=99)[0].code == "NOT_FOUND"
    assert refused(of, held, pending=True)[0].code == "NOT_FOUND"
    assert refused(of, held, manifest=10**12)[0].code == "NOT_FOUND"
    assert refused(of, held, manifest=1, last=1)[0].code == "BAD_INPUT"
    assert refused(of, held, last_at=now())[0].code == "BAD_INPUT"


def test_only_departments_that_changed_are_read_and_only_their_grants(held: Core) -> None:
    for code, (name, uscc) in OTHER.items():
        publish(
            held,
            changed('"civil_affairs"', f'"{code}"', SMALL)
            .replace("civil_affairs.person", f"{code}.person")
            .replace("市民政局", name)
            .replace("115201000093900013", uscc),
        )
    publish(held, changed('mask = {share = "NAME"}', 'mask = {share = "NULL"}'))
    seen: list[str] = []
    event.listen(held.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    found = of(held)
    assert found.compared == 3
    assert len(seen) <= 8
    assert sum("catalog_manifest.text" in statement for statement in seen) == 2


def test_a_link_from_a_masked_key_is_told(held: Core) -> None:
    """It may lead to where the same value stands in clear."""
    link = changed(
        "[[resources.links]]", '[[resources.links]]\nfield = "mother"\nitem = "id_number"\nto = "civil_affairs.person.id_number"\n\n[[resources.links]]'
    )
    publish(held, link)
    own, more = "parent: id_number → civil_affairs.person.id_number", "mother: id_number → civil_affairs.person.id_number"
    both = f'["{more}", "{own}"]'
    assert told(of(held)) == [f'application housing (civil_affairs): condition links of resource civil_affairs.person: ["{own}"] → {both}']
    assert of(held).wider == 1
    publish(held, changed("[[resources.links]]", "[[resources.links]]"))
    assert of(held).wider == 0


def test_the_review_enters_what_it_would_disclose(held: Core) -> None:
    made = held.catalog.import_manifest(IMPORTER, changed('mask = {share = "NAME"}', ""))
    digest = of(held, manifest=made.id).digest
    stale = refused(held.catalog.review, SECURITY, made.id, True, "", "0" * 64)
    assert (stale[0].code, stale[0].path) == ("CONFLICT", "disclosure")
    held.catalog.review(SECURITY, made.id, True, "", digest)
    reviews = [json.loads(entry) for entry in entries(held) if '"reviewCatalog"' in entry]
    assert [(entry["outcome"], entry["details"].get("disclosure")) for entry in reviews[-2:]] == [("REFUSED", None), ("OK", digest)]


MASKS = [parse_mask(label) for label in ("NAME", "KEEP_FIRST_3_LAST_4", "KEEP_FIRST_1_LAST_1", "NULL")]
OPERATIONS = st.frozensets(st.sampled_from(list(Operation)))
ITEM = st.builds(
    lambda sharing, sensitive, share, opening: {
        "sharing_class": sharing,
        "marks": frozenset({"sensitive"} if sensitive else ()),
        "share_mask": share,
        "open_mask": opening,
    },
    st.sampled_from([None, *SharingClass]),
    st.booleans(),
    st.sampled_from([None, DENY, "NAME", "KEEP_FIRST_3_LAST_4"]),
    st.sampled_from([None, DENY, "NULL"]),
)
RESOURCE = st.builds(
    lambda sharing, opening, level, operations, items: Resource(
        "a.b", "a", "b", "bs", "a.s", Binding("b"), ("i0",), "pk", Kind.BIGINT,
        {f"i{n}": Item(f"i{n}", "i", Kind.STRING, f"c{n}", filterable=n == 1, low_cardinality=n == 2, **item) for n, item in enumerate(items)},
        sharing_class=sharing, open_class=opening, level=level, operations=operations,
    ),
    st.sampled_from(list(SharingClass)), st.sampled_from(list(OpenClass)), st.sampled_from(["PUBLIC", "INTERNAL"]), OPERATIONS, st.lists(ITEM, min_size=1, max_size=3),
)  # fmt: skip
GRANT = st.builds(
    lambda operations, items, rows, existence: GrantTerms("g", "a.b", operations, tuple(items), rows, (), False, existence, 10, "x"),
    OPERATIONS,
    st.lists(
        st.builds(GrantItem, st.sampled_from(["i0", "i1", "i2"]), st.sampled_from(list(Shown)), st.booleans(), st.sampled_from([None, *MASKS])),
        max_size=3,
        unique_by=lambda item: item.code,
    ),
    st.sampled_from([None, '{"i1":{"eq":"x"}}']),
    st.booleans(),
)
SCOPES = frozenset(f"{o.scope_prefix}:{target}" for o in Operation for target in ("unconditional", "a.b"))
RIGHTS = st.one_of(st.just(PUBLIC), st.builds(lambda grant: Rights("x", "d", SCOPES, (), {"a.b": grant} if grant else {}), st.none() | GRANT))


def disclosed(state: State) -> object:
    """What of a decision anybody can tell by calling."""
    decision = decide(state.resource.policy, state.rights) if state.resource else None
    if decision is None or state.resource is None:
        return None
    listed = decision.operations & {Operation.QUERY, Operation.EXCHANGE}
    items = {code: (i.shown, i.mask, i.usable_as_key) for code, i in decision.items.items() if i.shown is not Shown.ABSENT or i.key}
    return decision.operations, items, decision.rows, decision.discloses_existence, decision.per_claim, listed and state.resource.least_cohort


@settings(max_examples=200, deadline=None)
@given(st.none() | RESOURCE, st.none() | RESOURCE, RIGHTS, RIGHTS)
def test_a_change_is_in_the_diff_exactly_where_the_decision_changed(old: Resource | None, new: Resource | None, had: Rights, has: Rights) -> None:
    before, after = State(old, had), State(new, has)
    found = compare(Viewer("APPLICATION", "x", "d"), "a.b", before, after)
    first, second = (disclosed(state) for state in (before, after))
    assert (found is not None) == (first != second)
    assert compare(Viewer("APPLICATION", "x", "d"), "a.b", after, after) is None
    if found is not None:
        assert all(item.changes for item in found.items)
        assert list(sentences(found))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("KEEP_FIRST_1_LAST_1", "KEEP_FIRST_3_LAST_4", Order.WEAKER),
        ("KEEP_FIRST_3_LAST_4", "KEEP_FIRST_1_LAST_1", Order.STRONGER),
        ("KEEP_FIRST_3_LAST_0", "KEEP_FIRST_0_LAST_3", Order.UNRELATED),
        ("NULL", "NAME", Order.WEAKER),
        ("NAME", "CONSTANT(x)", Order.STRONGER),
        ("NULL", "CONSTANT(x)", Order.EQUAL),
        ("NAME", "ADDRESS_TO_DISTRICT", Order.UNRELATED),
        ("MASK_FIRST_3_LAST_4", "MASK_FIRST_4_LAST_4", Order.STRONGER),
        ("MASK_FROM_3_TO_9", "MASK_FROM_4_TO_8", Order.WEAKER),
        # The first would show more than its share of 18 characters, and so shows none of them.
        ("MASK_FROM_4_TO_8", "MASK_FROM_3_TO_9", Order.UNRELATED),
        ("MASK_FIRST_1_LAST_3", "MASK_FIRST_6_LAST_4", Order.UNRELATED),
        ("KEEP_FIRST_10_LAST_8", "KEEP_FIRST_6_LAST_4", Order.UNRELATED),
        ("KEEP_FROM_3_TO_9", "KEEP_FROM_4_TO_8", Order.STRONGER),
        ("DATE_TO_BAND(5)", "DATE_TO_BAND(10)", Order.STRONGER),
        ("DATE_TO_BAND(4)", "DATE_TO_BAND(10)", Order.UNRELATED),
        ("DATE_TO_YEAR", "DATE_TO_BAND(10)", Order.STRONGER),
        ("NUMBER_TO_INTERVAL(1000)", "NUMBER_TO_INTERVAL(500)", Order.WEAKER),
        ("NUMBER_ROUND(1000)", "NUMBER_ROUND(500)", Order.UNRELATED),
        ("PHONE", "PHONE_FIXED", Order.STRONGER),
        ("PSEUDONYM", "NULL", Order.STRONGER),
    ],
)
def test_which_of_two_rules_shows_more(before: str, after: str, expected: Order) -> None:
    one, other = parse_mask(before), parse_mask(after)
    assert one is not None
    assert other is not None
    assert order(one, other) is expected


def test_the_command_line_tells_the_reviewer_before_the_decision(held: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(held.settings.home))
    made = held.catalog.import_manifest(IMPORTER, changed('mask = {share = "NAME"}', 'mask = {share = "NULL"}'))
    sentence = "sees item civil_affairs.person.id_number through a stronger mask: masked(NAME@1) + key → masked(NULL@1) + key"
    shown = CliRunner().invoke(app, ["catalog", "diff", "--pending"])
    assert (shown.exit_code, sentence in shown.stdout, shown.stdout.splitlines()[1][0]) == (0, True, "-")
    plain = json.loads(CliRunner().invoke(app, ["catalog", "diff", "--import", str(made.id), "--json"]).stdout)
    assert (plain["total_count"], plain["wider"], plain["changes"][0]["items"][0]["changes"]) == (1, 0, ["STRONGER_MASK"])
    reviewed = CliRunner().invoke(app, ["catalog", "review", str(made.id), "--approve", "--actor", "wang"])
    assert reviewed.stdout.index(sentence) < reviewed.stdout.index("APPROVED")
    assert plain["digest"] in entries(held)[-1]
