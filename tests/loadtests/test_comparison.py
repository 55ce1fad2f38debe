"""The comparison's parts that measure nothing: scripts for wrk and what they say, medians and ratios, verdicts, the page."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hub.catalog.manifest import SourcePart
from loadtests.comparison import catalog, wrk
from loadtests.comparison.__main__ import parsed
from loadtests.comparison.bench import Wanted
from loadtests.comparison.charts import Line, Scale, bars, number, strips
from loadtests.comparison.cold import large_document
from loadtests.comparison.page import render
from loadtests.comparison.records import Record, Records, per_second
from loadtests.comparison.requests import drawn, whole
from loadtests.comparison.results import Results, read
from loadtests.comparison.steady import percentile
from loadtests.comparison.tasks import APART as APART_TASKS
from loadtests.comparison.tasks import COMPARED as COMPARED_TASKS
from loadtests.comparison.tasks import HUB, SHORT, UNLOGGED
from loadtests.comparison.verdicts import APART, COMPARED, MUST_SHOW, Bound, Verdict, against_peers, own_costs
from tests.loadtests.small_city import SMALL

pytestmark = pytest.mark.fast
_SAID = {"answered": 900, "microseconds": 1_000_000, "bytes": 450_000, "asked": 916, "bad": 0, "broken": 0, "p50": 812.0, "p99": 4031.5, "most": 9000.0}


def _output(**changed: object) -> str:
    return f"Running 1s test @ http://127.0.0.1:1/\n  1 threads and 16 connections\n\n{'HUITONG '}{json.dumps(_SAID | changed)}\n\n"


def _record(block: str, task: str, server: str, number: int, cpu: float, rate: float = 1000.0, p50: float = 1.0) -> Record:
    return Record(block, task, server, number, cpu, 0.0, 20.0, rate, p50, 4.0, 512.0, 900, 916, 90.0, 95.0)


def test_what_wrk_said_is_read() -> None:
    load = wrk.parse(_output())
    assert (load.answered, load.asked, load.per_second, load.bytes_each) == (900, 916, 900.0, 500.0)
    assert (load.p50, load.p99) == (0.812, 4.0315)


@pytest.mark.parametrize("changed", [{"bad": 1}, {"broken": 2}])
def test_figures_of_bad_answers_are_refused(changed: dict[str, int]) -> None:
    with pytest.raises(wrk.BadAnswers):
        wrk.parse(_output(**changed))


def test_a_server_that_has_not_answered_yet_is_no_bad_one() -> None:
    with pytest.raises(wrk.NoAnswers):
        wrk.parse(_output(answered=0))


def test_a_wrk_that_says_nothing_is_refused() -> None:
    with pytest.raises(wrk.BadAnswers, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def _unquoted(text: str) -> bytes:
    """As Lua reads a string (manual 5.1, 2.1): here all escapes are decimal."""
    assert re.fullmatch(r'"(?:[ !#-\[\]-~]|\\[0-9]{3})*"', text)
    return re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1])]), text[1:-1].encode("ascii"))


@pytest.mark.parametrize("data", [bytes(range(256)), '王\u2028"\\\n]]--'.encode(), b"\\065\0001", b""])
def test_any_bytes_survive_as_a_string_of_lua(data: bytes) -> None:
    assert _unquoted(wrk.quoted(data)) == data


def test_a_script_holds_each_request_once_on_a_line_of_its_own() -> None:
    requests = [whole("/graphql", f'{{"query": "{{ a{n} }}"}}'.encode(), b"authorization: Bearer x\r\n") for n in range(3)]
    lines = [line.removesuffix(",") for line in wrk.script(requests).splitlines() if line.startswith('"')]
    assert [_unquoted(line) for line in lines] == requests
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert b"authorization: Bearer x\r\n" in requests[0]


def test_all_servers_are_asked_for_the_same_and_each_round_by_another_document() -> None:
    task = next(task for task in COMPARED_TASKS if task.code == "W1-16")
    bodies = {name: [json.loads(body) for _, body in drawn(name, task, SMALL, 1, 5)] for name in ("hub", "strawberry", "limit-held")}
    keys = [body["variables"] for body in bodies["hub"]]
    assert keys == [body["variables"] for body in bodies["strawberry"]] == bodies["limit-held"]
    assert {body["query"] for body in bodies["hub"]} == {bodies["hub"][0]["query"]}
    other = [json.loads(body) for _, body in drawn("hub", task, SMALL, 2, 5)]
    assert other[0]["query"] != bodies["hub"][0]["query"]
    assert [body["variables"] for body in other] != keys


def test_cold_documents_are_all_new_and_of_two_kibibytes() -> None:
    task = next(task for task in COMPARED_TASKS if task.unique)
    texts = [json.loads(body)["query"] for _, body in drawn("hub", task, SMALL, 0, 50)]
    assert len(set(texts)) == 50
    assert all(1800 < len(text) < 2400 for text in texts), len(texts[0])


def test_the_large_document_fits_into_a_request() -> None:
    assert len(large_document(SMALL)) < 65536


def test_the_median_is_that_of_ratios_within_rounds() -> None:
    cpus = {0: (100, 50), 1: (300, 100), 2: (900, 900)}
    records = Records(_record("compared", "W1-64", name, n, cpu) for n, pair in cpus.items() for name, cpu in zip((HUB, "limit-held"), pair, strict=True))
    assert records.ratios("compared", "W1-64", HUB, "limit-held") == [2.0, 3.0, 1.0]
    assert records.ratio("compared", "W1-64", HUB, "limit-held") == 2.0
    assert records.median("compared", "W1-64", HUB) == 300
    assert records.ratio("compared", "W1-64", HUB, "nobody") is None
    assert records.ratio("compared", "W1-64", HUB, "limit-held", per_second) == 1.0


def test_rounds_that_only_one_has_are_no_part_of_a_ratio() -> None:
    records = Records([_record("b", "t", "one", 0, 4), _record("b", "t", "one", 1, 9), _record("b", "t", "other", 1, 3)])
    assert records.ratios("b", "t", "one", "other") == [3.0]


def test_bounds_hold_from_the_right_side() -> None:
    most, least = Bound(1.4, 1.0), Bound(60, 90, least=True)
    assert [most.held(value) for value in (1.39, 1.4, 1.41)] == [True, True, False]
    assert [least.held(value) for value in (59.9, 60, 95)] == [False, True, True]
    assert not Verdict("g", "n", 1.2, most).stretched
    assert Verdict("g", "n", 1.0, most).stretched
    assert Verdict("g", "n", 95, least).stretched


def test_the_table_tells_more_than_limits_and_less_than_peers() -> None:
    cpus = {HUB: 100.0, "limit-held": 80.0, "limit-pool": 190.0, "strawberry": 7000.0, "postgraphile": 600.0}
    records = Records(_record(COMPARED, "W1-64", name, 0, cpu) for name, cpu in cpus.items())
    found = {verdict.name: (round(verdict.value, 3), verdict.held) for verdict in against_peers(records)}
    assert found == {"÷ limit-held": (1.25, True), "÷ limit-pool": (0.526, False), "less than strawberry": (70.0, True), "less than postgraphile": (6.0, True)}


def test_what_was_not_measured_has_no_verdict() -> None:
    assert against_peers(Records()) == []
    assert own_costs(Records(), 0.1) == []


def test_a_lone_caller_is_not_charged_for_the_disk() -> None:
    records = Records([_record(APART, "W1-1", HUB, 0, 90, p50=1.5), _record(APART, "W1-1", UNLOGGED, 0, 60, p50=0.7)])
    (verdict,) = own_costs(records, 0.5)
    assert verdict.value == pytest.approx(0.3)
    assert verdict.held
    assert verdict.unit == "ms"


def test_every_task_that_must_show_something_is_measured() -> None:
    measured = {(task.code, server) for task in COMPARED_TASKS for server in task.servers}
    assert {(task, server) for task, server, _ in MUST_SHOW} <= measured
    assert {task.code for task in SHORT.compared} <= {task.code for task in COMPARED_TASKS}
    for tasks in (COMPARED_TASKS, APART_TASKS):
        assert len({task.code for task in tasks}) == len(tasks)


@pytest.mark.parametrize("given", [["--tasks", "W9"], ["--short", "--tasks", "W1-16"], ["--servers", "limit-hold"]], ids=" ".join)
def test_what_is_not_measured_cannot_be_asked_for(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(given)
    assert ended.value.code == 2
    assert f"{given[-2]}: {given[-1]}: expected" in capsys.readouterr().err
    assert parsed(["--short", "--tasks", "W1-64", "W2", "--servers", "limit-held", "limit-pool"]).tasks == ["W1-64", "W2"]


@pytest.mark.parametrize("given", [["--rounds", "0"], ["--rounds", "-1"], ["--persons", "0"], ["--rounds", "many"]], ids=" ".join)
def test_nothing_cannot_be_measured(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A comparison of no rounds would hold all that is wanted."""
    with pytest.raises(SystemExit) as ended:
        parsed(given)
    assert ended.value.code == 2
    assert f"{given[0]}: {given[1]}: a number from 1 is expected" in capsys.readouterr().err


