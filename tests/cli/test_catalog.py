"""Manifests through the command line: whole or not at all, by two people, and every fault with its line and remedy (CAT-12, CLS-04)."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from hub.demo.catalog import CLASSIFIED, manifests
from tests.catalog.small import SMALL
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest without a fault."""
    path = tmp_path / "city_data.toml"
    path.write_text(manifests(tmp_path, "http://127.0.0.1:1")["city_data"], encoding="utf-8")
    return path


def test_import_review_publish(initialised: Cli, manifest: Path) -> None:
    imported = initialised("catalog", "import", manifest, "--actor", "li", "--json").data
    assert imported == {"id": 1, "department": "city_data", "state": "IMPORTED", "resources": ["city_data.division"]}
    assert initialised("catalog", "review", 1, "--approve", "--actor", "wang", "--json").data["state"] == "APPROVED"
    assert initialised("catalog", "publish", 1, "--actor", "wang", "--json").data == {"import": 1, "snapshot": 1}
    assert [row["code"] for row in initialised("catalog", "show", "--json").data] == ["city_data.division"]
    assert initialised("catalog", "export", "city_data").out == manifest.read_text(encoding="utf-8")


def test_publication_says_which_sources_to_check_and_what_the_hub_needs_for_them(initialised: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.toml"
    address = 'url = "postgresql+asyncpg://reader@db.example:5432/register"'
    path.write_text(SMALL.replace(address, f'{address}\nsecret = "env:REGISTER_PASSWORD"').replace('source = "db"', 'source = "apart"'), encoding="utf-8")
    initialised("department", "add", "civil_affairs", "市民政局", "115201000093900013")
    initialised("source", "add", "civil_affairs", "apart", "--url", f"sqlite:///{tmp_path}/register.db")
    initialised("source", "add", "civil_affairs", "idle", "--url", f"sqlite:///{tmp_path}/idle.db")
    monkeypatch.delenv("REGISTER_PASSWORD", raising=False)
    first, second = _published(initialised, path)
    assert first == "已发布 published as snapshot 1"
    assert "check next: huitong source check civil_affairs.db (" in second
    assert "REGISTER_PASSWORD is not set here; the hub's own environment needs it); huitong source check civil_affairs.apart" in second
    assert "idle" not in second
    monkeypatch.setenv("REGISTER_PASSWORD", "hunter2")
    again = _published(initialised, path)[1]
    assert again.endswith("huitong source check civil_affairs.db; huitong source check civil_affairs.apart")


def test_one_resource_is_shown_with_its_items(initialised: Cli, manifest: Path) -> None:
    publish(initialised, manifest)
    shown = initialised("catalog", "show", "city_data.division", "--json").data
    assert shown["code"] == "city_data.division"
    assert {"code", "name", "type", "identifier", "filterable", "share_mask", "open_mask"} <= set(shown["items"][0])
    missing = initialised("catalog", "show", "city_data.divison")
    assert missing.code == 1
    assert "city_data.divison" in missing.err


def test_who_imported_does_not_review(initialised: Cli, manifest: Path) -> None:
    initialised("catalog", "import", manifest, "--actor", "li")
    refused = initialised("catalog", "review", 1, "--approve", "--actor", "li")
    assert refused.code == 1
    assert "who imported does not review" in refused.err
    shown = initialised("catalog", "show", "--imports", "--json").data[0]
    assert shown["state"] == "IMPORTED"
    assert not {"text", "form"} & set(shown)


def test_an_import_that_nobody_approved_is_not_published(initialised: Cli, manifest: Path) -> None:
    initialised("catalog", "import", manifest, "--actor", "li")
    assert initialised("catalog", "publish", 1).code == 1
    initialised("catalog", "review", 1, "--reject", "--opinion", "不同意", "--actor", "wang")
    assert initialised("catalog", "publish", 1).code == 1
    assert initialised("catalog", "show", "--json").data == []


def test_every_typo_is_told_with_path_line_and_remedy_and_nothing_is_imported(initialised: Cli, manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    broken = re.sub(r"(?m)^update_cycle = .*$", 'update_cycel = "daily"', text, count=1)
    broken = re.sub(r"(?m)^sharing_class = .*$", 'sharing_class = "UNCONDITIONNAL"', broken, count=1)
    broken = re.sub(r'(?m)^type = "string"$', 'type = "text"', broken, count=1)
    manifest.write_text(broken, encoding="utf-8")
    refused = initialised("catalog", "import", manifest)
    assert refused.code == 1
    for typo in ("update_cycel", "UNCONDITIONNAL", 'type = "text"'):
        line = next(number for number, content in enumerate(broken.splitlines(), 1) if typo in content)
        assert f"{manifest}:{line}: resources[0]" in refused.err
    assert "did you mean update_cycle?" in refused.err
    assert refused.err.count("  → ") >= 3
    assert "nothing was imported" in refused.err
    assert initialised("catalog", "show", "--imports", "--json").data == []
    assert initialised("department", "list", "--json").data == []


def test_a_syntax_error_names_its_line(initialised: Cli, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('[department]\ncode = "civil_affairs\n', encoding="utf-8")
    refused = initialised("catalog", "import", path)
    assert refused.code == 1
    assert f"{path}:2: " in refused.err


def test_classified_data_is_refused(initialised: Cli) -> None:
    refused = initialised("catalog", "import", CLASSIFIED)
    assert refused.code == 1
    assert "resources[0].level" in refused.err
    assert "classified data never enters" in refused.err
    assert initialised("catalog", "show", "--imports", "--json").data == []


def test_a_file_that_is_not_utf_8_is_refused(initialised: Cli, tmp_path: Path) -> None:
    path = tmp_path / "gbk.toml"
    path.write_bytes("name = '民政局'".encode("gb18030"))
    refused = initialised("catalog", "import", path)
    assert refused.code == 1
    assert "UTF-8" in refused.err


def test_a_file_that_is_not_there_is_a_usage_error(initialised: Cli, tmp_path: Path) -> None:
    assert initialised("catalog", "import", tmp_path / "none.toml").code == 2


def test_standard_input_is_read(initialised: Cli, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(manifest.read_text(encoding="utf-8")))
    assert initialised("catalog", "import", "-").code == 0


def test_a_department_without_manifest_has_none_to_export(initialised: Cli) -> None:
    refused = initialised("catalog", "export", "housing")
    assert refused.code == 1
    assert "housing" in refused.err


def publish(cli: Cli, manifest: Path) -> None:
    """Imports, has it reviewed, publishes."""
    number = cli("catalog", "import", manifest, "--actor", "li", "--json").data["id"]
    assert cli("catalog", "review", number, "--approve", "--actor", "wang").code == 0
    assert cli("catalog", "publish", number, "--actor", "wang").code == 0


def _published(cli: Cli, path: Path) -> list[str]:
    """What ``catalog publish`` prints, line by line."""
    number = cli("catalog", "import", path, "--actor", "li", "--json").data["id"]
    cli("catalog", "review", number, "--approve", "--actor", "wang")
    return cli("catalog", "publish", number, "--actor", "wang").out.splitlines()


def test_masking_rules_and_what_an_import_does_to_masks(initialised: Cli, tmp_path: Path) -> None:
    rule = '[[masks]]\ncode = "tail"\nname = "末位"\nalgorithm = "KEEP_FIRST_N_LAST_M"\nprops = {first-n = 0, last-m = 1}\nversion = 4\n\n[[resources]]'
    declared = SMALL.replace("[[resources]]", rule, 1)
    path = tmp_path / "small.toml"
    for number, text in enumerate((declared, declared.replace('share = "NAME"', 'share = "tail"')), 1):
        path.write_text(text, encoding="utf-8")
        initialised("catalog", "import", path, "--actor", "li")
        changes = initialised("catalog", "masks", "--import", number, "--json").data
        reviewed = initialised("catalog", "review", number, "--approve", "--actor", "wang", "--json").data
        initialised("catalog", "publish", number, "--actor", "wang")
    assert changes == [{"change": "ITEM_WEAKENED", "of": "civil_affairs.person.id_number share", "before": "NAME@1", "after": "tail@4"}]
    assert reviewed["mask_changes"] == ["ITEM_WEAKENED civil_affairs.person.id_number share: NAME@1 → tail@4"]
    (row,) = initialised("catalog", "masks", "civil_affairs", "--json").data
    assert (row["rule"], row["algorithm"], row["import"], row["in_force"]) == ("civil_affairs.tail@4", "KEEP_FIRST_N_LAST_M", 1, True)
    assert initialised("catalog", "masks", "housing", "--json").data == []
