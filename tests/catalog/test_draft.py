"""Drafts of SQLite databases: whatever a database is like, its draft is imported without an edit, and everything in it answers."""

from __future__ import annotations

import json
import os
import re
from datetime import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from connectors.errors import SourceUnavailable
from hub.catalog.draft.naming import resource_codes
from hub.catalog.draft.places import called
from hub.catalog.draft.writing import GUESS
from hub.core import Core
from tests.catalog.drafts import DEPARTMENT, NASTY, drafted, items, left_out, links, resources, write
from tests.catalog.exercise import exercise
from tests.catalog.homes import publish

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def nasty(tmp_path: Path) -> str:
    """The URL of the nasty database."""
    return write(tmp_path / "nasty.db", NASTY)


async def test_a_draft_is_imported_without_an_edit_and_every_resource_answers(core: Core, nasty: str) -> None:
    made = await drafted(nasty)
    assert made.problems == []
    publish(core, made.text)
    tried = await exercise(core)
    assert tried.faults == []
    assert tried.lists == len(resources(made)) == 11
    assert (tried.links, tried.followed) == (4, 6)
    assert tried.look_ups >= 11
    assert tried.rows == 22
    assert tried.filters > 10


async def test_the_same_database_gives_the_same_draft(nasty: str) -> None:
    assert (await drafted(nasty)).text == (await drafted(nasty)).text


async def test_names_of_sql_and_graphql_and_names_alike_are_told_apart(nasty: str) -> None:
    made = resources(await drafted(nasty))
    assert [(name, each.code, each.plural) for name, each in made.items()] == [
        ('"用户 信息"', "user_info", "user_info_list"),
        ("select", "select", "selects"),
        ("Order", "order", "orders"),
        ("orders", "order_n2", "orders_n2"),
        ("order_where", "order_where_n2", "order_wheres_n2"),
        ("verify_order", "verify_order_n3", "verify_orders_n3"),
        ("customers", "customer", "customers"),
        ("unique_only", "unique_only", "unique_onlies"),
        ("composite_with_unique", "composite_with_unique", "composite_with_uniques"),
        ('"all.types""x"', "all_types_x", "all_types_xes"),
        ("order_names", "order_name", "order_names"),
    ]
    assert [item.code for item in made["select"].items] == ["and_n2", "or_n2", "not_n2", "first", "where", "typename", "nodes"]
    assert [item.code for item in made["Order"].items] == ["order_id", "customer", "a_b", "a_b_n2", "a_b_n3"]


async def test_chinese_names_are_names_and_their_codes_are_english_or_a_digest(nasty: str) -> None:
    made = items(resources(await drafted(nasty))['"用户 信息"'])
    assert {name: item.code for name, item in made.items()} == {
        "编号": "id",
        "身份证号": "id_number",
        "姓名": "name",
        "出生日期": "birth_date",
        "上级": "parent",
        "备案☆": "item_xa1d2bb",
        "Order": "order",
        "order by": "order_by",
        "100%": "n100",
        "a:b": "a_b",
    }
    assert made["身份证号"].name == "身份证号"
    assert made["Order"].name_en == "Order"


async def test_keys_become_stable_keys_and_identifiers(nasty: str) -> None:
    made = await drafted(nasty)
    found = {name: (each.stable_key, each.identifiers) for name, each in resources(made).items()}
    assert found['"用户 信息"'] == ("编号", ("id", "id_number"))
    assert found["select"] == ("and", ("and_n2", "first"))
    assert found["unique_only"] == ("serial", ("serial",))
    assert found["composite_with_unique"] == ("serial", ("serial",))
    assert found["order_names"] == ("id", ("id",))
    missing = left_out(made)
    assert "several columns: a, b" in missing["composite"]
    assert "no primary key" in missing["keyless"]
    assert "no primary key" in missing["partly_unique"]
    assert "no column of the view" in missing["no_key"]
    assert "cannot be read" in missing["broken"]
    assert "joins these as texts" in next(each["remedy"] for each in made.report.left_out if each["object"] == "composite")


async def test_a_guessed_key_says_what_the_guess_rests_on(nasty: str) -> None:
    made = await drafted(nasty, only=["order_names"])
    assert re.search(rf'^stable_key = "id"  # {GUESS}: .*not null in a sample of 2$', made.text, re.MULTILINE)


