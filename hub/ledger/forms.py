"""Forms: what the entries of like calls have in common, checked once and canonical already; a call fills in the rest.

The bytes are those that ``canonical.record`` and ``canonical.seal`` make of the same draft: they stay what defines them, and tests compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from hub.ledger.canonical import MAX_BYTES, MAX_INTEGER, VERSION, Record, encode, moment, record, subject_set
from hub.ledger.entry import EntryDraft, Kind, Outcome, SubjectSet
from hub.ledger.errors import EntryRejected
from hub.ledger.pending import Repeated, Work, is_act, releases
from hub.ledger.subjects import WIDTH

_TEXT_SIZE = 6 * (64 + 64 + 256 + 256) + 256
"""Bytes that the texts and numbers of a filled form take at most, escaped."""
_SOURCE_SIZE, _ACCESS_SIZE = 64, 160
"""The same of a source's moment and time, and of an access's rows and set."""
_SUBJECT_SIZE = 35
_NULL = b"null"
_OTHER_RESOURCES = "the entry names other resources than its form"
_NO_HASHES = "subjects are keyed hashes made by Subjects.digests, never identifiers"


class Part(NamedTuple):
    """What a call took of one resource: its subjects' hashes (16 bytes each), or their set."""

    resource: str
    provider: str
    rows: int
    subjects: Sequence[bytes] = ()
    subject_set: SubjectSet | None = None


Served = tuple[int, datetime | None]
"""How long a source took in milliseconds, and as of when it answered."""


class Form:
    """Made of an example, of which everything is kept but ``at``, ``bytes``, ``call``, ``case``, ``ms``, ``operator``, ``rows``, ``trace``, and of
    its accesses and sources what :class:`Part` and :class:`Served` say.

    Raises:
        EntryRejected: the example cannot be an entry.
    """

    __slots__ = ("_count", "_text", "fixed", "is_act", "kind", "operation", "outcome", "places", "releases", "size", "sources")

    def __init__(self, example: EntryDraft, log: str) -> None:
        if example.version != VERSION:
            raise EntryRejected(f"a form has version {VERSION}")
        self.kind: Kind = example.kind
        self.operation = example.operation
        self.outcome: Outcome = example.outcome
        self.fixed = example.kind, example.operation, example.application, example.department, example.outcome
        self.places = [(access.resource, access.provider) for access in example.accesses]
        self.sources = len(example.sources)
        self.releases, self.is_act = releases(example), is_act(example)
        # What is filled in must not make the form larger.
        bare = replace(example, accesses=tuple(replace(access, subjects=(), subject_set=None) for access in example.accesses))
        self._text = _form(record(bare, log))
        self.size = len(self._text) + _TEXT_SIZE + _SOURCE_SIZE * self.sources + _ACCESS_SIZE * len(self.places)

    def fill(
        self,
        call: str,
        at: datetime,
        parts: Sequence[Part],
        served: Iterable[Served],
        *,
        size: int,
        operator: str | None = None,
        case: str | None = None,
        trace: str | None = None,
        ms: int | None = None,
    ) -> Filled:
        """An entry of this form; ``size`` are its bytes of data. Parts and sources stand as in the example.

        Raises:
            EntryRejected: what is filled in cannot stand in an entry, or makes it larger than ``MAX_BYTES``.
        """
        if type(call) is not str or not call or len(call) > 64 or not call.isprintable():
            raise EntryRejected("call is a code: one or more printable characters, at most 64")
        if len(parts) != len(self.places):
            raise EntryRejected(_OTHER_RESOURCES)
        rows, subjects, moments = 0, 0, moment(at)
        values: list[object] = []
        for part, place in zip(parts, self.places, strict=True):
            resource, provider, took, hashes, held = part
            if (resource, provider) != place:
                raise EntryRejected(_OTHER_RESOURCES)
            rows, subjects = rows + _count("rows", took), subjects + len(hashes)
            values += (took, _NULL if held is None else encode(subject_set(held)), _hashes(hashes))
        if self.size + _SUBJECT_SIZE * subjects > MAX_BYTES:
            raise EntryRejected(f"the entry is larger than {MAX_BYTES} bytes; write one entry per part of the work")
        chained, place_of = len(values) + 4, len(values) + 8
        # In the order in which the keys stand in the entry; 0 and the dash are its place.
        values += (
            moments.encode(),
            _count("bytes", size),
            encode(call),
            _NULL if case is None else _text("case", case, 256),
            "",
            _NULL if ms is None else b"%d" % _count("ms", ms),
            _NULL if operator is None else _text("operator", operator, 256),
            _count("rows", rows),
            0,
        )
        before = len(values)
        for milliseconds, as_of in served:
            values += (_NULL if as_of is None else b'"%b"' % moment(as_of).encode(), _count("ms", milliseconds))
        if len(values) - before != 2 * self.sources:
            raise EntryRejected("the entry names other sources than its form")
        values.append(_NULL if trace is None else _text("trace", trace, 64))
        return Filled(self, self._text, call, moments, parts, values, chained, place_of)


