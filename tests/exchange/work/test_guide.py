"""What the guide tells analysts to read files with: texts stay what they were."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.exchange.work.task import Format
from tests.exchange.work.build import written
from tests.exchange.work.test_values import PEOPLE, hub_with, made

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
GUIDE = Path(__file__).parents[3] / "docs" / "exchange.md"
CALLS = re.findall(r"^(?:pandas|polars)\.read_(?:csv|json|ndjson)\(.*?\)(?=  #|$)", GUIDE.read_text(), re.MULTILINE)
FILES: dict[str, Format] = {"data.csv": "CSV", "data.jsonl": "JSONL"}
TEXTS = ["007", "NULL", "NA", "None", "1.10"]
FLOATS = [0.1, 1 / 3, 123456789012345680.0, 1.7976931348623157e308, 2.2250738585072014e-308, -0.0]
NAMES = "{ civilAffairs { persons { nodes { name } } } }"


def test_the_guide_reads_both_formats_by_both() -> None:
    assert [call.partition("(")[0] for call in CALLS] == ["pandas.read_csv", "polars.read_csv", "pandas.read_json", "polars.read_ndjson"]


@pytest.mark.parametrize("call", CALLS)
async def test_texts_are_read_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    people = [{**person, "nm": text} for person, text in zip(PEOPLE, TEXTS, strict=False)]
    exported = await made(hub_with(people), NAMES)
    for name, format_ in FILES.items():
        (tmp_path / name).write_bytes((await written(exported, tmp_path, format_)).content)
    monkeypatch.chdir(tmp_path)
    read: Any = eval(call, {name: import_module(name) for name in ("pandas", "polars")})  # noqa: S307 - the guide's own line
    assert sorted(read["name"]) == sorted(TEXTS[: len(people)])


@pytest.mark.parametrize("call", [call for call in CALLS if "json" in call])
async def test_numbers_are_read_to_their_last_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """CSV is read as texts."""
    (tmp_path / "data.jsonl").write_bytes(b"".join(orjson.dumps({"share": number}) + b"\n" for number in FLOATS))
    monkeypatch.chdir(tmp_path)
    read: Any = eval(call, {name: import_module(name) for name in ("pandas", "polars")})  # noqa: S307 - the guide's own line
    assert [float(number).hex() for number in read["share"]] == [number.hex() for number in FLOATS]
