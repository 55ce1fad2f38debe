"""Whom a chunk's rows concern: keyed hashes, sorted and distinct, in a file beside the chunk's own.

The file holds *runs*: hashes of 16 bytes, sorted and distinct, one behind the other. Behind them stand, as JSON, the runs in their order
(``[resource, count]`` each), the length of that text in 8 bytes, and a mark. A resource may have several runs.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow
import pyarrow.compute

from connectors.arrow_types import wire_value
from hub.exchange.work.macs import Macs
from hub.exchange.work.sink import Sink
from hub.ledger.subjects import WIDTH, Subjects
from schema.subjects import form_of

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
Buffer = bytes | bytearray | memoryview
MARK = b"HTSUBJ1\n"
_RUN = 1024 * 1024
"""Bytes of hashes that are held at most, of each resource, before they become a run."""
_CHANGED = (13, 15)
_DIGIT = 12
"""Bits."""
_DIGITS = 4
"""So many tell a run's hashes apart but once in thousands of runs."""


class Naming:
    """Takes the subjects of one chunk. Used from one thread at a time."""

    def __init__(self, path: Path, subjects: Subjects) -> None:
        self._sink = Sink(path)
        self._subjects = subjects
        self._macs: dict[str, Macs] = {}
        self._held: dict[str, bytearray] = {}
        self._runs: list[tuple[str, int]] = []

    def add(self, resource: str, kind: str, form: str | None, column: Any) -> None:
        """Adds those whom the column names; nulls name nobody. See :class:`schema.export_spec.SubjectPlace`."""
        texts = texts_of(column, form)
        if not len(texts):
            return
        macs = self._macs.get(kind)
        if macs is None:
            macs = self._macs[kind] = Macs(self._subjects.key_of(kind))
        held = self._held.setdefault(resource, bytearray())
        held += macs.of(texts)
        if len(held) >= _RUN:
            self._run(resource)

    def _run(self, resource: str) -> None:
        distinct = ordered(self._held.pop(resource))
        self._sink.write(distinct)
        self._runs.append((resource, len(distinct) // WIDTH))

    @property
    def fault(self) -> OSError | None:
        """What the disk refused."""
        return self._sink.fault

    def finish(self) -> None:
        """Writes the rest; the file is on the disk when this returns."""
        for resource in list(self._held):
            self._run(resource)
        index = orjson.dumps(self._runs)
        self._sink.write(index + len(index).to_bytes(8, "big") + MARK)
        self._sink.finish()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._sink.discard()


def texts_of(column: Any, form: str | None) -> Any:
    """The texts that are hashed, in an identifier's form where there is one; a column without nulls."""
    column = column.drop_null()
    if _pa.types.is_integer(column.type):
        return column.cast(_pa.string())
    if not _pa.types.is_string(column.type):
        return _pa.array([str(wire_value(value)) for value in column.to_pylist()], _pa.string())
    if form is None or _is_plain(column):
        return column
    return _pa.array(map(form_of(form), column.to_pylist()), _pa.string())


def _is_plain(texts: Any) -> bool:
    """Whether they are of ASCII's digits and capitals alone, and of no length that a form changes: each is its own form (:mod:`schema.subjects`)."""
    if _pc.any(_pc.is_in(_pc.binary_length(texts), value_set=_pa.array(_CHANGED, _pa.int32()))).as_py():
        return False
    return bool(_pc.all(_pc.and_(_pc.ascii_is_alnum(texts), _pc.equal(_pc.ascii_upper(texts), texts))).as_py())


def hashes(data: Buffer) -> Any:
    """Hashes one behind the other as a column."""
    buffer = _pa.py_buffer(data)
    return _pa.FixedSizeBinaryArray.from_buffers(_pa.binary(WIDTH), buffer.size // WIDTH, [None, buffer])


def ordered(data: Buffer) -> memoryview:
    """The same hashes, sorted and distinct. A chunk has millions of them: none is copied more often than it must be."""
    column = hashes(data)
    if len(column) > 1:
        column = column.take(_order(data))
        differs = _pc.not_equal(column[1:], column[:-1])
        if _pc.all(differs).as_py() is False:
            column = _pa.concat_arrays([column[:1], column[1:].filter(differs)])
    return memoryview(column.buffers()[1]).cast("B")[column.offset * WIDTH : (column.offset + len(column)) * WIDTH]


def _order(data: Buffer) -> Any:
    """The places of hashes in ascending order. The first half of a hash tells nearly all apart, and the first of its digits nearly all of these."""
    first, second = _halves(data)
    places, numbers = _by_digits(first)
    if _pc.any(_pc.less(numbers[1:], numbers[:-1])).as_py():
        places = _pc.array_sort_indices(first)
        numbers = first.take(places)
    same = _pc.equal(numbers[1:], numbers[:-1])
    if _pc.any(same).as_py():
        second = second.take(places)
        if _pc.any(_pc.and_(same, _pc.not_equal(second[1:], second[:-1]))).as_py():
            return _pc.array_sort_indices(hashes(data))
    return places


def _by_digits(numbers: Any) -> tuple[Any, Any]:
    """The places of numbers by their first digits, and the numbers so. Arrow counts where values span no more than a digit does, and keeps the order
    of equal ones: digit by digit from the least (LSD radix sort), that takes a quarter of the time in which it compares numbers."""
    places = None
    for shift in _SHIFTS:
        moved = _pc.array_sort_indices(_pc.bit_wise_and(_pc.shift_right(numbers, shift), _LAST))
        numbers, places = numbers.take(moved), moved if places is None else places.take(moved)
    return places, numbers


def _halves(data: Buffer) -> tuple[Any, Any]:
    """The first and the second eight bytes of each hash as numbers."""
    words = array("Q")
    words.frombytes(data)
    if sys.byteorder == "little":
        words.byteswap()
    return _words(words[::2]), _words(words[1::2])


def _words(words: array[int]) -> Any:
    return _pa.Array.from_buffers(_pa.uint64(), len(words), [None, _pa.py_buffer(words)])


# Not by pyarrow.scalar, which loads pandas where that is installed, 80 MiB, into a hub that has no use for it.
_SHIFTS = [*_words(array("Q", range(64 - _DIGITS * _DIGIT, 64, _DIGIT)))]
_LAST = _words(array("Q", [(1 << _DIGIT) - 1]))[0]


def runs_of(path: Path) -> Sequence[tuple[str, int, int]]:
    """(resource, where it begins, hashes) of every run of a file.

    Raises:
        OSError: the file is not whole.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        tail = len(MARK) + 8
        file.seek(max(0, end - tail))
        last = file.read()
        length = int.from_bytes(last[:8], "big")
        if len(last) != tail or not last.endswith(MARK) or length > end - tail:
            raise OSError("a file of subjects is not whole")
        file.seek(end - tail - length)
        index: Iterable[tuple[str, int]] = orjson.loads(file.read(length))
    found, place = [], 0
    for resource, count in index:
        found.append((resource, place, count))
        place += count * WIDTH
    if place != end - tail - length:
        raise OSError("a file of subjects is not whole")
    return found
