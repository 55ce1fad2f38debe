"""Whatever stands in a file of evidence, the verifier answers: no traceback, no value of another type that slips through."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from hub.ledger.receipt import Receipt
from tests.verifier.build import Log, line
from tests.verifier.conftest import Tell
from tests.verifier.test_keys import ROTATIONS, history
from tests.verifier.test_receipts import manifest

pytestmark = pytest.mark.slow
JUNK: list[Any] = [None, True, -1, 2**53, 2**63, 1.5, "", "x", "\n", "A" * 44, "=" * 4, [], [[]], [None] * 70, {}, {"file": 1}, {"x": {}}, "9" * 5000]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to every value inside another."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*at, key))


def junked(value: Any, chance: random.Random) -> Any:
    """The value with one of its parts replaced, removed or doubled."""
    at = chance.choice(list(places(value)))
    if not at:
        return chance.choice(JUNK)
    made = copy.deepcopy(value)
    holder = made
    for key in at[:-1]:
        holder = holder[key]
    if chance.random() < 0.2:
        del holder[at[-1]]
    elif chance.random() < 0.1 and isinstance(holder, list):
        holder.insert(at[-1], holder[at[-1]])
    else:
        holder[at[-1]] = chance.choice(JUNK)
    return made


def files(log: Log, receipts: list[Receipt]) -> dict[str, tuple[Any, Callable[[Any], list[Any]]]]:
    """Each kind of evidence as a value, and the command line that reads it."""
    folder = log.archive(log.folder / "archive", (0, 3, 7))

    def written(value: Any, *before: object) -> list[Any]:
        return [*before, log.file("junk.json", orjson.dumps(value)), "--key", log.key]

    def bundled(lines: Any) -> list[Any]:
        body = b"".join(map(line, lines)) if isinstance(lines, list) else line(lines)
        return ["export", log.file("junk.jsonl", body), "--key", log.key]

    def archived(value: Any) -> list[Any]:
        signed = log.signed(value) if isinstance(value, dict) else orjson.dumps(value)
        (folder / "archive.json").write_bytes(signed)
        return ["archive", folder, "--key", log.key]

    def kept(value: Any) -> list[Any]:
        return ["checkpoint", log.file("kept.txt", log.note().encode()), "--key", log.file("junk.key", orjson.dumps(value))]

    def proven(value: Any) -> list[Any]:
        receipt = log.file("receipt.json", orjson.dumps(receipts[4].as_json()))
        return ["receipt", receipt, "--key", log.key, "--proof", log.file("junk.json", orjson.dumps(value))]

    listed = orjson.loads((folder / "archive.json").read_bytes())
    del listed["signature"]
    return {
        "receipt": ({"extensions": {"receipt": receipts[4].as_json()}}, lambda value: written(value, "receipt")),
        "proof": (orjson.loads(log.proof(4).read_bytes()), proven),
        "manifest": (orjson.loads(manifest(log)), lambda value: written(value, "manifest")),
        "segment": (log.segment(0, 4, 7), bundled),
        "extract": (log.extract([1, 4], 7), bundled),
        "archive": ({**listed, "also": []}, archived),
        "keys": (orjson.loads(history(ROTATIONS)), kept),
    }


@pytest.mark.parametrize("kind", ["receipt", "proof", "manifest", "segment", "extract", "archive", "keys"])
def test_every_file_is_answered(log: Log, tell: Tell, receipts: list[Receipt], kind: str) -> None:
    value, command = files(log, receipts)[kind]
    chance = random.Random(kind)
    codes = {tell(*command(junked(value, chance)))[0] for _ in range(40)}
    assert codes <= {0, 1, 3}
    assert codes & {1, 3}


def test_deep_values_are_answered(log: Log, tell: Tell) -> None:
    for depth in (300, 600, 900, 5000):
        deep = b'{"plan":' + b"[" * depth + b"]" * depth + b"," + manifest(log)[1:]
        assert tell("manifest", log.file("deep.json", deep.replace(b'"plan":{', b'"plain":{')), "--key", log.key)[0] in (1, 3)
