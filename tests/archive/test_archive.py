"""LOG-08: old entries are written out, proven, removed only after their time, and verified from the archive ever after."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from hub.acts import Actor
from hub.archive.files import ArchiveFault, read_list, write_list
from hub.archive.service import Archives
from hub.archive.source import ArchiveSource
from hub.catalog.problems import Refused
from hub.ledger import tables
from hub.ledger.matching import CallFilter
from hub.ledger.proofs import inclusion, verify_proof
from hub.ledger.reading import entry
from hub.ledger.report import Report
from hub.ledger.ring import KeyRing
from hub.ledger.rotation import By, rotate
from hub.ledger.search import extent, search
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from hub.settings import Settings
from hub.tracing.index import Indexer
from hub.tracing.tables import indexed
from tests.archive.conftest import EDGE
from tests.ledger.build import make_draft
from verifier.cli import main as verifier

pytestmark = pytest.mark.slow
YAO = Actor("yao", "city_data", frozenset({"governance:audit"}))
NEVER = datetime(2018, 1, 1, tzinfo=UTC)


def archived(archives: Archives, folder: Path, size: int = 10) -> Path:
    """An archive of 2019 in segments of ten."""
    archives.archive(YAO, EDGE, folder, size)
    return folder


def check(service: LedgerService, *folders: Path) -> Report:
    keys = [service.verifier_key]
    source = ArchiveSource(folders, service.ledger.log, keys)
    with service.engine.connect() as connection:
        report = verify(connection, keys, archive=source if folders else None)
    for fault in source.faults:
        report.find("entry", fault.entry, str(fault))
    return report


def stored(service: LedgerService) -> int:
    with service.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(tables.entry)).scalar_one()


def test_an_archive_holds_the_old_entries_and_removes_nothing(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    folder = archived(archives, tmp_path / "a")
    segments = read_list(folder, service.ledger.log, [service.verifier_key])
    assert [(each.first, each.count) for each in segments] == [(0, 10), (10, 10), (20, 3)]
    assert [each.segment for each in archives.registered()] == segments
    assert stored(service) == 29, "the act itself was added"
    with service.engine.connect() as connection:
        last = search(connection, CallFilter(kinds=("admin",)), 1).entries[0].content
    assert (last.operation, last.details and last.details["count"]) == ("ledger.archive", 23)
    assert check(service).ok
    with pytest.raises(Refused, match="nothing to archive"):
        archives.archive(YAO, EDGE, tmp_path / "b")


def test_the_same_entries_give_the_same_bytes(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    first = archived(archives, tmp_path / "a")
    with service.engine.begin() as connection:
        connection.execute(tables.archive.delete())
    second = archived(archives, tmp_path / "b")
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {path.name: path.read_bytes() for path in second.iterdir()}


def test_it_is_verified_without_the_hub(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    folder = archived(archives, tmp_path / "a")
    (tmp_path / "log.key").write_text(f"{service.verifier_key}\n")
    command = ["archive", str(folder), "--key", str(tmp_path / "log.key")]
    assert verifier(command) == 0
    path = next(folder.glob("entries-000000000010-*"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"old-12", b"old-21"), mtime=0))
    assert verifier(command) == 1


def test_removed_entries_are_verified_from_the_archive(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    folder = archived(archives, tmp_path / "a")
    service.publisher.publish_all()
    done = archives.prune(YAO, "du", [folder])
    assert [each.first for each in done] == [0, 10, 20]
    assert stored(service) == 5 + 1 + 3
    service.ledger.append_sync(make_draft("later"))
    service.publisher.publish_all()
    with service.engine.connect() as connection:
        assert entry(connection, 3) is None
        assert extent(connection).first == 23
        assert [each.content.call for each in search(connection, CallFilter(application="housing_app"), 3, 26, ascending=False).entries] == [
            "new-2",
            "new-1",
            "new-0",
        ]
        assert connection.execute(select(func.count()).select_from(tables.access).where(tables.access.c.seq < 23)).scalar_one() == 0
        for seq in (0, 13, 22, 25):
            proof = inclusion(connection, seq)
            assert proof is not None
            (leaf,) = _leaves(service, seq)
            assert verify_proof(proof, leaf, [service.verifier_key])
    report = check(service, folder)
    assert (report.ok, report.archived, report.unread, report.warnings[:0]) == (True, 23, 0, [])
    without = check(service)
    assert (without.ok, without.unread) == (True, 23)
    assert "--archive" in without.warnings[-1]


def _leaves(service: LedgerService, *seqs: int) -> list[bytes]:
    with service.engine.connect() as connection:
        found: dict[Any, Any] = {row.seq: row.leaf for row in connection.execute(select(tables.entry.c.seq, tables.entry.c.leaf))}
        found |= {row.idx: row.hash for row in connection.execute(select(tables.node).where(tables.node.c.level == 0))}
    return [found[seq] for seq in seqs]


def test_a_removal_that_broke_off_goes_on(service: LedgerService, archives: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = archived(archives, tmp_path / "a")
    monkeypatch.setattr("hub.archive.service._REMOVED", 4)
    removing, removed = archives._remove, []

    def break_off(first: int, end: int) -> None:
        if len(removed) == 3:
            raise OSError("the machine is switched off")
        removed.append(first)
        removing(first, end)

    monkeypatch.setattr(archives, "_remove", break_off)
    with pytest.raises(OSError, match="switched off"):
        archives.prune(YAO, "du", [folder])
    assert check(service, folder).ok
    monkeypatch.undo()
    archives.prune(YAO, "du", [folder])
    assert check(service, folder).archived == 23


def test_nothing_is_removed_that_the_index_of_subjects_does_not_cover(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    folder, before = archived(archives, tmp_path / "a"), stored(service)
    indexer = Indexer(service.engine)
    indexer.catch_up()
    with service.engine.begin() as connection:
        # As while it is made anew.
        connection.execute(update(indexed).values(size=-1))
    with pytest.raises(Refused, match="made anew"):
        archives.prune(YAO, "du", [folder])
    assert stored(service) >= before
    indexer.rebuild()
    archives.prune(YAO, "du", [folder])
    assert stored(service) < before


def test_nothing_is_removed_before_its_time_or_unarchived_or_by_one_person_alone(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing to remove"):
        archives.prune(YAO, "du", [])
    folder = archived(archives, tmp_path / "a")
    with pytest.raises(Refused, match="FOUR_EYES"):
        archives.prune(YAO, "yao", [folder])
    patient = Archives(service.engine, archives._acts, service, 90)
    with pytest.raises(Refused, match="90 years"):
        patient.prune(YAO, "du", [folder])
    with pytest.raises(ArchiveFault, match="in none of the folders"):
        archives.prune(YAO, "du", [tmp_path])
    assert stored(service) == 29


@pytest.mark.parametrize("what", ["byte", "list", "truncated", "other"])
def test_nothing_is_removed_whose_archive_was_touched(service: LedgerService, archives: Archives, tmp_path: Path, what: str) -> None:
    folder = archived(archives, tmp_path / "a")
    path = next(folder.glob("entries-000000000000-*"))
    raw = path.read_bytes()
    if what == "byte":
        path.write_bytes(raw[:100] + bytes([raw[100] ^ 1]) + raw[101:])
    elif what == "truncated":
        path.write_bytes(raw[:-20])
    elif what == "other":
        path.write_bytes(gzip.compress(gzip.decompress(raw).replace(b"old-3", b"old-4"), mtime=0))
    else:
        (folder / "archive.json").write_bytes((folder / "archive.json").read_bytes().replace(b'"count":10', b'"count":11', 1))
    with pytest.raises(ArchiveFault):
        archives.prune(YAO, "du", [folder])
    assert stored(service) == 29


def test_an_archive_touched_after_the_removal_is_found(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    folder = archived(archives, tmp_path / "a")
    archives.prune(YAO, "du", [folder])
    path = next(folder.glob("entries-000000000010-*"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"old-12", b"old-21"), mtime=0))
    report = check(service, folder)
    assert not report.ok
    assert report.first == 12


def test_entries_that_nobody_removed_by_an_act_are_missed(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    archived(archives, tmp_path / "a")
    Indexer(service.engine).catch_up()
    archives._remove(0, 10)
    assert check(service).first == 0, "removed, and not marked"
    with service.engine.begin() as connection:
        connection.execute(update(tables.archive).where(tables.archive.c.first == 0).values(pruned_at=EDGE))
    found = check(service)
    assert not found.ok
    assert "no entry says who" in found.findings[0].message


def test_a_leaf_hash_hides_no_entry_that_the_register_does_not_name(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    """One segment was removed rightly; an entry outside it is taken away as if it had been."""
    folder = archived(archives, tmp_path / "a")
    archives.prune(YAO, "du", [folder])
    with service.engine.begin() as connection:
        connection.execute(update(tables.archive).where(tables.archive.c.first == 0).values(pruned_at=None))
    for report in (check(service), check(service, folder)):
        assert (report.ok, report.first) == (False, 0)
        assert "entry 0 is missing" in report.findings[0].message


def test_an_archive_that_is_not_whole_is_told(service: LedgerService, archives: Archives, tmp_path: Path) -> None:
    """Whoever is given an archive without a segment is not told that everything was read."""
    folder = archived(archives, tmp_path / "a")
    archives.prune(YAO, "du", [folder])
    assert check(service, folder).ok
    kept = [each for each in read_list(folder, service.ledger.log, [service.verifier_key]) if each.first != 10]
    (folder / "archive.json").unlink()
    write_list(folder, service.signer, kept)
    report = check(service, folder)
    assert (report.ok, report.first, report.unread) == (False, 10, 10)
    assert "10 removed entries are not in the archive" in report.findings[0].message


def test_hours_that_hide_entries_are_found(service: LedgerService) -> None:
    with service.engine.begin() as connection:
        connection.execute(update(tables.hour).where(tables.hour.c.hour == "2019-05-01T09").values(first=10, last=10))
    report = check(service)
    assert [finding.index for finding in report.findings] == [9]


def test_no_retention_below_three_years() -> None:
    assert Settings().ledger_retention_years >= 3
    with pytest.raises(ValidationError, match="greater than or equal to 3"):
        Settings(ledger_retention_years=2)


def test_what_is_younger_stays_out_of_an_archive(archives: Archives, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing to archive"):
        archives.archive(YAO, NEVER, tmp_path / "a")


def test_changes_of_keys_stay_and_vouch_for_what_was_removed(
    service: LedgerService, archives: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = service.verifier_key
    announced = rotate(service.engine, KeyRing(service.ring._directory, service.ledger.log), By("cli:test", "cli:test", "key-1")).announced
    for number in range(3):
        service.ledger.append_sync(make_draft(f"after-{number}"))
    service.publisher.publish_all()
    later = datetime.now(UTC) + timedelta(days=3700)
    archives.archive(YAO, later, tmp_path / "a", 10)
    service.ledger.append_sync(make_draft("last"))
    service.publisher.publish_all()
    monkeypatch.setattr("hub.archive.service.now", lambda: later)
    archives.prune(YAO, "du", [tmp_path / "a"])
    with service.engine.connect() as connection:
        assert announced is not None
        assert entry(connection, announced) is not None
        assert entry(connection, announced - 1) is None
        source = ArchiveSource([tmp_path / "a"], service.ledger.log, archives.keys)
        for given, unread in ((source, 0), (None, 31)):
            report = verify(connection, [first], archive=given)
            assert (report.ok, report.archived, report.unread) == (True, 31, unread), report.findings


@pytest.mark.parametrize("approver", ["", " ", "\u200b", "yao", "cli:Yao", "cli:cli:ｙａｏ", "y\u200dao", "li\u202e"])
def test_nobody_approves_under_another_spelling_of_the_actors_name(archives: Archives, tmp_path: Path, approver: str) -> None:
    """LOG-03: who removes entries and who approves of it are two people, and both can be read."""
    folder = archived(archives, tmp_path / "a")
    with pytest.raises(Refused, match="somebody else"):
        archives.prune(YAO, approver, [folder])