async def test_foreign_keys_become_links_where_they_lead_to_an_identifier_of_the_same_type(nasty: str) -> None:
    made = await drafted(nasty)
    found = resources(made)
    assert links(found['"用户 信息"']) == {"parent": "archive.user_info.id"}
    assert links(found["Order"]) == {"customer": "archive.customer.code"}
    assert links(found["orders"]) == {"customer_code": "archive.customer.code", "order": "archive.order.order_id"}
    assert [link.field for link in found["Order"].links] == ["customer_customer"]
    assert [link.field for link in found["orders"].links] == ["customer", "order_order"]
    assert made.report.links_left_out == [
        {"foreign_key": "composite_with_unique (a, b) → composite (a, b)", "reason": "外键由多列组成 the foreign key has several columns"}
    ]


async def test_types_follow_what_is_declared_and_what_is_there(nasty: str) -> None:
    made = await drafted(nasty)
    resource = resources(made)['"all.types""x"']
    assert {name: item.type for name, item in items(resource).items()} == {
        "id": "bigint",
        "i": "bigint",
        "t": "string",
        "r": "float",
        "n": "decimal",
        "b": "boolean",
        "d": "date",
        "ts": "datetime",
        "tm": "string",
        "untyped": "bigint",
        "wrong_int": "string",
        "wrong_date": "string",
        "flag": "bigint",
        "g": "bigint",
        "v": "string",
    }
    assert resource.left_out == ("bl", "j")
    assert "has no kind" in left_out(made)['"all.types""x".j']


async def test_personal_data_are_marked_and_masked_and_credentials_are_left_out(nasty: str) -> None:
    made = await drafted(nasty)
    person, customer = (items(resources(made)[name]) for name in ('"用户 信息"', "customers"))
    id_number = person["身份证号"]
    assert (id_number.marks, id_number.validator) == (("identifier", "sensitive"), "resident_id")
    assert (id_number.mask.share, id_number.mask.open) == ("ID_NUMBER_1_1", "DENY")
    assert (person["姓名"].mask.share, person["出生日期"].mask.share) == ("NAME", "DATE_TO_YEAR")
    assert customer["name"].mask.share == "NAME"
    assert (customer["phone"].mask.share, customer["phone"].marks) == ("PHONE", ("sensitive",))
    assert not any(item.filterable for item in (id_number, person["姓名"], customer["phone"]))
    assert resources(made)['"用户 信息"'].left_out == ("password",)
    assert "geheim" not in made.text + str(made.report.as_json())


async def test_defaults_share_nothing_by_themselves(nasty: str) -> None:
    for resource in resources(await drafted(nasty)).values():
        assert (resource.level, resource.sharing_class.value, resource.open_class.value) == ("INTERNAL", "CONDITIONAL", "CLOSED")
        assert len(resource.legal_basis) == 1
        assert "待确认" in resource.legal_basis[0]


async def test_every_suggestion_says_so_and_the_draft_says_that_nothing_is_published(nasty: str) -> None:
    text = (await drafted(nasty)).text
    assert "nothing is registered or published" in text[:300]
    for line in text.splitlines():
        if re.match(
            r"(marks = .*(sensitive|quasi)|mask|validator|filterable|low_cardinality|level|sharing_class|open_class|legal_basis|classification)\b", line
        ):
            assert GUESS in line, line


async def test_no_value_of_a_row_is_written(tmp_path: Path) -> None:
    url = write(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t VALUES (1, 'zzsecretzz', 'yysecretyy')")
    made = await drafted(url)
    assert "secret" not in made.text + str(made.report.as_json())


async def test_few_values_and_indexes_make_items_filterable(tmp_path: Path) -> None:
    rows = ", ".join(f"({i}, 's{i % 3}', 'n{i}', 'i{i}', {i % 2}, {i}.5)" for i in range(40))
    script = (
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, note TEXT, ix TEXT, yes BOOLEAN, f REAL); CREATE INDEX x ON t (ix); INSERT INTO t VALUES {rows}"
    )
    made = items(resources(await drafted(write(tmp_path / "t.db", script)))["t"])
    assert [name for name, item in made.items() if item.filterable] == ["id", "state", "ix", "yes"]
    assert [name for name, item in made.items() if item.low_cardinality] == ["state", "yes"]


async def test_names_that_would_break_out_of_their_line_stay_in_it(core: Core, tmp_path: Path) -> None:
    script = 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a\nlevel = 1" TEXT, "b""]" TEXT, "c\x7f\\" BLOB, "d\nopen_class = 1" JSON)'
    made = await drafted(write(tmp_path / "t.db", script))
    assert made.problems == []
    assert list(items(resources(made)["t"])) == [
        "id",
        "a\nlevel = 1",
        'b"]',
    ]
    assert resources(made)["t"].left_out == ("c\x7f\\", "d\nopen_class = 1")
    publish(core, made.text)


