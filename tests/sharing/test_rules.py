"""Rule sets: what each says, which prevails on which day, and how a fault in a city's own file is told."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hub.settings import SettingsFault, load_settings
from hub.sharing.rules import RuleBook, RuleFault, recompute
from hub.sharing.rules.files import SHIPPED, Use, read_set
from hub.sharing.workdays import PUBLISHED, Calendar

pytestmark = pytest.mark.fast
SETS = ("fuzhou", "guiyang", "n809")
TODAY = date(2026, 2, 13)

# Working days after Friday 13 February 2026: Sat 14 (made up), Tue 24, Wed 25, Thu 26, Fri 27, Sat 28 (made up),
# Mon 2 March … Fri 6 are the 7th to the 11th, Mon 9 … Fri 13 the 12th to the 16th, Mon 16 … Thu 19 the 17th to the 20th.
OVER_SPRING_FESTIVAL = [
    ("n809", "catalog_update", 10, date(2026, 3, 5), 5, date(2026, 3, 12)),
    ("n809", "catalog_review", 2, date(2026, 2, 24), 0, date(2026, 2, 24)),
    ("n809", "answer_unconditional", 1, date(2026, 2, 14), 0, date(2026, 2, 14)),
    ("n809", "answer_conditional", 10, date(2026, 3, 5), 10, date(2026, 3, 19)),
    ("n809", "completion_notice", None, None, 0, None),
    ("n809", "provision", 20, date(2026, 3, 19), 0, date(2026, 3, 19)),
    ("n809", "correction", 10, date(2026, 3, 5), 0, date(2026, 3, 5)),
    ("n809", "disposal", None, None, 0, None),
    ("n809", "rectification", None, None, 0, None),
    ("n809", "complaint", None, None, 0, None),
    ("guiyang", "catalog_update", 10, date(2026, 3, 5), 0, date(2026, 3, 5)),
    ("guiyang", "catalog_change", 2, date(2026, 2, 24), 0, date(2026, 2, 24)),
    ("guiyang", "catalog_maintenance", None, None, 0, None),
    ("guiyang", "correction", 5, date(2026, 2, 27), 0, date(2026, 2, 27)),
    ("guiyang", "complaint", 5, date(2026, 2, 27), 0, date(2026, 2, 27)),
    ("fuzhou", "catalog_change", None, None, 0, None),
    ("fuzhou", "answer_unconditional", None, None, 0, None),
    ("fuzhou", "answer_conditional", 20, date(2026, 3, 19), 0, date(2026, 3, 19)),
    ("fuzhou", "provision", None, None, 0, None),
    ("fuzhou", "correction", None, None, 0, None),
    ("fuzhou", "open_request", 20, date(2026, 3, 19), 0, date(2026, 3, 19)),
    ("fuzhou", "open_review", 20, date(2026, 3, 19), 0, date(2026, 3, 19)),
]


@pytest.mark.parametrize(("name", "code", "days", "due", "extension", "latest"), OVER_SPRING_FESTIVAL, ids=lambda value: str(value))
def test_every_term_over_the_spring_festival_of_2026(name: str, code: str, days: int | None, due: date | None, extension: int, latest: date | None) -> None:
    """CAT-08, CAT-09, COR-01, COR-05, OPN-07: an event of 13 February."""
    book = RuleBook.open([name])
    event = datetime(2026, 2, 13, 1, 0, tzinfo=UTC)
    found, last = recompute(book, PUBLISHED, code, event), recompute(book, PUBLISHED, code, event, extension)
    assert (found and (found.term.working_days, found.due_on, found.provisional)) == (days and (days, due, False))
    assert (last and last.due_on) == latest
    assert found is None or (found.term.extension_days == extension and found.term.set == name)


def test_the_table_above_holds_every_term_of_every_file() -> None:
    assert [(name, code) for name, code, *_ in OVER_SPRING_FESTIVAL] == [
        (name, entry.code) for name in ("n809", "guiyang", "fuzhou") for entry in RuleBook.open([name]).sets[name].terms
    ]


def test_the_event_counts_by_the_day_in_china() -> None:
    book = RuleBook.open(["n809"])
    late = recompute(book, PUBLISHED, "answer_unconditional", datetime(2026, 2, 13, 16, 0, tzinfo=UTC))  # 14 February in China
    assert late is not None
    assert late.due_on == date(2026, 2, 24)


def test_a_term_is_not_extended_beyond_what_the_article_allows() -> None:
    event = datetime(2026, 2, 13, tzinfo=UTC)
    for code, days in (("answer_conditional", 11), ("correction", 1), ("answer_conditional", -1)):
        with pytest.raises(ValueError, match=code):
            recompute(RuleBook.open(["n809"]), PUBLISHED, code, event, days)


def test_a_due_day_becomes_definite_and_moves_when_its_year_is_entered() -> None:
    book, event = RuleBook.open(["n809"]), datetime(2099, 2, 13, tzinfo=UTC)
    before = recompute(book, PUBLISHED, "answer_unconditional", event)
    entered = {date(2099, 1, 1): False, date(2099, 10, 1): False, date(2099, 2, 14): True}
    after = recompute(book, Calendar(entered), "answer_unconditional", event)
    assert before is not None
    assert after is not None
    assert (before.due_on, before.provisional, "暂按周一至周五推算" in before.rule) == (date(2099, 2, 16), True, True)
    assert (after.due_on, after.provisional, "暂按" in after.rule) == (date(2099, 2, 14), False, False)


@pytest.mark.parametrize("codes", [["guiyang", "n809"], ["n809", "guiyang"]])
def test_the_national_set_prevails_where_both_name_a_term(codes: list[str]) -> None:
    """Requirements §0.1; in whatever order the sets are named."""
    book = RuleBook.open(codes)
    assert {code: (term.set, term.working_days) if (term := book.term(code, TODAY)) else None for code in book.codes()} == {
        "catalog_update": ("n809", 10),
        "catalog_review": ("n809", 2),
        "answer_unconditional": ("n809", 1),
        "answer_conditional": ("n809", 10),
        "completion_notice": None,
        "provision": ("n809", 20),
        "correction": ("n809", 10),
        "disposal": None,
        "rectification": None,
        "complaint": ("guiyang", 5),  # the regulation counts no days: 按照规定及时处理
        "catalog_change": ("guiyang", 2),  # the regulation is silent
        "catalog_maintenance": None,
    }
    assert [(voice.set, voice.prevails) for voice in book.voices("correction", TODAY)] == [("n809", True), ("guiyang", False)]
    assert [(voice.set, voice.prevails) for voice in book.voices("complaint", TODAY)] == [("n809", False), ("guiyang", True)]


def test_a_term_applies_by_the_day_of_the_event() -> None:
    """The regulation is in force from 1 August 2025."""
    book = RuleBook.open(["fuzhou", "n809"])
    before, after = date(2025, 7, 31), date(2025, 8, 1)
    answers = [book.term("answer_conditional", day) for day in (before, after)]
    assert [(term.set, term.working_days, term.party) for term in answers if term] == [("fuzhou", 20, "authority"), ("n809", 10, "provider")]
    assert book.term("answer_unconditional", before) is None
    said = book.entry("answer_unconditional", before)
    assert said is not None
    assert said.rule == "福州市政务数据资源管理办法（榕政综〔2019〕317号）第十七条"
    assert book.term("answer_conditional", date(2019, 11, 14)) is None
    assert RuleBook.open(["n809"]).reasons("refusal", before) == {}


def test_a_set_that_is_silent_is_silent() -> None:
    """APP-02: Guiyang's measures name no term for sharing requests."""
    book = RuleBook.open(["guiyang"])
    assert [book.term(code, TODAY) for code in ("answer_conditional", "answer_unconditional", "provision")] == [None] * 3
    assert book.entry("answer_conditional", TODAY) is None


