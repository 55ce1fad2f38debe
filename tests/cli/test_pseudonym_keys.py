"""``huitong keys pseudonyms``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow


def test_versions_and_a_table_from_one_to_the_other(initialised: Cli, home: Path, tmp_path: Path) -> None:
    (first,) = initialised("keys", "pseudonyms", "list", "--json").data
    assert (first["version"], first["state"], first["digest"], first["here"]) == (1, "CURRENT", "SM3", True)
    assert initialised("keys", "pseudonyms", "retire", 1).code == 1
    assert initialised("keys", "pseudonyms", "rotate", "--after", 0, "--json").data["state"] == "CURRENT"
    assert initialised("department", "add", "housing", "住建局", "115201000093900013").code == 0
    made = initialised("app", "add", "alpha", "--department", "housing", "--purpose", "rent|公租房审核|条例第十条")
    assert made.code == 0, made.err
    (tmp_path / "numbers.txt").write_text("11010519491231002x\n\n110105491231002\n", "utf-8")
    (pair,) = initialised("keys", "pseudonyms", "overlap", 1, 2, tmp_path / "numbers.txt", "--application", "alpha", "--json").data
    assert (pair["old"][:3], pair["new"][:3]) == ("p1_", "p2_")
    assert initialised("keys", "pseudonyms", "retire", 1).code == 0
    assert [one.name for one in (home / "keys" / "pseudonyms").iterdir()] == ["p2.key"]
    ended = initialised("keys", "pseudonyms", "overlap", 1, 2, tmp_path / "numbers.txt", "--application", "alpha")
    assert (ended.code, "11010519491231002" in ended.out + ended.err) == (1, False)


def test_doctor_tells_of_a_key_that_is_not_here(initialised: Cli, home: Path) -> None:
    (home / "keys" / "pseudonyms" / "p1.key").unlink()
    (fault,) = [one for one in initialised("doctor", "--json").data if one["check"] == "pseudonyms"]
    assert (fault["ok"], "p1.key" in fault["message"], fault["remedy"]) == (False, True, "copy keys/pseudonyms/")
