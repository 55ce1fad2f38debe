"""``huitong rules`` and ``huitong calendar``: what is in force, and the days of a notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow
NOTICE = "国务院办公厅关于2027年部分节假日安排的通知"
CSV = f"day,working,note,source\n2027-01-01,holiday,元旦,{NOTICE}\n2027-02-20,working,春节调休,{NOTICE}\n2027-10-01,false,国庆节,{NOTICE}\n"


@pytest.fixture
def two_sets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("HUITONG_RULE_SETS", "guiyang,n809")
    return cli


def test_terms_are_listed_with_what_they_override(two_sets: Cli) -> None:
    rows = {row["code"]: row for row in two_sets("rules", "list", "--on", "2026-02-13", "--json").data}
    assert (rows["correction"]["working_days"], rows["correction"]["set"]) == (10, "n809")
    assert rows["correction"]["overrides"] == ["贵阳市政府数据资源管理办法第十六条 (5)"]
    assert (rows["complaint"]["working_days"], rows["complaint"]["under"]) == (5, ["政务数据共享条例（国务院令第809号）第三十七条"])
    before = {row["code"]: row for row in two_sets("rules", "list", "--on", "2025-07-31", "--json").data}
    assert (before["correction"]["working_days"], before["correction"]["overrides"]) == (5, [])
    assert "answer_conditional" not in before


def test_a_term_and_the_reasons_are_shown_with_their_words(two_sets: Cli) -> None:
    said = two_sets("rules", "show", "catalog_update", "--json").data
    assert [(row["set"], row["prevails"]) for row in said] == [("n809", True), ("guiyang", False)]
    assert all("10个工作日" in row["text"] for row in said)
    assert "NOT_NECESSARY" in {row["code"] for row in two_sets("rules", "show", "refusal", "--json").data}
    unknown = two_sets("rules", "show", "answer")
    assert unknown.code == 1
    assert "answer_conditional" in unknown.err


def test_faults_of_a_citys_own_file_are_told_with_file_and_key(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "rules").mkdir(parents=True)
    (home / "rules" / "some_city.toml").write_text('name = "某市"\nrank = "county"\n', encoding="utf-8")
    monkeypatch.setenv("HUITONG_RULE_SETS", "n809,some_city")
    refused = cli("rules", "list")
    assert refused.code == 1
    assert "some_city.toml: rank" in refused.err
    assert "some_city.toml: instrument" in refused.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2027.csv", CSV),
        (
            "2027.toml",
            "".join(
                f'[[days]]\nday = {day}\nworking = {working}\nsource = "{NOTICE}"\n'
                for day, working in (("2027-01-01", "false"), ("2027-02-20", "true"), ("2027-10-01", "false"))
            ),
        ),
    ],
)
def test_a_notice_is_imported(initialised: Cli, tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    made = initialised("calendar", "import", file, "--actor", "王安全", "--json").data
    assert made["provisional_years"] == []
    listed = initialised("calendar", "list", "2027", "--json").data
    assert [(row["day"], row["working"], row["set_by"]) for row in listed] == [
        ("2027-01-01", False, "cli:王安全"),
        ("2027-02-20", True, "cli:王安全"),
        ("2027-10-01", False, "cli:王安全"),
    ]


def test_a_single_day_leaves_its_year_provisional(initialised: Cli) -> None:
    said = initialised("calendar", "set", "2099-02-13", "working", "--note", "调休", "--source", NOTICE)
    assert said.code == 0
    assert "2099 stays provisional" in said.out
    assert "Monday to Friday" in initialised("calendar", "list", "2099").err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (CSV.replace("2027-01-01", "2027-13-01"), "line 2.day"),
        (CSV.replace("working,春节", "maybe,春节"), "line 3.working"),
        (CSV.replace("day,working", "date,working"), "missing or unknown: day, date"),
        (CSV.replace(f",国庆节,{NOTICE}", ""), "line 4"),
        (CSV.replace(NOTICE, " "), "days[0].source"),
        (CSV + CSV.splitlines()[1], "days[3].day"),
        ("day,working,note,source\n", "days"),
    ],
)
def test_a_faulty_notice_enters_nothing(initialised: Cli, tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "2027.csv"
    file.write_text(text, encoding="utf-8")
    refused = initialised("calendar", "import", file)
    assert refused.code == 1
    assert named in refused.err
    assert initialised("calendar", "list", "2027", "--json").data == []


@pytest.mark.parametrize(("name", "content"), [("2027.toml", b"[[days]\n"), ("2027.toml", b"x = 1\n"), ("2027.csv", b"\xff\xfe"), ("2027.xlsx", b"")])
def test_a_file_that_is_no_notice_is_refused(initialised: Cli, tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    refused = initialised("calendar", "import", file)
    assert refused.code == 1
    assert name in refused.err


def test_a_demonstration_does_not_start_by_a_garbled_clock(cli: Cli, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("tomorrow", encoding="utf-8")
    refused = cli("demo", "--port", "0", "--clock", file)
    assert refused.code == 1
    assert "+14d" in refused.err
    assert not home.exists()
