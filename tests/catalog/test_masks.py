"""Masking rules that a department declares: checked, versioned, reviewed, and what a change of one reaches (MSK-01, MSK-02, OPN-19)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from auth.decide import Rights, decide
from auth.reasons import Reason
from auth.rights import Decision, GrantItem, GrantTerms, Operation, Purpose, Shown
from hub.acts import Acts
from hub.catalog.checks import check_manifest
from hub.catalog.manifest import read_manifest
from hub.catalog.mask_changes import MaskChange, as_json
from hub.core import Core, open_core
from hub.ledger import tables
from masking.reference import apply
from masking.rules import NAMES
from tests.catalog.homes import IMPORTER, SECURITY, publish, refused
from tests.catalog.small import SMALL, changed, line_of

pytestmark = pytest.mark.slow

RULE = """
[[masks]]
code = "id_ends"
name = "首尾各一位"
algorithm = "KEEP_FIRST_N_LAST_M"
props = {first-n = 1, last-m = 1}
version = 1
"""
PERSON = "civil_affairs.person"


def with_rules(rules: str = RULE, mask: str = "id_ends", text: str = SMALL) -> str:
    """The small manifest with rules of its own, by one of which its identifier is shared."""
    return changed('mask = {share = "NAME"}', f'mask = {{share = "{mask}"}}', changed("[[resources]]", rules + "\n[[resources]]", text))


DECLARED = with_rules()


def problems(text: str) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.path) for problem in check_manifest(read_manifest(text), text)]


def entries(core: Core, act: str) -> list[dict[str, Any]]:
    """Details of the entries of an act that was done, oldest first."""
    with core.engine.connect() as connection:
        written = [json.loads(row) for row in connection.execute(select(tables.entry.c.canonical).order_by(tables.entry.c.seq)).scalars()]
    return [each["details"] for each in written if each.get("operation") == act and each["outcome"] == "OK"]


def decided(core: Core, *items: GrantItem) -> Decision:
    """What a grant of these items gives by the catalog in force."""
    terms = GrantTerms("g", PERSON, frozenset({Operation.QUERY}), items, None, (Purpose("p", "s", "b"),), False, False, 10, "甲")
    rights = Rights("app", "b", frozenset({f"query:{PERSON}"}), (), {PERSON: terms})
    found = decide(core.catalog.current().resources[PERSON].policy, rights)
    assert found is not None
    return found


MASKED = GrantItem("id_number", Shown.MASKED)
NAMED = GrantItem("id_number", Shown.MASKED, declared="id_ends")


@pytest.mark.parametrize(
    ("rules", "mask", "found"),
    [
        (RULE, "id_ends", []),
        (RULE, "NAME", []),
        (RULE, "id_endz", [("UNKNOWN_MASK", "resources[0].items[0].mask")]),
        (RULE + RULE, "id_ends", [("DUPLICATE", "masks[1].code")]),
        (RULE.replace("KEEP_FIRST_N_LAST_M", "KEEP_FRIST"), "id_ends", [("UNKNOWN_MASK", "masks[0]")]),
        (RULE.replace("last-m", "lost-m"), "id_ends", [("UNKNOWN_MASK", "masks[0]")]),
        (RULE.replace("last-m = 1", "last-m = -1"), "id_ends", [("UNKNOWN_MASK", "masks[0]")]),
        (RULE.replace("last-m = 1", "last-m = [1]"), "id_ends", [("UNKNOWN_MASK", "masks[0]")]),
        (
            RULE.replace("{first-n = 1, last-m = 1}", "{}").replace("KEEP_FIRST_N_LAST_M", "DATE_TO_YEAR"),
            "id_ends",
            [("MASK_TYPE", "resources[0].items[0].mask")],
        ),
        (RULE.replace("{first-n = 1, last-m = 1}", "{}").replace("KEEP_FIRST_N_LAST_M", "NAME") + "fixed = true\n", "id_ends", [("UNKNOWN_MASK", "masks[0]")]),
    ],
)
def test_declarations_are_checked(rules: str, mask: str, found: list[tuple[str, str]]) -> None:
    assert problems(with_rules(rules, mask)) == found


@pytest.mark.parametrize("rule", [RULE.replace("version = 1", "version = 0"), RULE + "share = 101\n", RULE + "share = 0\n", RULE.replace("id_ends", "NAME")])
def test_wrong_shapes_are_refused(core: Core, rule: str) -> None:
    """A code cannot be taken for a built-in label: those are written in capitals."""
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, with_rules(rule))
    assert (problem.code, str(problem.path).partition(".")[0]) == ("MANIFEST_SHAPE", "masks[0]")
    assert all(label[0].isupper() for label in NAMES)


def test_a_rule_of_another_department_is_none_of_ones_own(core: Core) -> None:
    publish(core, DECLARED)
    other = changed('mask = {share = "NAME"}', 'mask = {share = "id_ends"}').replace("civil_affairs", "housing")
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, other)
    assert (problem.code, problem.line) == ("UNKNOWN_MASK", line_of("id_ends", other))


def test_what_is_declared_masks_by_code_and_version(core: Core) -> None:
    publish(core, DECLARED)
    item = decided(core, MASKED).items["id_number"]
    assert (item.reason, item.mask and (item.mask.label, item.mask.version)) == (Reason.ITEM_MASKED_BY_CATALOG, ("id_ends", 1))
    assert item.mask is not None
    assert apply(item.mask, "11010519491231002X") == "1****************X"


@pytest.mark.parametrize(
    "rule",
    [
        RULE.replace("last-m = 1", "last-m = 2").replace("version = 1", "version = 2"),
        RULE.replace("version = 1", "version = 2"),
        RULE.replace("version = 1", "version = 2") + "fixed = true\n",
        RULE.replace("version = 1", "version = 2") + "share = 20\n",
    ],
)
@pytest.mark.parametrize("item", [MASKED, NAMED], ids=["by the catalog", "by the grant"])
def test_a_change_of_the_rule_changes_what_is_disclosed(core: Core, rule: str, item: GrantItem) -> None:
    """Its digest, by which exchanges and documents are compared with what holds now, follows every part of the rule."""
    publish(core, DECLARED)
    before, first = decided(core, item), core.catalog.current()
    publish(core, with_rules(rule))
    after = decided(core, item)
    assert after.digest != before.digest
    assert after.items["id_number"].mask != before.items["id_number"].mask
    assert core.catalog.current().touched_since(first) == {"civil_affairs"}, "views and plans are made anew"


def test_a_rule_that_a_grant_names_is_withheld_once_it_is_gone(core: Core) -> None:
    """Neither raw nor by the catalog's own mask, which may show more."""
    publish(core, DECLARED)
    assert decided(core, NAMED).items["id_number"].reason is Reason.ITEM_MASKED_BY_GRANT
    publish(core, SMALL)
    found = decided(core, NAMED).items["id_number"]
    assert (found.shown, found.reason, found.mask) == (Shown.ABSENT, Reason.ITEM_MASK_WITHDRAWN, None)


