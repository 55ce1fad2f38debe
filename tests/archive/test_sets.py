"""An archive holds the sets of subjects that its entries name, each proved by its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from hub.acts import Acts
from hub.archive.files import ArchiveFault
from hub.archive.service import Archives
from hub.archive.sets import sets_in
from hub.ledger.entry import EntryDraft, SubjectSet
from hub.ledger.matching import CallFilter
from hub.ledger.search import search
from hub.ledger.service import LedgerService
from hub.store.base import now
from hub.tracing.sets import made_set
from hub.tracing.tables import subject_set
from tests.archive.conftest import EDGE, OLD
from tests.archive.test_archive import YAO
from tests.ledger.build import make_draft, open_service
from verifier.cli import main as verifier

pytestmark = pytest.mark.fast


def hashes(begin: int, count: int) -> list[bytes]:
    """Distinct hashes of subjects."""
    return [hashlib.sha256(str(number).encode()).digest()[:16] for number in range(begin, begin + count)]


def naming(name: str, held: SubjectSet, number: int) -> EntryDraft:
    """The entry of a call that took the rows of a set."""
    draft = make_draft(name, at=OLD + timedelta(hours=number))
    return replace(draft, accesses=tuple(replace(access, subjects=(), subject_set=held) for access in draft.accesses))


@pytest.fixture
def sets() -> list[SubjectSet]:
    """Of 700 subjects in three chunks, of one, and of three."""
    return [made_set(hashes(begin, count))[0] for begin, count in ((0, 700), (1000, 1), (2000, 3))]


@pytest.fixture
def service(tmp_path: Path, sets: list[SubjectSet]) -> Iterator[LedgerService]:
    """Twelve entries of 2019 that name the first two sets by turns, and one of now that names the third."""
    made = open_service(tmp_path)
    with made.engine.begin() as connection:
        for begin, count in ((0, 700), (1000, 1), (2000, 3)):
            made_set(hashes(begin, count))[1](connection)
    for number in range(12):
        made.ledger.append_sync(naming(f"old-{number}", sets[number % 2], number))
    made.ledger.append_sync(replace(naming("new", sets[2], 0), at=now()))
    made.publisher.publish_all()
    yield made
    made.engine.dispose()


@pytest.fixture
def folder(service: LedgerService, tmp_path: Path) -> Path:
    """An archive in three segments."""
    Archives(service.engine, Acts(service.ledger), service, 5).archive(YAO, EDGE, tmp_path / "a", 5)
    return tmp_path / "a"


def test_each_segment_has_the_sets_of_its_entries_and_no_others(folder: Path, sets: list[SubjectSet]) -> None:
    files = sorted(folder.glob("*.sets"))
    assert [file.name for file in files] == [f"subjects-{first:012d}-{last:012d}.sets" for first, last in ((0, 4), (5, 9), (10, 11))]
    for file in files:
        assert sets_in(file) == {each.digest: each.count for each in sets[:2]}
    listed = json.loads((folder / "archive.json").read_bytes())["also"]
    assert [each["file"] for each in listed] == [file.name for file in files]
    assert all(hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() == each["sha256"] for each in listed)


def test_the_verifier_notices_a_set_that_was_touched(folder: Path, service: LedgerService, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "log.key"
    key.write_text(f"{service.verifier_key}\n")
    assert verifier(["archive", str(folder), "--key", str(key)]) == 0, capsys.readouterr().out
    file = next(folder.glob("*.sets"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert verifier(["archive", str(folder), "--key", str(key)]) == 1
    with pytest.raises(ArchiveFault, match="altered"):
        sets_in(file)
    file.write_bytes(content[:-1])
    with pytest.raises(ArchiveFault, match="altered"):
        sets_in(file)


def test_a_set_that_is_gone_is_told_in_the_act_and_the_others_are_archived(service: LedgerService, sets: list[SubjectSet], tmp_path: Path) -> None:
    digest = bytes.fromhex(sets[0].digest)
    with service.engine.begin() as connection:
        chunk = delete(subject_set).where(subject_set.c.digest == digest, subject_set.c.first == min(hashes(0, 700)))
        assert connection.execute(chunk).rowcount == 1
    Archives(service.engine, Acts(service.ledger), service, 5).archive(YAO, EDGE, tmp_path / "a")
    (file,) = (tmp_path / "a").glob("*.sets")
    assert sets_in(file) == {sets[1].digest: 1}
    with service.engine.connect() as connection:
        last = search(connection, CallFilter(kinds=("admin",)), 1).entries[0].content
    assert last.details is not None
    assert (last.details["missing_sets"], last.details["missing_set"]) == (1, sets[0].digest)
