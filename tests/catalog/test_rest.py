"""Manifests that describe REST services: faults are found at import, with their place."""

from __future__ import annotations

import pytest

from hub.catalog.build import build_part
from hub.catalog.checks import check_manifest
from hub.catalog.manifest import read_manifest
from hub.catalog.problems import Refused

pytestmark = pytest.mark.fast
MANIFEST = """
[department]
code = "service_bureau"
name = "市服务局"
uscc = "115201000093900013"

[[sources]]
code = "gateway"
kind = "rest"
url = "https://gateway.example/base"
auth = "hmac"
secret = "env:GATEWAY_SECRET"
health = "/health"

[sources.options]
client_id = "huitong"
hmac = {algorithm = "HMAC-SM3", key_id = "X-Key-Id", signs = ["method", "path", "timestamp", "key_id"]}

[[resources]]
code = "person"
plural = "persons"
name = "人员"
description = "人员"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["依据"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY"]
service_methods = ["INTERFACE"]
source = "gateway"
identifiers = ["id_number"]
stable_key = "id"

[resources.endpoint]
path = "/districts/{district}/persons"
items = "data.list"
max_page = 100
paging = {style = "page", parameter = "page"}
examples = {district = "520102"}

[[resources.endpoint.lookups]]
path = "/persons/{id_number}"

[resources.endpoint.keys.id_number]
parameter = "ids"
most = 50

[[resources.items]]
code = "id_number"
name = "公民身份号码"
type = "string"
column = "id_number"

[[resources.items]]
code = "district"
name = "区划"
type = "string"
column = "district"
"""


def problems(old: str = "", new: str = "") -> list[tuple[str, str | None, int | None]]:
    """Code, path and line of every problem of the changed manifest."""
    assert old in MANIFEST
    text = MANIFEST.replace(old, new, 1) if old else MANIFEST
    try:
        return [(each.code, each.path, each.line) for each in check_manifest(read_manifest(text), text)]
    except Refused as refused:
        return [(each.code, each.path, each.line) for each in refused.problems]


def line_of(text: str) -> int:
    return MANIFEST[: MANIFEST.index(text)].count("\n") + 1


def test_the_manifest_is_good_and_reaches_the_connector() -> None:
    assert problems() == []
    part = build_part(read_manifest(MANIFEST))
    source = part.sources["service_bureau.gateway"]
    assert (source.options["auth"], source.options["health"], source.options["client_id"]) == ("hmac", "/health", "huitong")
    assert '"first"' not in part.resources["service_bureau.person"].binding.options


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "at"),
    [
        ('parameter = "page"}', 'parameter = "page", next = "n"}', "ENDPOINT", "resources[0].endpoint.paging.next", "paging ="),
        ('style = "page", parameter = "page"', 'style = "cursor", parameter = "page"', "ENDPOINT", "resources[0].endpoint.paging.next", "paging ="),
        ("{district}/persons", "{area}/persons", "ENDPOINT", "resources[0].endpoint.path", 'path = "/districts'),
        ("/persons/{id_number}", "/persons/{number}", "ENDPOINT", "resources[0].endpoint.lookups[0].path", 'path = "/persons'),
        ("/persons/{id_number}", "/persons", "ENDPOINT", "resources[0].endpoint.lookups[0].path", 'path = "/persons'),
        ("/districts/{district}", "/districts/../{district}", "MANIFEST_SHAPE", "resources[0].endpoint.path", 'path = "/districts'),
        ("max_page = 100", 'max_page = 100\nfilters = {distrct = "d"}', "ENDPOINT", "resources[0].endpoint.filters.distrct", "max_page ="),
        ("keys.id_number]", "keys.id_numbr]", "ENDPOINT", "resources[0].endpoint.keys.id_numbr", "[resources.endpoint.keys"),
        ("max_page = 100", 'max_page = 100\nsorted_by = "ID"', "ENDPOINT", "resources[0].endpoint.sorted_by", "max_page ="),
        ("max_page = 100", 'max_page = 100\ndates = {distrct = "slash"}', "ENDPOINT", "resources[0].endpoint.dates.distrct", "max_page ="),
        ("max_page = 100", 'max_page = 100\ncolumn_nulls = {distrct = ["-"]}', "ENDPOINT", "resources[0].endpoint.column_nulls.distrct", "max_page ="),
        (
            "max_page = 100",
            'max_page = 100\nfilter_style = "odata"\nliterals = {distrct = "guid"}',
            "ENDPOINT",
            "resources[0].endpoint.literals.distrct",
            "max_page =",
        ),
        ("max_page = 100", 'max_page = 100\ndates = {district = "slash"}', "ENDPOINT", "resources[0].endpoint.dates.district", "max_page ="),
        (
            'type = "string"\ncolumn = "district"',
            'type = "integer"\ncolumn = "id_number"',
            "ENDPOINT",
            "resources[0].items[1].type",
            'type = "string"\ncolumn = "district"',
        ),
        ("max_page = 100", 'max_page = 100\nzone = "China"', "MANIFEST_SHAPE", "resources[0].endpoint.zone", "max_page ="),
        ("max_page = 100", "max_pag = 100", "MANIFEST_SHAPE", "resources[0].endpoint.max_pag", "max_page ="),
        ('secret = "env:GATEWAY_SECRET"', "", "SOURCE_OPTIONS", "sources[0].auth", "auth ="),
        ('auth = "hmac"', 'auth = "digest"', "MANIFEST_SHAPE", "sources[0].auth", "auth ="),
        ('auth = "hmac"', 'auth = "oauth"', "SOURCE_OPTIONS", "sources[0].options.hmac", "hmac ="),
        ("HMAC-SM3", "HMAC-MD5", "SOURCE_OPTIONS", "sources[0].options.hmac.algorithm", "hmac ="),
        ('client_id = "huitong"', 'client = "huitong"', "SOURCE_OPTIONS", "sources[0].options.client", "client_id ="),
        ("https://gateway.example/base", "https://169.254.169.254", "URL_INVALID", "sources[0].url", "url ="),
    ],
)
def test_faults_have_their_place(old: str, new: str, code: str, path: str, at: str) -> None:
    found = problems(old, new)
    assert (code, path) in [(each[0], each[1]) for each in found]
    assert {line_of(at), line_of(at) + new.count("\n")} & {each[2] for each in found if each[1] == path} or not new


def test_a_column_that_nothing_has_is_named_with_the_nearest() -> None:
    text = MANIFEST.replace("max_page = 100", 'max_page = 100\nfilters = {distrct = "d"}\nsorted_by = "zzzz"')
    wrong, far = check_manifest(read_manifest(text), text)
    assert ("distrct" in wrong.message, wrong.hint) == (True, "是否为 district? did you mean district?")
    assert ("zzzz" in far.message, far.hint) == (True, "信息项的列 items' columns: district, id, id_number")


@pytest.mark.parametrize("column", ["id", "district", "changed", "hidden"])
def test_stable_key_watermark_and_left_out_columns_may_be_named(column: str) -> None:
    beside = 'stable_key = "id"\nwatermark = "changed"\nleft_out = ["hidden"]'
    text = MANIFEST.replace('stable_key = "id"', beside).replace("max_page = 100", f'max_page = 100\nsorted_by = "{column}"\nfilters = {{{column} = "q"}}')
    assert check_manifest(read_manifest(text), text) == []