def test_nor_does_a_rule_mask_an_item_of_a_type_that_it_is_not_for(core: Core) -> None:
    publish(core, DECLARED)
    found = decided(core, GrantItem("birth_date", Shown.MASKED, declared="id_ends")).items["birth_date"]
    assert (found.shown, found.reason) == (Shown.ABSENT, Reason.ITEM_MASK_WITHDRAWN)


@pytest.mark.parametrize("change", ["last-m = 2", "fixed", "share"])
def test_a_rule_that_changes_needs_a_higher_version(core: Core, change: str) -> None:
    """One code and version is one rule for ever; the problem names both versions and the remedy."""
    publish(core, DECLARED.replace("version = 1", "version = 3"))
    rule = RULE.replace("version = 1", "version = 3")
    rule = rule.replace("last-m = 1", change) if "=" in change else rule + ("fixed = true\n" if change == "fixed" else "share = 50\n")
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, with_rules(rule))
    assert (problem.code, problem.path, problem.hint, problem.line) == (
        "MASK_VERSION",
        "masks[0].version",
        "version = 4",
        line_of("version = 3", with_rules(rule)),
    )
    assert problem.message.count("3") == 4
    publish(core, with_rules(rule.replace("version = 3", "version = 4")))


def test_a_version_does_not_go_back(core: Core) -> None:
    publish(core, DECLARED)
    second = with_rules(RULE.replace("version = 1", "version = 2"))
    publish(core, second)
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, DECLARED)
    assert (problem.code, problem.hint) == ("MASK_VERSION", "version = 2")
    publish(core, SMALL)
    assert refused(core.catalog.import_manifest, IMPORTER, DECLARED)[0].code == "MASK_VERSION", "nor over a manifest without the rule"
    publish(core, changed('name = "首尾各一位"', 'name = "两端"', second))


def test_of_two_imports_with_one_version_the_second_is_not_published(core: Core) -> None:
    """Both were good when they were imported."""
    publish(core, SMALL)
    one, other = (core.catalog.import_manifest(IMPORTER, with_rules(rule)).id for rule in (RULE, RULE.replace("last-m = 1", "last-m = 2")))
    for number in (one, other):
        core.catalog.review(SECURITY, number, True, "")
    core.catalog.publish(SECURITY, one)
    assert refused(core.catalog.publish, SECURITY, other)[0].code == "MASK_VERSION"