async def test_only_the_tables_asked_for(nasty: str) -> None:
    made = await drafted(nasty, only=["ord*"])
    assert list(resources(made)) == ["orders", "order_where", "order_names"]
    assert "the table that it refers to is not in the catalog" in made.report.links_left_out[0]["reason"]


async def test_a_draft_adds_to_what_the_department_has_published(core: Core, nasty: str) -> None:
    first = await drafted(nasty, only=["customers"])
    publish(core, first.text.replace('name = "客户"', 'name = "本局客户"'))
    existing = core.catalog.manifest_text(DEPARTMENT.code)
    made = await drafted(nasty, declared=None, existing=existing, published=core.catalog.current())
    assert made.problems == []
    assert 'name = "本局客户"' in made.text
    assert links(resources(made)["Order"]) == {"customer": "archive.customer.code"}
    assert made.report.notes == ["customers: 已在目录中 is in the catalog already, as archive.customer"]
    publish(core, made.text)
    assert len(core.catalog.current().resources) == 11


async def test_files_are_drafted_by_their_names_and_what_is_in_them(core: Core, tmp_path: Path) -> None:
    folder = tmp_path / "deliveries"
    (folder / "permits").mkdir(parents=True)
    rows = "".join(f"P{i},{i % 2},11010119900307{i:03}X,甲{i}\n" for i in range(8))
    for day in ("2026-11-20", "2026-11-21"):
        (folder / "permits" / f"{day}.csv").write_text(f"许可证号,状态,holder,address\n{rows}", "utf-8")
    (folder / "readings_20261121.jsonl").write_text('{"no": 1, "value": 2.5}\n{"no": 2, "value": 3}\n')
    for file in (*folder.rglob("*.csv"), *folder.rglob("*.jsonl")):
        # A file that changed a moment ago may still be written.
        os.utime(file, (file.stat().st_mtime - 3600,) * 2)
    made = await drafted(str(folder), kind="files")
    assert made.problems == []
    found = {name: (each.code, each.stable_key, each.identifiers) for name, each in resources(made).items()}
    assert found == {
        "permits/{date}.csv": ("permit", "许可证号", ("licence_no",)),
        "readings_{date}.jsonl": ("reading", "no", ("no",)),
    }
    assert re.search(rf'^stable_key = "no"  # {GUESS}: .*not null in the file$', made.text, re.MULTILINE)
    # Only the keys must be there; "address" and "value" have no gaps in these files, which promises nothing.
    assert len(re.findall(rf"^nullable = false  # {GUESS}", made.text, re.MULTILINE)) == made.text.count("nullable = false") == 2
    publish(core, made.text)
    assert list(core.catalog.current().resources) == ["archive.permit", "archive.reading"]


