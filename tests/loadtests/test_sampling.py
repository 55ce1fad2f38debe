"""Where a call's CPU goes: every module has an area, what was sampled is told and drawn whole, and a hub under load samples itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from xml.etree import ElementTree

import pytest

from loadtests.sampling import __main__ as command
from loadtests.sampling.areas import AREAS, DOCUMENT, ENTRY, HTTP, REQUEST, RUN, SOURCE, WATCH, Area, area_of, module_of, told
from loadtests.sampling.measure import TASKS, Profile
from loadtests.sampling.page import drawing, functions, table
from tests.docs.pages import ROOT

PACKAGES = ("hub", "schema", "connectors", "auth", "masking")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.fast
def test_every_module_belongs_to_an_area() -> None:
    every = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts]
    assert len(every) > 300
    assert [path for path in every if area_of(module_of(str(path))) is None] == []


@pytest.mark.fast
@pytest.mark.parametrize(
    ("module", "area"),
    [
        ("hub.app", REQUEST),
        ("hub.api.data", DOCUMENT),
        ("hub.api.database", REQUEST),
        ("hub.ledger.append", ENTRY),
        ("schema.subjects", ENTRY),
        ("schema.run", RUN),
        ("connectors.sql.source", SOURCE),
        ("asyncpg.connection", SOURCE),
        ("hub.anomalies.watch", WATCH),
        ("uvicorn.protocols.http.httptools_impl", HTTP),
        ("contextlib", None),
    ],
)
def test_the_closest_name_tells_the_area(module: str, area: Area | None) -> None:
    assert area_of(module) is area


@pytest.mark.fast
def test_modules_are_named_by_their_files() -> None:
    assert module_of(str(ROOT / "hub" / "ledger" / "append.py")) == "hub.ledger.append"
    assert module_of("/somewhere/lib/python3.11/site-packages/uvicorn/config.py") == "uvicorn.config"
    assert module_of("/somewhere/lib/python3.11/asyncio/tasks.py") == "asyncio.tasks"
    assert module_of("/somewhere/lib/python3.11/contextlib.py") == "contextlib"
    assert module_of("<string>") == "<string>"


def _called(path: str, work: Callable[[], object]) -> object:
    """What ``work`` gives when a function of this file calls it."""
    space: dict[str, Callable[[Callable[[], object]], object]] = {}
    exec(compile("def asks(work):\n    return work()\n", path, "exec"), space)  # noqa: S102 - a frame of a file of one's choice
    return space["asks"](work)


@pytest.mark.fast
def test_a_library_works_for_its_caller() -> None:
    def frame() -> FrameType:
        return sys._getframe(1)

    library = "/somewhere/site-packages/orjson_like/__init__.py"
    assert _called(str(ROOT / "hub" / "ledger" / "forms.py"), lambda: _called(library, lambda: told(frame()))) == (ENTRY, "hub.ledger.forms.asks")
    assert told(None) == (HTTP, "the event loop")


def _profile(task: str, limit: float) -> Profile:
    areas = {area.code: 10.0 * place for place, area in enumerate(AREAS, 1)}
    return Profile(task, areas, {"run": {"schema.run.a": 55.0, "schema.run.b": 5.5}, "entry": {"hub.ledger.c": 110.0}}, limit, 1234, 567)


@pytest.mark.fast
def test_what_was_sampled_is_told() -> None:
    lines = table([_profile("W1", 55.0), _profile("W5", 1100.0)]).splitlines()
    assert lines[0] == "| µs | W1 | W5 |"
    assert [line.split(" | ")[1] for line in lines[2 : 2 + len(AREAS)]] == [f"{10 * n} ({round(100 * 10 * n / 550)} %)" for n in range(1, len(AREAS) + 1)]
    assert lines[-4:] == [
        "| **平台合计 the hub** | **550** | **550** |",
        "| limit-held | 55 | 1,100 |",
        "| 倍数 times | 10.0 | 0.5 |",
        "| 请求数与采样数 requests, looks | 1,234, 567 | 1,234, 567 |",
    ]
    assert functions([_profile("W1", 55.0)]).splitlines()[2:] == ["| `hub.ledger.c` | 20.0 |", "| `schema.run.a` | 10.0 |", "| `schema.run.b` | 1.0 |"]


@pytest.mark.fast
def test_what_was_sampled_is_drawn_whole() -> None:
    """All bars are as long as each other, and no mark lies behind their end."""
    drawn = ElementTree.fromstring(drawing([_profile("W1", 55.0), _profile("W5", 1100.0)]))  # noqa: S314 - made here
    bars: dict[str, list[tuple[float, float]]] = {}
    for rect in drawn.iter(f"{SVG}rect"):
        if rect.get("height") == "17":
            bars.setdefault(rect.attrib["y"], []).append((float(rect.attrib["x"]), float(rect.attrib["width"])))
    assert [len(bar) for bar in bars.values()] == [len(AREAS)] * 2
    for bar in bars.values():
        assert bar[0][0] == 90
        assert bar[-1][0] + bar[-1][1] == pytest.approx(790, abs=1)
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert [f"{area.zh} {area.en}" for area in AREAS] == texts[-len(AREAS) :]
    assert {"W1", "W5", "550 µs"} <= set(texts)


@pytest.mark.fast
def test_an_unknown_task_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--tasks", "W9"])
    assert f"--tasks: W9: expected are {' | '.join(task.code for task in TASKS)}" in capsys.readouterr().err


@pytest.mark.fast
@pytest.mark.parametrize("given", [["--seconds", "0"], ["--persons", "-1"]])
def test_nothing_is_not_measured(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(given)
    assert f"{given[0]}: {given[1]}: a number from 1 is expected" in capsys.readouterr().err


@pytest.mark.fast
def test_a_page_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit):
        command.main(["--out", str(tmp_path / "file")])
    assert f"--out: {tmp_path / 'file'}: the page cannot be written there: " in capsys.readouterr().err


@pytest.mark.slow
def test_a_sampler_that_was_stopped_looks_no_more() -> None:
    """Its last signal may come behind the stop: it would start the clock again."""
    program = """
import signal
from loadtests.sampling.sampler import Sampler
sampler = Sampler()
sampler.start()
looks = sampler.stop().looks
signal.raise_signal(signal.SIGALRM)
print(signal.getitimer(signal.ITIMER_REAL)[0], sampler.stop().looks - looks)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("0.0 0\n", "")


@pytest.mark.slow
def test_a_hub_under_load_samples_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--tasks", "W2", "--persons", "2000", "--seconds", "1", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert str(tmp_path / "profile.md") in capsys.readouterr().out
    page = (tmp_path / "profile.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["µs"] == ["W2"]
    for area in AREAS:
        for cell in cells[f"{area.zh} {area.en}"]:
            assert float(cell.split(" ")[0].replace(",", "")) >= 0
    # What surely works for every call: had nobody looked, or everything gone to one place, these would be empty.
    for area in (REQUEST, RUN, ENTRY, HTTP):
        assert all(float(cell.split(" ")[0].replace(",", "")) > 0 for cell in cells[f"{area.zh} {area.en}"]), area
    assert any(name.startswith("`schema.") for name in cells)
    ElementTree.fromstring((tmp_path / "profile.svg").read_text(encoding="utf-8"))  # noqa: S314 - made here