WEAKER = "ITEM_WEAKENED civil_affairs.person.id_number share: NAME@1 → id_ends@1"


def test_the_review_tells_what_becomes_of_masks(core: Core) -> None:
    """MSK-02: whoever approves sees which rules change and which items are masked less, and the entry says so."""
    publish(core, SMALL)
    made = core.catalog.import_manifest(IMPORTER, DECLARED)
    assert tuple(map(str, core.catalog.mask_changes(made.id))) == ("RULE_ADDED civil_affairs.id_ends: - → id_ends@1", WEAKER)
    reviewed = core.catalog.review(SECURITY, made.id, True, "")
    assert reviewed.mask_changes == ("RULE_ADDED civil_affairs.id_ends: - → id_ends@1", WEAKER)
    core.catalog.publish(SECURITY, made.id)
    told = [WEAKER, "RULE_ADDED civil_affairs.id_ends: - → id_ends@1"]
    assert (entries(core, "reviewCatalog")[-1]["masks"], entries(core, "publishCatalog")[-1]["masks"]) == (told, told), "what weakens comes first"
    assert core.catalog.mask_changes(made.id) == (), "it does not wait any more"


def changes(core: Core, text: str) -> set[tuple[str, str, str]]:
    found = core.catalog.mask_changes(core.catalog.import_manifest(IMPORTER, text).id)
    return {(change.kind, change.target.rpartition(".")[2], change.profile) for change in found}


def test_which_changes_weaken(core: Core) -> None:
    publish(core, DECLARED)
    second = RULE.replace("version = 1", "version = 2")
    item, share = "id_number", "share"
    assert changes(core, DECLARED) == set()
    assert changes(core, with_rules(second.replace("last-m = 1", "last-m = 2"))) == {("RULE_WEAKENED", "id_ends", ""), ("ITEM_WEAKENED", item, share)}
    assert changes(core, with_rules(second.replace("last-m = 1", "last-m = 0"))) == {("RULE_CHANGED", "id_ends", ""), ("ITEM_CHANGED", item, share)}
    assert changes(core, with_rules(RULE, "DENY")) == {("ITEM_CHANGED", item, share)}
    assert changes(core, with_rules(RULE, "NULL")) == {("ITEM_CHANGED", item, share)}
    dropped = DECLARED.replace('mask = {share = "id_ends"}\n', "")
    assert changes(core, dropped) == {("ITEM_UNMASKED", item, share)}
    assert changes(core, changed('column = "id"', 'column = "id"\nmarks = ["sensitive"]', dropped)) == {
        ("ITEM_CHANGED", item, share),
        ("ITEM_CHANGED", item, "open"),
    }, "a sensitive item without a mask is denied"
    assert changes(core, SMALL) == {("RULE_REMOVED", "id_ends", ""), ("ITEM_WEAKENED", item, share)}, "rules that cannot be compared may show more"


def test_what_masks_less_is_published_only_as_it_was_reviewed(core: Core) -> None:
    """Against a stricter manifest that came in between, the reviewer saw no weakening."""
    publish(core, SMALL)
    loose = core.catalog.import_manifest(IMPORTER, changed('name = "人口"', 'name = "人口二"'))
    core.catalog.review(SECURITY, loose.id, True, "")
    publish(core, changed('mask = {share = "NAME"}', 'mask = {share = "DENY"}'))
    (problem,) = refused(core.catalog.publish, SECURITY, loose.id)
    assert problem.code == "CONFLICT"
    publish(core, changed('name = "人口"', 'name = "人口二"'))


def test_an_entry_lists_as_many_changes_as_fit_and_counts_the_rest(core: Core) -> None:
    many = [MaskChange("ITEM_CHANGED", f"a.b.i{n}", "share", f"CONSTANT({'已' * 64})@1", "NULL@1") for n in range(500)]
    found = as_json([*many, MaskChange("ITEM_UNMASKED", "a.b.last", "share", "NAME@1", "CLEAR")])
    told = found["masks"]
    assert isinstance(told, list)
    assert told[0] == "ITEM_UNMASKED a.b.last share: NAME@1 → CLEAR"
    assert found["masks_left_out"] == 501 - len(told)
    Acts(core.ledger).do(SECURITY, "reviewCatalog", "1", lambda _: None, found)


def test_a_rule_that_a_later_hub_does_not_know_withholds(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog is read all the same."""
    publish(core, DECLARED)
    monkeypatch.setattr("masking.rules.ALGORITHMS", {})
    other = open_core(core.settings)
    found = decided(other, MASKED).items["id_number"]
    other.close()
    assert (found.shown, found.reason) == (Shown.ABSENT, Reason.ITEM_SHARING_DENIED)
