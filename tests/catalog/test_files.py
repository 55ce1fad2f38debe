"""Manifests that describe files: faults are found at import; the connector is told what the catalog says and where the hub keeps things."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files.options import object_spec
from connectors.selection import Kind
from hub.catalog.build import build_part
from hub.catalog.checks import check_manifest
from hub.catalog.files import remove_snapshots
from hub.catalog.manifest import SourcePart, read_manifest
from hub.catalog.problems import Refused
from hub.catalog.reach import reach
from hub.core import Core
from tests.catalog.homes import IMPORTER, SYSTEM, publish, refused

pytestmark = pytest.mark.fast
SOURCE = """
[[sources]]
code = "permits"
kind = "files"
url = "/srv/deliveries/permits"
options = {marker = ".done", look_seconds = 1.5}
"""
MANIFEST = f"""
[department]
code = "planning"
name = "市规划局"
uscc = "115201000093900013"
{SOURCE}
[[resources]]
code = "permit"
plural = "permits"
name = "许可"
description = "许可"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["依据"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY"]
service_methods = ["FILE"]
source = "permits"
object = "permits/{{date}}_{{n}}.csv"
identifiers = ["holder"]
stable_key = "许可证号"
stable_key_type = "string"
watermark = "更新时间"
left_out = ["经办人"]

[resources.file]
delimiter = "semicolon"

[[resources.items]]
code = "holder"
name = "持有人"
type = "string"
column = "统一社会信用代码"
validator = "uscc"
nullable = false

[[resources.items]]
code = "amount"
name = "金额"
type = "decimal"
column = "金额"
"""


def problems(old: str = "", new: str = "") -> list[tuple[str, str | None]]:
    assert old in MANIFEST
    text = MANIFEST.replace(old, new, 1) if old else MANIFEST
    try:
        return [(each.code, each.path) for each in check_manifest(read_manifest(text), text)]
    except Refused as refusal:
        return [(each.code, each.path) for each in refusal.problems]


def test_the_connector_is_told_what_the_catalog_says() -> None:
    assert problems() == []
    binding = build_part(read_manifest(MANIFEST)).resources["planning.permit"].binding
    spec = object_spec(binding)
    assert (binding.object, spec.file.delimiter, spec.left_out) == ("permits/{date}_{n}.csv", "semicolon", ("经办人",))
    assert [(each.name, each.kind, each.nullable, each.unique, each.key, each.validator) for each in spec.columns] == [
        ("许可证号", Kind.STRING, False, True, False, None),
        ("统一社会信用代码", Kind.STRING, False, False, True, "uscc"),
        ("金额", Kind.DECIMAL, True, False, False, None),
        ("更新时间", Kind.DATETIME, True, False, False, None),
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ('url = "/srv/deliveries/permits"', 'url = "https://host/x"', "URL_INVALID", "sources[0].url"),
        ("look_seconds = 1.5", "look_second = 1.5", "SOURCE_OPTIONS", "sources[0].options.look_second"),
        ("look_seconds = 1.5", 'snapshots = "/etc"', "SOURCE_OPTIONS", "sources[0].options.snapshots"),
        ("look_seconds = 1.5", 'closed = "/etc"', "SOURCE_OPTIONS", "sources[0].options.closed"),
        ('kind = "files"', 'kind = "sql"', "FILE_PART", "resources[0].file"),
        ("{date}_{n}", "{date}_{date}", "FILE_OBJECT", "resources[0].object"),
        ("permits/{date}_{n}.csv", "../{date}.csv", "FILE_OBJECT", "resources[0].object"),
        ('object = "permits/{date}_{n}.csv"', "", "OBJECT_MISSING", "resources[0].object"),
        ('delimiter = "semicolon"', 'delimiter = "dot"', "MANIFEST_SHAPE", "resources[0].file.delimiter"),
        ('delimiter = "semicolon"', 'delimeter = "semicolon"', "MANIFEST_SHAPE", "resources[0].file.delimeter"),
        ('left_out = ["经办人"]', 'left_out = ["金额"]', "FILE_COLUMN", "resources[0].left_out"),
        ('column = "金额"', 'column = "统一社会信用代码"', "FILE_COLUMN", "resources[0].items[1].type"),
        ('left_out = ["经办人"]', 'options = {a = "b"}', "FILE_PART", "resources[0]"),
    ],
)
def test_faults_have_a_code_and_a_place(old: str, new: str, code: str, path: str) -> None:
    assert (code, path) in problems(old, new)


def test_the_hub_says_where_snapshots_lie_and_what_is_its_own(core: Core) -> None:
    publish(core, MANIFEST)
    snapshot = core.catalog.current()
    config, resource = snapshot.sources["planning.permits"], snapshot.resources["planning.permit"]
    home = core.settings.home.absolute()
    assert config.options == {
        "marker": ".done",
        "look_seconds": 1.5,
        "snapshots": str(home / "snapshots" / "planning.permits"),
        "closed": str(home),
        "resources": [{"object": resource.binding.object, "options": resource.binding.options}],
    }


def test_a_source_registered_apart_needs_the_file_part(core: Core) -> None:
    core.catalog.create_department(SYSTEM, code="planning", name="市规划局", uscc="115201000093900013")
    core.catalog.register_source(SYSTEM, "planning", code="permits", kind="files", url="/srv/deliveries/permits")
    apart = MANIFEST.replace(SOURCE, "")
    (problem,) = refused(core.catalog.import_manifest, IMPORTER, apart.replace('[resources.file]\ndelimiter = "semicolon"', ""))
    assert (problem.code, problem.path) == ("FILE_PART", "resources[0].file")
    publish(core, apart)
    snapshot = core.catalog.current()
    assert object_spec(snapshot.resources["planning.permit"].binding).columns
    assert snapshot.sources["planning.permits"].options["snapshots"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("HOME", "FILE_PLACE"),
        ("file://HOME/keys", "FILE_PLACE"),
        ("HOME/demo/../exchange", "FILE_PLACE"),
        ("HOME/..", "FILE_PLACE"),
        ("/", "FILE_PLACE"),
        ("LINK", "FILE_PLACE"),
        ("HOME/demo/water", None),
        ("/srv/deliveries", None),
        ("s3://bucket/deliveries", None),
    ],
)
def test_folders_that_may_not_be_read(tmp_path: Path, url: str, code: str | None) -> None:
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home / "keys")
    part = SourcePart(code="permits", kind="files", url=url.replace("HOME", str(home)).replace("LINK", str(tmp_path / "link")))
    assert [found[0] for found in reach(part, "", home)] == ([code] if code else [])


def test_snapshots_go_with_their_source(core: Core) -> None:
    publish(core, MANIFEST)
    for name in ("planning.permits", "planning.gone"):
        (core.settings.home / "snapshots" / name / "shelf").mkdir(parents=True)
    remove_snapshots(core.settings.home, core.catalog.current().sources)
    assert [path.name for path in (core.settings.home / "snapshots").iterdir()] == ["planning.permits"]