@pytest.mark.parametrize(
    ("use", "articles"), [("refusal", r"第(十四条、第十五|十五|二十|二十一)条"), ("suspension", "第二十七条"), ("termination", "第二十七条")]
)
def test_reasons_are_codified_and_cite_their_article(use: Use, articles: str) -> None:
    """APP-05."""
    found = RuleBook.open(["guiyang", "n809"]).reasons(use, TODAY)
    assert found
    for code, cited in found.items():
        assert re.search(articles, cited.rule), code
        assert cited.set == "n809"


def test_a_citys_reasons_stand_where_it_is_alone() -> None:
    assert {code: cited.rule[-4:] for code, cited in RuleBook.open(["fuzhou"]).reasons("refusal", TODAY).items()} == {"NOT_SHARED_CLASS": "第十六条"}


@pytest.mark.parametrize("name", SETS)
def test_terms_cite_an_article_and_its_words(name: str) -> None:
    """Every number of days stands in the words that are quoted."""
    for entry in read_set(SHIPPED / f"{name}.toml").terms:
        assert re.match(r"第[一二三四五六七八九十]+条", entry.article)
        assert entry.working_days is None or f"{entry.working_days}个工作日" in entry.text
        assert not entry.extension_days or f"{entry.extension_days}个工作日" in entry.text