def test_a_folder_for_results_that_cannot_be_written_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not when an hour of measuring is over."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "under", Path("/proc/results")):
        with pytest.raises(SystemExit) as ended:
            parsed(["--out", str(folder)])
        assert ended.value.code == 2
        assert f"--out: {folder}: results cannot be written there: " in capsys.readouterr().err
    assert parsed(["--out", str(tmp_path / "made")]).out.is_dir()


def test_the_hub_is_there_for_the_large_answer_alone() -> None:
    assert Wanted("short", SHORT, 1, codes=frozenset({"large"})).takes(HUB, [])
    assert not Wanted("short", SHORT, 1, codes=frozenset({"W1-1"})).takes(HUB, [])


def test_the_hub_as_it_is_renders_lists_itself() -> None:
    assert SourcePart.model_fields["rendering"].default == "hub", "the table of what must be shown takes the default for the hub's own rendering"


def test_masks_differ_by_round_and_follow_from_the_seed() -> None:
    sets = [catalog.masked_items(7, number) for number in range(catalog.SETS)]
    assert all(len(items) == catalog.MASKED and set(items) <= set(catalog.MASKS) for items in sets)
    assert len(set(sets)) > 1
    assert sets == [catalog.masked_items(7, number) for number in range(catalog.SETS)]


