"""Delivery into a folder: whole or not told as whole, never over what others put there, whatever they put in the way."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.exchange.delivery import folder_names
from hub.exchange.delivery.config import Destination
from hub.exchange.delivery.faults import DeliveryFault
from hub.exchange.delivery.folder_names import PLACEHOLDER
from tests.exchange.delivery.parcels import bring, destination, parcel, stopping_at

pytestmark = pytest.mark.fast


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "in").mkdir(parents=True)
    return made


@pytest.fixture
def where(root: Path) -> Destination:
    return destination(root, kind="folder", url=f"file://{root}/in")


def names(root: Path, exchange: str = "exchange_a") -> list[str]:
    return sorted(each.name for each in (root / "in" / exchange).iterdir())


def test_files_then_the_manifest_once(tmp_path: Path, root: Path, where: Destination) -> None:
    what = parcel(tmp_path)
    assert bring(where, what, root)
    assert names(root) == ["data-00001.parquet", "data-00002.parquet", "manifest.json"]
    for file in what.files:
        assert (root / "in" / "exchange_a" / file.name).read_bytes() == (what.folder / file.name).read_bytes()
    assert json.loads((root / "in" / "exchange_a" / "manifest.json").read_bytes()) == json.loads(what.manifest)
    before = (root / "in" / "exchange_a" / "data-00001.parquet").stat().st_ino
    assert not bring(where, what, root)
    assert (root / "in" / "exchange_a" / "data-00001.parquet").stat().st_ino == before
    assert bring(where, parcel(tmp_path, "exchange_b"), root)
    assert names(root, "exchange_b") == names(root)


@pytest.mark.parametrize("calls", range(5))
def test_whatever_interrupts_it_the_next_attempt_completes_it(tmp_path: Path, root: Path, where: Destination, calls: int) -> None:
    what = parcel(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        bring(where, what, root, stopping_at(calls))
    assert "manifest.json" not in names(root)
    # What a killed process leaves: no name of its own was put in place.
    (root / "in" / "exchange_a" / ".data-00002.parquet.1.part").write_bytes(b"half")
    assert bring(where, replace(what, attempt=2), root)
    assert names(root) == ["data-00001.parquet", "data-00002.parquet", "manifest.json"]


@pytest.mark.parametrize("name", ["data-00001.parquet", "manifest.json"])
@pytest.mark.parametrize("content", [b"of somebody else", b'{"files": []}'])
def test_what_others_put_there_is_not_overwritten(tmp_path: Path, root: Path, where: Destination, name: str, content: bytes) -> None:
    theirs = root / "in" / "exchange_a" / name
    theirs.parent.mkdir()
    theirs.write_bytes(content)
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), root)
    assert (fault.value.code.value, fault.value.lasting) == ("CONFLICT", True)
    assert theirs.read_bytes() == content


def without_links(*_: Any, **__: Any) -> None:
    """As link(2) of a file system that has none."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("name", ["data-00002.parquet", "manifest.json"])
def test_what_others_put_there_in_the_last_instant_is_not_overwritten(
    tmp_path: Path, root: Path, where: Destination, monkeypatch: pytest.MonkeyPatch, name: str, links: bool
) -> None:
    theirs, link, rename = root / "in" / "exchange_a" / name, os.link, os.rename

    def put() -> None:
        with theirs.open("xb") as file:
            file.write(b"of somebody else")

    def linked(source: str, target: str, **given: Any) -> None:
        if target == name:
            put()
        (link if links else without_links)(source, target, **given)

    def renamed(source: str, target: str, **given: Any) -> None:
        if target == name:
            put()
        rename(source, target, **given)

    monkeypatch.setattr(os, "link", linked)
    monkeypatch.setattr(os, "rename", renamed)
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), root)
    assert (fault.value.code.value, fault.value.lasting) == ("CONFLICT", True)
    assert theirs.read_bytes() == b"of somebody else"
    assert [each for each in names(root) if each.startswith(".")] == []


def test_where_there_are_no_hard_links(tmp_path: Path, root: Path, where: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", without_links)
    monkeypatch.setattr(folder_names, "moved", lambda *_: False)
    rename = os.rename

    def killed(source: str, target: str, **given: Any) -> None:
        if target == "data-00002.parquet":
            raise KeyboardInterrupt
        rename(source, target, **given)

    what = parcel(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            bring(where, what, root)
    assert (root / "in" / "exchange_a" / "data-00002.parquet").read_bytes() == PLACEHOLDER
    assert bring(where, replace(what, attempt=2), root)
    assert names(root) == ["data-00001.parquet", "data-00002.parquet", "manifest.json"]
    for file in what.files:
        assert (root / "in" / "exchange_a" / file.name).read_bytes() == (what.folder / file.name).read_bytes()
    assert not bring(where, replace(what, attempt=3), root)


def test_a_link_that_was_made_and_not_answered_is_the_files(tmp_path: Path, root: Path, where: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def unanswered(source: str, target: str, **given: Any) -> None:
        link(source, target, **given)
        link(source, target, **given)

    monkeypatch.setattr(os, "link", unanswered)
    assert bring(where, parcel(tmp_path), root)
    assert names(root) == ["data-00001.parquet", "data-00002.parquet", "manifest.json"]


@pytest.mark.parametrize("trap", ["folder", "file", "pipe"])
def test_no_link_and_no_pipe_leads_elsewhere(tmp_path: Path, root: Path, where: Destination, trap: str) -> None:
    """Whoever starts an exchange knows its number before it is delivered."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    own = root / "in" / "exchange_a"
    if trap == "folder":
        own.symlink_to(elsewhere)
    else:
        own.mkdir()
        victim = own / "data-00001.parquet"
        victim.symlink_to(elsewhere / "data-00001.parquet") if trap == "file" else os.mkfifo(victim)
    with pytest.raises(DeliveryFault):
        bring(where, parcel(tmp_path), root)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_became_a_link_is_refused(tmp_path: Path, root: Path, where: Destination) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / "in").rmdir()
    (root / "in").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), root)
    assert "allowed roots" in fault.value.en
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_that_is_not_what_the_manifest_says_does_not_arrive(tmp_path: Path, root: Path, where: Destination) -> None:
    what = parcel(tmp_path)
    with (what.folder / "data-00002.parquet").open("r+b") as file:
        file.seek(40)
        file.write(b"\xff")
    with pytest.raises(DeliveryFault) as fault:
        bring(where, what, root)
    assert (fault.value.code.value, fault.value.lasting) == ("INTERNAL", True)
    assert names(root) == ["data-00001.parquet"]


def test_a_folder_that_is_missing_is_tried_again(tmp_path: Path, root: Path, where: Destination) -> None:
    (root / "in").rmdir()
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), root)
    assert (fault.value.code.value, fault.value.lasting) == ("SOURCE_UNAVAILABLE", False)