OWN = """
name = "某市"
name_en = "Some City"
instrument = "某市政务数据共享办法"
rank = "local"
in_force_from = 2024-01-01
in_force_to = 2026-12-31

[[terms]]
code = "provision"
subject = "提供数据"
subject_en = "Provision"
starts = "CONSENT_GIVEN"
party = "provider"
working_days = 5
in_force_to = 2025-12-31
article = "第八条"
text = "5个工作日内提供"

[[terms]]
code = "provision"
subject = "提供数据"
subject_en = "Provision"
starts = "CONSENT_GIVEN"
party = "provider"
working_days = 3
in_force_from = 2026-01-01
article = "第八条"
text = "3个工作日内提供"
"""


def own(directory: Path, text: str = OWN, name: str = "some_city") -> Path:
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.toml").write_text(text, encoding="utf-8")
    return directory


def test_a_city_adds_a_file_of_its_own(tmp_path: Path) -> None:
    """An amended term stands twice, each for its own days."""
    book = RuleBook.open(["some_city", "guiyang"], own(tmp_path / "rules"))
    days = (date(2023, 12, 31), date(2025, 12, 31), date(2026, 1, 1), date(2027, 1, 1))
    assert [term and term.working_days for term in (book.term("provision", day) for day in days)] == [None, 5, 3, None]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('rank = "local"', 'rank = "county"', "rank"),
        ('rank = "local"\n', "", "rank"),
        ("in_force_from = 2024-01-01\n", "", "in_force_from"),
        ("in_force_to = 2026-12-31", "in_force_to = 2023-12-31", "in_force_to is before in_force_from"),
        ("working_days = 5", "working_days = 0", "terms[0].working_days"),
        ("working_days = 5", "extension_days = 5", "extension_days without working_days"),
        ("working_days = 3", "workingdays = 3", "terms[1].workingdays"),
        ('party = "provider"', 'party = "somebody"', "terms[0].party"),
        ("in_force_from = 2026-01-01\n", "", "provision stands twice for the same days"),
        ("[[terms]]", "[[terms", "TOML"),
    ],
)
def test_a_fault_in_a_citys_file_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    directory = own(tmp_path / "rules", OWN.replace(old, new, 1))
    with pytest.raises(RuleFault) as fault:
        RuleBook.open(["n809", "some_city"], directory)
    assert str(directory / "some_city.toml") in str(fault.value)
    assert named in str(fault.value)


def test_all_faults_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    directory = own(own(tmp_path / "rules", OWN.replace("working_days", "days")), OWN.replace('rank = "local"', ""), "other")
    with pytest.raises(RuleFault) as fault:
        RuleBook.open(["some_city", "other", "nowhere"], directory)
    told = str(fault.value).splitlines()
    assert [part for part in ("terms[0].days", "terms[1].days", "other.toml: rank", "nowhere") if not any(part in line for line in told)] == []


def test_a_file_that_nobody_names_is_not_read(tmp_path: Path) -> None:
    RuleBook.open(["n809"], own(tmp_path / "rules", "no TOML", "draft"))


def test_a_citys_file_does_not_take_the_place_of_one_that_comes_with_the_hub(tmp_path: Path) -> None:
    with pytest.raises(RuleFault, match="comes with the hub"):
        RuleBook.open(["n809"], own(tmp_path / "rules", OWN, "n809"))


def test_rule_sets_by_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not the home of whoever has run the demonstration in this checkout.
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    assert load_settings().rule_sets == ["n809"]
    monkeypatch.setenv("HUITONG_RULE_SETS", "guiyang, n809")
    assert load_settings().rule_sets == ["guiyang", "n809"]
    monkeypatch.setenv("HUITONG_RULE_SETS", "")
    with pytest.raises(SettingsFault, match="names no rule set"):
        load_settings()