def test_percentiles_and_numbers() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 100.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert [number(value) for value in (0, 0.01234, 1.234, 12.34, 123.4, 12345.6)] == ["0", "0.0123", "1.23", "12.3", "123", "12,346"]


def _results() -> Results:
    servers = {HUB: 120.0, "limit-held": 90.0, "limit-pool": 200.0, "strawberry": 9000.0, "postgraphile": 700.0}
    every = [_record(COMPARED, "W1-64", name, n, cpu * (1 + n / 10)) for name, cpu in servers.items() for n in range(3)]
    every += [_record(APART, "W1-64", name, n, cpu) for name, cpu in ((HUB, 120.0), (UNLOGGED, 90.0)) for n in range(3)]
    facts = {"began": "2026-11-22T00:00:00+00:00", "mode": "short", "commit": "abc", "seed": 5, "persons": 1000, "rounds": [3, 3], "control database": "SQLite"}
    facts |= {"machine": {"processor": "<made up>"}, "versions": {"wrk": "wrk 4.1.0"}}
    records = Records(every)
    return Results(facts, records, against_peers(records) + own_costs(records, 0.1), {"fsync ms": 0.1}, ["W1: all"], ["nobody: a <b>fault</b> & more"])


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = _results()
    path = results.write(tmp_path)
    assert path.name == "2026-11-22-short.json"
    again = read(path)
    assert again.records.every == results.records.every
    assert again.verdicts == results.verdicts
    assert (again.facts, again.failed, again.checked) == (results.facts, results.failed, results.checked)


class _Tags(HTMLParser):
    """Open tags, and every attribute that could load something."""

    VOID = frozenset({"meta", "br", "rect", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loading: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loading += [name for name, _ in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag in ("script", "link", "iframe", "img", "object"):
            self.loading.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loading += [name for name, _ in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_is_well_formed() -> None:
    page = render(_results())
    tags = _Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert tags.loading == []
    assert not re.search(r"https?:|//[a-z]|url\(|@import", page)
    assert "default-src 'none'" in page


def test_the_page_escapes_what_it_is_told_and_says_what_failed() -> None:
    page = render(_results())
    assert "<b>fault</b>" not in page
    assert "a &lt;b&gt;fault&lt;/b&gt; &amp; more" in page
    assert "未达到 not held" in page
    assert "✓ 达到 held" in page


def test_a_drawing_is_xml_and_longer_bars_are_more() -> None:
    lines = [Line("hub & co", 100.0, 90.0, 110.0, "100", 20.0, (90.0, 110.0)), Line("strawberry", 9000.0, 8000.0, 9900.0, "9,000")]
    drawing = bars(lines, Scale.around([20.0, 9900.0]), "µs")
    widths = [float(rect.attrib["width"]) for rect in ET.fromstring(drawing).iter("rect") if rect.attrib["height"] == "12"]  # noqa: S314 - made here
    assert widths[0] < widths[1]
    assert len(list(ET.fromstring(strips([replace(lines[0])], Scale.around([90.0, 110.0]), "×")).iter("circle"))) == 2  # noqa: S314 - made here