class Filled:
    """An entry that a form was filled in for; it lacks only its place."""

    __slots__ = ("_at", "_chained", "_form", "_place", "_text", "_values", "accesses", "call", "work")

    def __init__(self, form: Form, text: bytes, call: str, at: str, parts: Sequence[Part], values: list[object], chained: int, place: int) -> None:
        self._form = form
        self._text = text
        self._at = at
        self._values = values
        self._chained = chained
        self._place = place
        self.call = call
        self.accesses = parts
        self.work: Work | None = None

    @property
    def told(self) -> Filled:
        """Itself."""
        return self

    @property
    def kind(self) -> Kind:
        """Of its form."""
        return self._form.kind

    @property
    def operation(self) -> str | None:
        """Of its form."""
        return self._form.operation

    @property
    def outcome(self) -> Outcome:
        """Of its form."""
        return self._form.outcome

    @property
    def releases(self) -> bool:
        """Whether data leave behind it."""
        return self._form.releases

    @property
    def is_act(self) -> bool:
        """Whether it stands for no data and no mere refusal."""
        return self._form.is_act

    @property
    def repeated(self) -> Repeated:
        """What its row repeats."""
        return self._at, self.call, *self._form.fixed

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """Resource and provider of each access."""
        return self._form.places

    def sealed(self, seq: int, chain: str) -> bytes:
        """Its canonical bytes at this place."""
        values = self._values
        values[self._chained] = chain.encode()
        values[self._place] = seq
        return self._text % (*values,)


def _form(made: Record) -> bytes:
    """The canonical bytes of a record as a text for ``%``, with a place for each thing that is filled in."""
    said = {key: _always(encode(value)) for key, value in made.items()} | {
        "accesses": _listed(_object(access, {"rows": b"%d", "subjectSet": b"%b", "subjects": b"[%b]"}) for access in made["accesses"]),
        "at": b'"%b"',
        "bytes": b"%d",
        "call": b"%b",
        "case": b"%b",
        "chain": b'"%b"',
        "ms": b"%b",
        "operator": b"%b",
        "rows": b"%d",
        "seq": b"%d",
        "sources": _listed(_object(source, {"asOf": b"%b", "ms": b"%d"}) for source in made["sources"]),
        "trace": b"%b",
    }
    return _joined(said)


def _object(made: Record, filled: dict[str, bytes]) -> bytes:
    return _joined({key: _always(encode(value)) for key, value in made.items()} | filled)


def _joined(said: Mapping[str, bytes]) -> bytes:
    return b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), said[key]) for key in sorted(said))


def _listed(values: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(values)


def _always(value: bytes) -> bytes:
    return value.replace(b"%", b"%%")


def _count(name: str, value: int) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise EntryRejected(f"{name} is a whole number from 0 to 2^53-1")
    return value


def _text(name: str, value: str, most: int) -> bytes:
    if type(value) is not str or len(value) > most:
        raise EntryRejected(f"{name} is a text of at most {most} characters")
    return encode(value)


def _hashes(subjects: Sequence[bytes]) -> bytes:
    """As texts of 32 hexadecimal digits, one behind the other in a list."""
    if not subjects:
        return b""
    if len(subjects) == 1:
        if len(subjects[0]) != WIDTH:
            raise EntryRejected(_NO_HASHES)
        return b'"%b"' % subjects[0].hex().encode()
    if {*map(len, subjects)} != {WIDTH}:
        raise EntryRejected(_NO_HASHES)
    return b'"%b"' % b"".join(subjects).hex("-", WIDTH).replace("-", '","').encode()
