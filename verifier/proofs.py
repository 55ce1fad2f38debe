"""Inclusion proofs (JSON, C2SP tlog-proof) and consistency proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.faults import Refuted, Unreadable
from verifier.notes import Checkpoint, Policy, Seen
from verifier.texts import content, fields, hashes, octets, parsed, whole
from verifier.tree import climb, digest_of, extends

_TLOG = "c2sp.org/tlog-proof@v1\n"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That the leaf at ``index`` is in the tree that ``note`` signs; ``size`` where the proof repeats it."""

    index: int
    size: int | None
    path: Sequence[bytes]
    note: str

    def confirm(self, leaf: bytes, policy: Policy) -> Seen:
        """The checkpoint that holds this leaf at this place.

        Raises:
            Fault: it is not proven.
        """
        seen = policy.confirm(self.note)
        if self.size is not None and self.size != seen.head.size:
            raise Refuted("证明与其检查点的大小不同", "the proof is for another size than its checkpoint", self.index)
        place(seen.head, self.index, leaf, self.path)
        return seen


def place(head: Checkpoint, index: int, leaf: bytes, path: Sequence[bytes]) -> None:
    """Refutes a path that does not lead from the leaf at this index to the checkpoint's root.

    Raises:
        Refuted: it does not.
    """
    try:
        held = climb(digest_of(head.log), index, head.size, leaf, path) == head.root
    except Refuted as fault:
        raise Refuted(fault.zh, fault.en, index) from fault
    if not held:
        raise Refuted("路径不通向检查点的根", "the path does not lead to the checkpoint's root", index)


def read_inclusion(path: Path) -> Inclusion:
    """A proof as ``GET /ledger/proof/{entry}`` gives it, in JSON or as text.

    Raises:
        Unreadable: it is neither.
    """
    raw = content(path, 1 << 20)
    if raw.startswith(_TLOG.encode()):
        return _tlog(raw)
    value = parsed(raw, "证明 the proof")
    index, size, steps, note = fields(value, "证明 the proof", index=int, size=int, path=list, checkpoint=str)
    return Inclusion(whole(index, "index"), whole(size, "size"), hashes(steps, "path"), note)


def _tlog(raw: bytes) -> Inclusion:
    try:
        text = raw.decode("utf-8").removeprefix(_TLOG)
    except UnicodeDecodeError as fault:
        raise Unreadable("证明不是 UTF-8", "the proof is not UTF-8") from fault
    above, blank, note = text.partition("\n\n")
    steps = above.split("\n")
    if steps[0].startswith("extra "):
        octets(steps.pop(0).removeprefix("extra "), "extra")
    if not blank or not steps or not steps[0].startswith("index "):
        raise Unreadable("证明缺少 index 行", "the proof lacks its index line")
    return Inclusion(whole(steps[0].removeprefix("index "), "index"), None, hashes(steps[1:], "path"), note)


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of ``new`` entries extends that of ``old``."""

    old: int
    new: int
    path: Sequence[bytes]


def read_consistency(path: Path) -> Consistency:
    """A proof ``{old, new, path}``.

    Raises:
        Unreadable: it is none.
    """
    value = parsed(content(path, 1 << 20), "一致性证明 the consistency proof")
    old, new, steps = fields(value, "一致性证明 the consistency proof", old=int, new=int, path=list)
    return Consistency(whole(old, "old"), whole(new, "new"), hashes(steps, "path", 128))


def confirm_consistency(older: Checkpoint, newer: Checkpoint, proof: Consistency | None) -> None:
    """Refutes two checkpoints of one log of which the newer does not extend the older.

    Raises:
        Refuted: they contradict each other, or the proof does not hold.
        Unreadable: there is no proof to tell by.
    """
    if older.log != newer.log:
        raise Refuted("两个检查点属于不同的日志", "the checkpoints are of different logs")
    if older.size == newer.size:
        if older.root != newer.root:
            raise Refuted("同一大小有两个不同的根：日志有两套历史", "two roots for one size: the log has two histories", 0)
        return
    if older.size == 0:
        return
    if proof is None:
        raise Unreadable("请用 --consistency 提供一致性证明", "give the consistency proof between them by --consistency")
    if (proof.old, proof.new) != (older.size, newer.size):
        raise Refuted("一致性证明属于其他大小", "the consistency proof is for other sizes")
    if not extends(digest_of(older.log), older.size, newer.size, (older.root, newer.root), proof.path):
        raise Refuted("较新的检查点不包含较早的历史", "the newer checkpoint does not extend the older one", 0)