def delivered(folder: Path, name: str, content: str) -> None:
    """A file that was written long ago; one that changed a moment ago may still be written."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, "utf-8")
    os.utime(folder / name, ((folder / name).stat().st_mtime - 3600,) * 2)


async def test_what_a_file_holds_in_lists_is_left_out_and_what_comes_late_is_not(core: Core, tmp_path: Path) -> None:
    rows = [{"no": n, "tags": ["a", "b"], "place": {"x": n}, "mixed": "none" if n else 1.5} for n in range(400)]
    rows[300]["late"] = "甲"
    delivered(tmp_path / "deliveries", "cities.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    made = await drafted(str(tmp_path / "deliveries"), kind="files")
    assert made.problems == []
    assert [item.code for item in resources(made)["cities.jsonl"].items] == ["no", "late"]
    assert {each["object"]: re.findall(r"the type (\S+) has", each["reason"])[0] for each in made.report.left_out} == {
        "cities.jsonl.tags": "list",
        "cities.jsonl.place": "object",
        "cities.jsonl.mixed": "number/text",
    }
    assert all("one text, or one number, in each place" in each["remedy"] for each in made.report.left_out)
    publish(core, made.text)
    tried = await exercise(core)
    assert (tried.faults, tried.rows) == ([], 20)


async def test_columns_of_parquet_that_no_kind_holds_are_left_out_by_their_types(tmp_path: Path) -> None:
    columns = {"no": [1, 2], "at": [time(8), None], "photo": [b"x", None], "tags": [["a"], []], "share": [0.5, float("nan")]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "list.parquet")
    os.utime(tmp_path / "list.parquet", (0, 0))
    made = await drafted(str(tmp_path), kind="files")
    assert [item.code for item in resources(made)["list.parquet"].items] == ["no"]
    assert {each["object"].rpartition(".")[2]: re.findall(r"the type (\S+) has", each["reason"])[0] for each in made.report.left_out} == {
        "at": "TIME",
        "photo": "BLOB",
        "tags": "VARCHAR[]",
        "share": "NaN/number",
    }


async def test_amounts_of_files_are_decimals_and_binary_numbers_are_floats_so_that_either_can_be_added_up(core: Core, tmp_path: Path) -> None:
    columns = {"no": range(400), "amount": [no / 4 for no in range(400)], "ratio": [no / 3 for no in range(400)], "count": [float(no) for no in range(400)]}
    table = pyarrow.table({**{name: list(values) for name, values in columns.items()}, "single": pyarrow.array([0.1] * 400, pyarrow.float32())})
    (tmp_path / "deliveries").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "deliveries" / "list.parquet")
    os.utime(tmp_path / "deliveries" / "list.parquet", (0, 0))
    delivered(tmp_path / "deliveries", "lines.jsonl", "".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    made = await drafted(str(tmp_path / "deliveries"), kind="files")
    kinds = {"no": "integer", "amount": "decimal", "ratio": "float", "count": "integer", "single": "decimal"}
    assert {item.code: item.type for item in resources(made)["list.parquet"].items} == kinds
    assert {item.code: item.type for item in resources(made)["lines.jsonl"].items} == kinds | {"single": "float"}
    publish(core, made.text)
    assert (await exercise(core)).faults == []


async def test_a_column_without_a_name_is_called_by_its_place(core: Core, tmp_path: Path) -> None:
    # So R and pandas write a table with the names of its rows.
    delivered(tmp_path / "deliveries", "trees.csv", ',"girth","height"\n"1",8.3,70\n"2",8.3,70\n')
    made = await drafted(str(tmp_path / "deliveries"), kind="files")
    assert made.problems == []
    assert resources(made)["trees.csv"].stable_key == "column_1"
    publish(core, made.text)
    tried = await exercise(core)
    assert (tried.faults, tried.rows) == ([], 2)


async def test_files_that_cannot_be_offered_are_named_with_what_can_be_done_to_a_file(tmp_path: Path) -> None:
    for name in ("two words.csv", "old.xls", "list.json", "README.md"):
        delivered(tmp_path, name, "no\n1\n")
    left = {each["object"]: each for each in (await drafted(str(tmp_path), kind="files")).report.left_out}
    assert list(left) == ["list.json", "old.xls", "two words.csv"]
    assert "no blanks" in left["two words.csv"]["reason"]
    assert "no format that is read" in left["old.xls"]["reason"]
    assert "no format that is read" in left["list.json"]["reason"]
    assert all("rename it, mend it or save it" in each["remedy"] for each in left.values())


async def test_a_file_without_a_key_is_left_out_with_what_can_be_done_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "weather.csv"
    file.write_text("date,wind\n2012-01-01,4.7\n2012-01-02,4.5\n", "utf-8")
    os.utime(file, (file.stat().st_mtime - 3600,) * 2)
    [left] = (await drafted(str(tmp_path), kind="files")).report.left_out
    assert left["object"] == "weather.csv"
    assert "no text or integer column of the file is distinct" in left["reason"]
    assert "add a column to the file" in left["remedy"]


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("tbl_Customers", ("customer", "customers")),
        ("T_USER", ("user", "users")),
        ("v_t_order", ("t_order", "t_orders")),
        ("district-code", ("district_code", "district_codes")),
        ("budget_view_items", ("budget_view_item", "budget_view_items")),
        ("sub_tbl_part", ("sub_tbl_part", "sub_tbl_parts")),
    ],
)
def test_only_what_stands_before_a_name_is_taken_off(table: str, codes: tuple[str, str]) -> None:
    assert resource_codes(table) == codes


@pytest.mark.parametrize(
    ("object_", "kind", "name"),
    [
        ("public.person", "sql", ("public", "person")),
        ('"a b"."c.d"', "sql", ("a b", "c.d")),
        ("person", "sql", (None, "person")),
        ("permits/{date}.csv", "files", (None, "permits")),
        ("a/b/x_{date}_{n}.parquet", "files", ("a_b", "x")),
        ("{date}.csv", "files", (None, "{date}.csv")),
    ],
)
async def test_what_an_object_is_called(object_: str, kind: str, name: tuple[str | None, str]) -> None:
    assert called(object_, kind) == name


async def test_a_file_that_is_not_there_is_no_empty_draft(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        await drafted(f"sqlite:///{tmp_path}/nowhere.db")


async def test_a_value_that_cannot_be_read_does_not_cost_its_table(tmp_path: Path) -> None:
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT))"
    made = await drafted(write(tmp_path / "t.db", script))
    assert list(resources(made)) == ["t"]
