"""The manifests: well-formed, complete, true to the tables and to the REST service."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc

from hub.catalog.manifest import read_manifest
from hub.catalog.mask_rules import declared_masks
from hub.demo.catalog import CLASSIFIED, manifests
from hub.demo.declarations import DEPARTMENTS
from hub.demo.files import AIR_HEADINGS
from hub.demo.records import COLLECTIONS, MOST_KEYS, MOST_ROWS
from hub.demo.tables import FILES, TABLES
from masking.rules import parse_mask

pytestmark = pytest.mark.fast

HOME = Path("/srv/huitong")
TEXTS = manifests(HOME, "http://127.0.0.1:8765")
MANIFESTS: dict[str, Any] = {code: tomllib.loads(text) for code, text in TEXTS.items()}
RESOURCES: dict[str, Any] = {f"{code}.{resource['code']}": resource for code, manifest in MANIFESTS.items() for resource in manifest["resources"]}
EVERY = {**TABLES, **FILES}
HEADINGS = {heading: column for column, heading in AIR_HEADINGS.items()}
KINDS = {"INTEGER": "integer", "BIGINT": "bigint", "VARCHAR": "string", "DATE": "date", "NUMERIC(14, 2)": "decimal", "BOOLEAN": "boolean"}


def test_every_table_has_its_resource() -> None:
    assert set(RESOURCES) == set(EVERY)


@pytest.mark.parametrize("code", sorted(MANIFESTS))
def test_it_is_what_the_importer_reads(code: str) -> None:
    manifest = read_manifest(TEXTS[code])
    assert manifest.department.code == code
    assert "{" not in manifest.sources[0].url


@pytest.mark.parametrize("code", sorted(MANIFESTS))
def test_it_speaks_of_the_declared_department(code: str) -> None:
    declared = next(department for department in DEPARTMENTS if department.code == code)
    stated = MANIFESTS[code]["department"]
    assert (declared.name, declared.name_en, declared.uscc, declared.tier) == tuple(stated[key] for key in ("name", "name_en", "uscc", "tier"))


def test_departments_codes_are_valid_and_distinct() -> None:
    codes = [department.uscc for department in DEPARTMENTS]
    assert all(uscc.is_valid(code) for code in codes)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("code", sorted(RESOURCES))
def test_columns_exist_with_their_types(code: str) -> None:
    table, resource = EVERY[code], RESOURCES[code]
    assert code in FILES or resource.get("object", table.name) == table.name
    for item in resource["items"]:
        column = table.columns[_column(item["column"])]
        assert KINDS[str(column.type)] == item["type"], item["code"]
        assert item.get("nullable", True) or not column.nullable
    stable = table.columns[_column(resource["stable_key"])]
    assert KINDS[str(stable.type)] == resource["stable_key_type"]
    assert stable.primary_key
    assert _column(resource["watermark"]) in table.columns


def _column(name: str) -> str:
    return HEADINGS.get(name, name)


@pytest.mark.parametrize("code", sorted(RESOURCES))
def test_identifiers_are_unique_and_what_is_filterable_is_indexed(code: str) -> None:
    table, resource = EVERY[code], RESOURCES[code]
    items = {item["code"]: item for item in resource["items"]}
    unique = {column.name for index in table.indexes if index.unique for column in index.columns} | {column.name for column in table.primary_key}
    indexed = {column.name for index in table.indexes for column in index.columns} | unique
    for identifier in resource["identifiers"]:
        assert _column(items[identifier]["column"]) in unique
        assert items[identifier]["nullable"] is False
        assert "identifier" in items[identifier]["marks"]
    assert {_column(item["column"]) for item in items.values() if item.get("filterable")} <= indexed


@pytest.mark.parametrize("code", sorted(RESOURCES))
def test_links_lead_to_identifiers(code: str) -> None:
    items = {item["code"] for item in RESOURCES[code]["items"]}
    for link in RESOURCES[code].get("links", []):
        target, _, identifier = link["to"].rpartition(".")
        assert link["item"] in items
        assert identifier in RESOURCES[target]["identifiers"]


@pytest.mark.parametrize("code", sorted(RESOURCES))
def test_class_level_and_basis_agree(code: str) -> None:
    """CLS-02, CLS-03: what is not unconditional and public states its legal basis; nothing internal or conditional is open."""
    resource = RESOURCES[code]
    plain = resource["level"] == "PUBLIC" and resource["sharing_class"] == "UNCONDITIONAL"
    assert plain or resource["legal_basis"]
    assert plain or resource["open_class"] == "CLOSED"
    assert resource["classification"].startswith("307026")


@pytest.mark.parametrize("code", sorted(RESOURCES))
def test_masks_are_known_and_sensitive_items_have_one(code: str) -> None:
    declared = declared_masks(read_manifest(TEXTS[code.partition(".")[0]]))
    for item in RESOURCES[code]["items"]:
        for label in item.get("mask", {}).values():
            parse_mask(label, declared)
        if "sensitive" in item.get("marks", []):
            assert item["mask"]["share"]
            assert item["mask"]["open"] == "DENY"


@pytest.mark.parametrize("code", sorted(code for code, resource in RESOURCES.items() if resource["sharing_class"] == "CONDITIONAL"))
def test_nothing_of_a_conditional_resource_is_open(code: str) -> None:
    assert {item["mask"]["open"] for item in RESOURCES[code]["items"]} == {"DENY"}


def test_all_sharing_classes_and_three_kinds_of_source_are_shown() -> None:
    assert {resource["sharing_class"] for resource in RESOURCES.values()} == {"UNCONDITIONAL", "CONDITIONAL", "NOT_SHARED"}
    assert {source["kind"] for manifest in MANIFESTS.values() for source in manifest["sources"]} == {"sql", "rest", "files"}


def test_contracted_items_are_there() -> None:
    def items(code: str) -> set[str]:
        return {item["code"] for item in RESOURCES[code]["items"]}

    assert items("civil_affairs.person") == {"id_number", "name", "gender", "birth_date", "phone", "address", "district", "household_no"}
    assert items("civil_affairs.household") >= {"household_no", "address", "district"}
    assert items("market_regulation.company") >= {"uscc", "name", "legal_rep_id_number", "status", "registered_on"}


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.path)
def test_endpoints_say_what_the_service_understands(collection: Any) -> None:
    resource = RESOURCES[collection.resource]
    endpoint = resource["endpoint"]
    assert endpoint["path"] == collection.path
    assert endpoint["sorted_by"] == collection.key == resource["stable_key"]
    assert endpoint["filters"] == {name: name for name in collection.equal}
    assert endpoint["keys"] == {name: {"parameter": f"{name}_in", "separator": ",", "most": MOST_KEYS} for name in collection.many}
    assert endpoint["max_page"] == MOST_ROWS


def test_addresses_are_filled_in() -> None:
    assert MANIFESTS["civil_affairs"]["sources"][0]["url"] == f"sqlite+aiosqlite:///{HOME}/demo/civil_affairs.db"
    assert MANIFESTS["human_resources"]["sources"][0]["url"] == "http://127.0.0.1:8765"


def test_another_database_takes_the_place_of_a_file() -> None:
    texts = manifests(HOME, "http://127.0.0.1:1", {"civil_affairs": "postgresql+asyncpg://reader@localhost/city"})
    assert tomllib.loads(texts["civil_affairs"])["sources"][0]["url"] == "postgresql+asyncpg://reader@localhost/city"
    assert "sqlite" in texts["housing"]


def test_a_home_with_quotes_and_backslashes_stays_itself() -> None:
    home = Path('/srv/a "b"\\c')
    assert tomllib.loads(manifests(home, "http://h")["housing"])["sources"][0]["url"] == f"sqlite+aiosqlite:///{home}/demo/housing.db"


def test_the_refused_manifest_is_classified_and_otherwise_well_formed() -> None:
    manifest = read_manifest(CLASSIFIED.read_text(encoding="utf-8"))
    assert [resource.level for resource in manifest.resources] == ["CLASSIFIED"]
