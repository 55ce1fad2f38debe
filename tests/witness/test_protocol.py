"""A witness answers as C2SP tlog-witness says, to logs that know nothing of this hub."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.witness.protocol import MOST_BYTES
from hub.witness.witness import Witness
from tests.witness.build import new_witness
from tests.witness.spec import Log, cosigned_at, leaves, root

pytestmark = pytest.mark.fast


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Iterator[Witness]:
    with new_witness(tmp_path / "w", log.vkey) as made:
        yield made


def test_a_first_checkpoint_and_its_successors_are_cosigned(witness: Witness, log: Log) -> None:
    old = 0
    for size in (1, 2, 3, 7, 8, 8, 31):
        answer = witness.add_checkpoint(log.request(old, leaves(size)))
        assert answer.status == 200, answer.body
        at = cosigned_at(witness.verifier_key, log.note(size, root(leaves(size))) + answer.body)
        assert at is not None, "the cosignature holds by the text of the standard"
        assert abs(at - time.time()) < 60
        old = size


def test_a_cosignature_covers_extension_lines(witness: Witness, log: Log) -> None:
    answer = witness.add_checkpoint(log.request(0, leaves(3), extension="more\n"))
    assert cosigned_at(witness.verifier_key, log.note(3, root(leaves(3)), "more\n") + answer.body) is not None
    assert cosigned_at(witness.verifier_key, log.note(3, root(leaves(3))) + answer.body) is None


def test_unknown_logs_and_foreign_signatures(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(Log("example.com/other").request(0, leaves(2))).status == 404
    assert witness.add_checkpoint(Log().request(0, leaves(2))).status == 403, "the log's name, another's key"
    forged = log.request(0, leaves(2)).replace(b"\n2\n", b"\n3\n")
    assert witness.add_checkpoint(forged).status == 403, "the log's key, another text"
    assert witness.last(log.origin) is None


def test_a_known_signature_among_unknown_ones_is_enough(witness: Witness, log: Log) -> None:
    other = Log()
    both = log.request(0, leaves(2)) + other.note(2, root(leaves(2))).rpartition("\n\n")[2].encode()
    assert witness.add_checkpoint(both).status == 200


def test_another_old_size_is_told_the_right_one(witness: Witness, log: Log) -> None:
    fresh = witness.add_checkpoint(log.request(2, leaves(5)))
    assert (fresh.status, fresh.body, fresh.media) == (409, "0\n", "text/x.tlog.size")
    witness.add_checkpoint(log.request(0, leaves(5)))
    for old in (0, 4):
        again = witness.add_checkpoint(log.request(old, leaves(9)))
        assert (again.status, again.body, again.media) == (409, "5\n", "text/x.tlog.size")
    assert witness.add_checkpoint(log.request(5, leaves(9))).status == 200


def test_wrong_proofs(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(log.request(0, leaves(5)))
    good = _steps(log.request(5, leaves(9)))
    for path in ([], good[:-1], [*good, good[-1]], good[::-1], [bytes(32), *good[1:]]):
        assert witness.add_checkpoint(log.request(5, leaves(9), path)).status == 422
    assert witness.add_checkpoint(log.request(5, leaves(5), [bytes(32)])).status == 422, "a proof where none belongs"
    assert witness.add_checkpoint(log.request(5, leaves(9, "b"))).status == 422, "another history, well proven in itself"


def test_a_proof_from_nothing_is_empty(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(log.request(0, leaves(5), [bytes(32)])).status == 422


def test_two_trees_of_one_size(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(log.request(0, leaves(5)))
    fork = witness.add_checkpoint(log.request(5, leaves(5, "b", 2)))
    assert fork.status == 409
    assert [line for line in fork.body.splitlines() if line.startswith("—")] == []
    assert witness.add_checkpoint(log.request(5, leaves(5))).status == 200, "the first one still stands"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"old 0\n",
        b"old 01\n\n%s",
        b"old -1\n\n%s",
        b"old 0 \n\n%s",
        b"new 0\n\n%s",
        b"old 0\nnonsense\n\n%s",
        b"old 0\nAAAA\n\n%s",
        b"old 0\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n%s",
        b"old 9\n\n%s",
        b"old 9223372036854775808\n\n%s",
        b"old 0\n\nexample.com/behind-the-sofa\n1\n",
    ],
)
def test_ill_formed_requests(witness: Witness, log: Log, body: bytes) -> None:
    note = log.note(3, root(leaves(3))).encode()
    assert witness.add_checkpoint(body.replace(b"%s", note)).status == 400
    assert witness.last(log.origin) is None


def test_a_size_that_no_database_holds(witness: Witness, log: Log) -> None:
    for size in (1 << 63, 10**19 - 1):
        assert witness.add_checkpoint(b"old 0\n\n" + log.note(size, bytes(32)).encode()).status == 400


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300) | st.text(alphabet="old 0123\n—=AQex.m/", max_size=200).map(str.encode))
def test_no_body_is_more_than_refused(witness: Witness, body: bytes) -> None:
    assert len(body) < MOST_BYTES
    assert witness.add_checkpoint(body).status in (400, 404)


def _steps(body: bytes) -> list[bytes]:
    return [base64.b64decode(line) for line in body.split(b"\n\n")[0].split(b"\n")[1:]]
