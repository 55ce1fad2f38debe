"""Values that readers of files stumble over, and those that no file can hold, in every format."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives import hashes

from auth.rights import GrantItem, Shown
from connectors.selection import UNDELIVERABLE, Kind
from hub.exchange.work.task import ChunkFault, Format
from masking.rules import parse_mask
from schema.answer import MOST_BY_PATH
from schema.model import Link
from tests.exchange.work.build import Asked, asked, chunks, csv_of, lines_of, written
from tests.schema.city import HOUSEHOLDS, PERSON, PERSONS, MemorySource, city, grant, item, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
_duckdb: Any = duckdb
_pandas: Any = import_module("pandas")
PEOPLE: list[dict[str, Any]] = [*PERSONS]
HOMES: list[dict[str, Any]] = [*HOUSEHOLDS]
ALL = "{ civilAffairs { persons { nodes { name birthDate phone household { address } } } } }"


def hub_with(persons: list[dict[str, Any]], households: Any = HOMES) -> Hub:
    return Hub(city()[0].snapshot, opened={"civil_affairs.db": MemorySource({"person": persons, "household": households})})


def changed(number: int, **values: Any) -> list[dict[str, Any]]:
    """The persons, of whom one has these values."""
    return [{**row, **values} if i == number else row for i, row in enumerate(PEOPLE)]


async def made(hub: Hub, text: str = ALL, caller: Any = None) -> Asked:
    found = await asked(hub, caller or rights(grant()), text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("column", "value"), [*((column, UNDELIVERABLE) for column in ("nm", "b", "ph", "hh")), ("nm", "a\ud800"), ("hh", "a\ud800"), ("nm", b"no JSON")]
)
async def test_a_value_that_cannot_be_delivered_is_null_and_counted(tmp_path: Path, column: str, value: Any) -> None:
    """In clear, masked, and as the key of a link."""
    exported = await made(hub_with(changed(0, **{column: value})))
    done = await written(exported, tmp_path)
    assert lines_of(done.content) == exported.rows
    assert done.receipt.undelivered == exported.undelivered == 1


async def test_a_linked_value_is_counted_wherever_it_stands(tmp_path: Path) -> None:
    exported = await made(hub_with(PEOPLE, [{"pk": 1, "no": "H1", "addr": UNDELIVERABLE}]))
    done = await written(exported, tmp_path)
    assert lines_of(done.content) == exported.rows
    assert done.receipt.undelivered == exported.undelivered == 2


async def test_keys_that_cannot_be_delivered_are_counted_however_many_there_are(tmp_path: Path) -> None:
    exported = await made(hub_with([{**PEOPLE[0], "pk": number, "hh": UNDELIVERABLE} for number in range(MOST_BY_PATH + 5)]))
    done = await written(exported, tmp_path)
    assert all(row["household"] is None for row in lines_of(done.content))
    assert done.receipt.undelivered == MOST_BY_PATH + 5


async def test_what_a_rule_says_nothing_of_is_not_even_read(tmp_path: Path) -> None:
    hub = hub_with(changed(0, ph=UNDELIVERABLE))
    exported = await made(
        hub,
        caller=rights(grant(items=(GrantItem("phone", Shown.MASKED, mask=parse_mask("NULL")),))),
        text=ALL.replace("name birthDate", "").replace("household { address }", ""),
    )
    done = await written(exported, tmp_path)
    assert lines_of(done.content) == [{"phone": None}] * 3
    assert done.receipt.undelivered == 0
    assert {column.name for column in exported.spec.root.selection.outputs} == {"pk"}  # type: ignore[union-attr]


async def test_numbers_beyond_their_type(tmp_path: Path) -> None:
    """An Int of GraphQL has 32 bits; a link that goes by one that is shown leads nowhere."""
    kinds = {"age": Kind.INTEGER, "big": Kind.BIGINT, "share": Kind.FLOAT, "sum": Kind.DECIMAL}
    odd = replace(PERSON, items={**PERSON.items, **{code: item(code, code, kind) for code, kind in kinds.items()}})
    odd = replace(odd, links=(Link("friend", "age", PERSON.code, "age"),), identifiers=("id_number", "age"))
    snapshot = replace(city()[0].snapshot, resources={PERSON.code: odd})
    values: list[dict[str, Any]] = [
        {"age": 2**31, "big": 2**53 + 1, "share": float("inf"), "sum": "-1.50"},
        {"age": 7, "big": -(2**63), "share": 1e16, "sum": "-1e5"},
        {"age": None, "big": None, "share": -0.0, "sum": "+3"},
    ]
    hub = Hub(snapshot, opened={"civil_affairs.db": MemorySource({"person": [{**row, **more} for row, more in zip(PEOPLE, values, strict=True)]})})
    items = tuple(GrantItem(code, Shown.CLEAR, key=True) for code in kinds)
    exported = await made(hub, "{ civilAffairs { persons { nodes { age big share sum friend { big } } } } }", rights(grant(items=items)))
    done = await written(exported, tmp_path)
    assert lines_of(done.content) == exported.rows
    assert [row["age"] for row in exported.rows] == [None, 7, None]
    assert [row["friend"] for row in exported.rows] == [None, {"big": str(-(2**63))}, None]
    assert done.receipt.undelivered == exported.undelivered == 3
    assert (await written(exported, tmp_path, "CSV")).content.decode("utf-8-sig") == csv_of(exported.export, exported.rows)
    parquet = await written(exported, tmp_path, "PARQUET")
    assert _duckdb.sql(f"SELECT age, big, share, sum, friend.big FROM read_parquet('{parquet.task.path}')").fetchall() == [
        (None, 2**53 + 1, None, "-1.50", None),
        (7, -(2**63), 1e16, "-1e5", -(2**63)),
        (None, None, 0.0, "+3", None),
    ]


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "﹢1",
    "\t=1",
    " =1",
    "\u3000@x",
    "\r1",
    "\n1",
    "\u200b=1",
    "\ufeff+1",
    "\x01 @x",
    "a=1",
    "",
    "1",
    "⁻1",
    "a\tb",
    '"=1"',
    "a,b",
    "a\r\nb",
    "\u200b1",
)


async def test_no_text_is_run_by_a_spreadsheet(tmp_path: Path) -> None:
    persons = [{**PEOPLE[0], "pk": i, "nm": text} for i, text in enumerate(FORMULAS)]
    exported = await made(hub_with(persons), "{ civilAffairs { persons { nodes { name } } } }")
    content = (await written(exported, tmp_path, "CSV")).content
    assert content.decode("utf-8-sig") == csv_of(exported.export, exported.rows)
    rows = [row[0] for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]
    assert [text.removeprefix("'") for text in rows] == list(FORMULAS)
    assert [number for number, text in enumerate(rows) if text.startswith("'")] == [*range(14)]


async def test_encodings(tmp_path: Path) -> None:
    """GB18030 holds every character, those of four bytes too."""
    persons = [{**PEOPLE[0], "pk": i, "nm": text} for i, text in enumerate(("张三", "𠮷野家", "é€", "㐀", "😀"))]
    exported = await made(hub_with(persons), "{ civilAffairs { persons { nodes { 姓名: name } } } }".replace("姓名", "name2"))
    utf8, foreign = await written(exported, tmp_path, "CSV"), await written(exported, tmp_path, "CSV", "GB18030")
    assert utf8.content.startswith(b"\xef\xbb\xbf")
    assert foreign.content.decode("gb18030") == utf8.content.decode("utf-8-sig") == csv_of(exported.export, exported.rows)


async def test_characters_that_the_standard_moved_are_written_as_the_page_says(tmp_path: Path) -> None:
    """A page that named another edition would send readers to a decoder that alters them."""
    moved = [chr(each) for each in (0x1E3F, *range(0x9FB4, 0x9FBC), *range(0xFE10, 0xFE1A))]
    exported = await made(hub_with([{**PEOPLE[0], "pk": i, "nm": text} for i, text in enumerate(moved)]), "{ civilAffairs { persons { nodes { name } } } }")
    _, *lines, end = (await written(exported, tmp_path, "CSV", "GB18030")).content.split(b"\r\n")
    assert (len(lines), {len(line) for line in lines}, end) == (19, {4}, b"")
    page = Path(__file__).parents[3].joinpath("docs/exchange.md").read_text(encoding="utf-8")
    assert ("four bytes of the first edition (GB 18030-2000)" in page, "GB 18030-2022" in page) == (True, False)


async def test_what_analysts_read(tmp_path: Path) -> None:
    """Links are structs, dates are dates; masked ones too."""
    terms = grant(
        items=(
            GrantItem("name", Shown.CLEAR),
            GrantItem("birth_date", Shown.MASKED, mask=parse_mask("DATE_TO_YEAR")),
            GrantItem("household_no", Shown.CLEAR, key=True),
        )
    )
    exported = await made(hub_with(PEOPLE), "{ civilAffairs { persons { nodes { name birthDate household { address } } } } }", rights(terms))
    readers: dict[Format, Any] = {"PARQUET": _pandas.read_parquet, "ARROW": _pandas.read_feather}
    for format_, read in readers.items():
        frame = read((await written(exported, tmp_path, format_)).task.path)
        assert list(frame["name"]) == ["张三", "李四", "王五"]
        assert [str(day) for day in frame["birthDate"]] == ["1949-01-01", "1990-01-01", "None"]
        assert [link and link["address"] for link in frame["household"]] == ["云岩区", "云岩区", None]


@pytest.mark.parametrize("format_", ["CSV", "JSONL", "PARQUET", "ARROW"])
async def test_digests_and_length_are_the_files(tmp_path: Path, format_: Any) -> None:
    done = await written(await made(hub_with(PEOPLE)), tmp_path, format_, sm3=True)
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(done.content)
    assert (done.receipt.sha256, done.receipt.sm3) == (hashlib.sha256(done.content).hexdigest(), sm3.finalize().hex())
    assert (done.receipt.bytes, done.receipt.rows) == (len(done.content), 3)
    assert done.task.path.stat().st_mode & 0o777 == done.task.subjects.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("format_", ["CSV", "JSONL", "PARQUET", "ARROW"])
async def test_a_list_without_rows_is_a_whole_file(tmp_path: Path, format_: Any) -> None:
    done = await written(await made(hub_with([])), tmp_path, format_)
    assert done.receipt.rows == 0
    if format_ in ("PARQUET", "ARROW"):
        frame = (_pandas.read_parquet if format_ == "PARQUET" else _pandas.read_feather)(done.task.path)
        assert list(frame.columns) == ["name", "birthDate", "phone", "household"]
    else:
        assert done.content == (b"\xef\xbb\xbfname,birthDate,phone,household.address\r\n" if format_ == "CSV" else b"")


async def test_keys_are_looked_up_once(tmp_path: Path) -> None:
    """However many rows have them, and in however many batches."""
    source = MemorySource({"person": [{**PEOPLE[0], "pk": i, "hh": f"H{i % 2 + 1}"} for i in range(5000)], "household": HOMES})
    hub = Hub(city()[0].snapshot, opened={"civil_affairs.db": source})
    exported = await made(hub, "{ civilAffairs { persons { nodes { household { address } } } } }")
    source.asked.clear()
    done = await written(exported, tmp_path)
    assert done.receipt.rows == 5000
    assert [call.values for call in source.asked if call.method == "fetch_by_keys"] == [("H1", "H2")]
    assert done.receipt.accessed == {PERSON.code: 5000, "civil_affairs.household": 2}


async def test_chunks_in_order_go_on_where_the_one_before_ended(tmp_path: Path) -> None:
    exported = await made(hub_with(PEOPLE), "{ civilAffairs { persons(orderBy: [{district: DESC}]) { nodes { name } } } }")
    assert exported.spec.key is None
    parts = await chunks(exported, tmp_path, 2)
    assert [lines_of(part.content) for part in parts] == [exported.rows[:2], exported.rows[2:]]
    (whole,) = await chunks(exported, tmp_path, 3)
    assert whole.receipt.accessed[PERSON.code] == 3


async def test_a_chunk_of_pages_does_not_end_among_rows_of_one_place(tmp_path: Path) -> None:
    text = "{ civilAffairs { persons(orderBy: [{district: DESC}]) { nodes { name } } } }"
    shared: list[dict[str, Any]] = [{**PERSONS[0], "pk": key, "nm": f"n{place}"} for place, key in enumerate((1, 2, 2, 3))]
    exported = await made(hub_with(shared), text)
    first = await written(exported, tmp_path, most=1)
    assert (lines_of(first.content), first.receipt.last) == (exported.rows[:1], ("520102", 1))
    for most in (2, 3):
        with pytest.raises(ChunkFault, match=r"the stable key of civil_affairs\.person is not unique"):
            await written(exported, tmp_path, most=most)
    # The same key elsewhere in the order is another place.
    apart = [{**each, "d": f"52010{place}"} for place, each in enumerate(shared)]
    parts = await chunks(await made(hub_with(apart), text), tmp_path, 2)
    assert [len(lines_of(part.content)) for part in parts] == [2, 2]
