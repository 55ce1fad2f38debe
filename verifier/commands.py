"""What each command of ``huitong-verify`` does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from verifier.bundles import BundleCheck
from verifier.exchanges import confirm_exchange
from verifier.faults import Fault, Refuted, Unreadable
from verifier.files import confirm_archive, confirm_manifest
from verifier.held import Held
from verifier.history import read_keys
from verifier.keys import read_witness
from verifier.notes import Checkpoint, Policy, Seen
from verifier.proofs import Inclusion, confirm_consistency, read_consistency, read_inclusion
from verifier.receipts import Receipt, read_receipts
from verifier.report import Report
from verifier.sm2 import read_device
from verifier.texts import shown, text


def _policy(options: Namespace) -> Policy:
    # A cosignature does not bind the witness's name: one signer must not count for two.
    witnesses = list({key.public: key for key in map(read_witness, options.witness)}.values())
    quorum = len(witnesses) if options.quorum is None else options.quorum
    if quorum > len(witnesses):
        raise Unreadable(
            f"要求 {quorum} 个见证方，只给出 {len(witnesses)} 个公钥", f"{quorum} witnesses are required, and the keys of {len(witnesses)} are given"
        )
    device = None if options.device_key is None else read_device(options.device_key)
    return Policy(read_keys(options.key), witnesses, quorum, device)


def receipt(options: Namespace, report: Report) -> None:
    """``huitong-verify receipt``."""
    policy = _policy(options)
    held = _heads(options.checkpoint, policy)
    proofs = {proof.index: proof for proof in map(read_inclusion, options.proof)}
    for head in held if not proofs else ():
        told = f"without --proof no receipt can be compared with the checkpoint over {head.size} entries"
        report.warn(f"无 --proof，回执无从与大小为 {head.size} 的检查点比较", told)
    for path in options.files:
        for one in read_receipts(path):
            with _noted(report):
                _receipt(one, proofs.pop(one.entry, None), held, policy, report)
    for entry in sorted(proofs):
        report.find(Refuted(f"条目 {entry} 的证明没有对应的回执", f"the proof of entry {entry} belongs to none of the receipts", entry))


def _receipt(one: Receipt, proof: Inclusion | None, held: Sequence[Checkpoint], policy: Policy, report: Report) -> None:
    report.count("receipts")
    log = one.confirm(policy.keys)
    report.logs.add(shown(log))
    # The receipt's word for its call is not signed: the entry's bytes alone show it.
    report.prove("回执成立", f"receipt holds: {shown(log)} promised entry {one.entry} to this leaf (by its own word of call {shown(one.call)})")
    if proof is None:
        return
    report.count("proofs")
    seen = proof.confirm(one.leaf, policy)
    if seen.head.log != log:
        raise Refuted("证明属于其他日志", "the proof is of another log than the receipt", one.entry)
    _agree(seen, held, report)
    report.prove("证明成立", f"proof verified: entry {one.entry} is in the published tree of {seen.head.size} entries{_cosigned(seen)}")


def _agree(seen: Seen, held: Sequence[Checkpoint], report: Report) -> None:
    """Checkpoints held elsewhere, of the same size, have the same root; others are compared by ``checkpoint``."""
    for head in held:
        if (head.log, head.size) == (seen.head.log, seen.head.size):
            confirm_consistency(head, seen.head, None)
        else:
            report.warn("另存的检查点大小不同，请用 checkpoint 命令比较", f"the checkpoint over {head.size} entries is compared by `huitong-verify checkpoint`")


def checkpoint(options: Namespace, report: Report) -> None:
    """``huitong-verify checkpoint``."""
    policy = _policy(options)
    proof = read_consistency(options.consistency) if options.consistency else None
    paths = [options.older] if options.newer is None else [options.older, options.newer]
    if proof is not None and options.newer is None:
        raise Unreadable("一致性证明需要两个检查点", "a consistency proof is between two checkpoints; give both")
    heads = []
    for path in paths:
        seen = policy.confirm(text(path))
        report.count("checkpoints")
        report.logs.add(shown(seen.head.log))
        heads.append(seen.head)
        report.prove("检查点成立", f"checkpoint holds: {shown(seen.head.log)}, {seen.head.size} entries{_cosigned(seen)}")
    if len(heads) == 2:
        older, newer = sorted(heads, key=lambda head: head.size)
        confirm_consistency(older, newer, proof)
        report.prove("较新的检查点包含较早的历史", f"consistent: the tree of {newer.size} entries extends that of {older.size}")


def export(options: Namespace, report: Report) -> None:
    """``huitong-verify export``."""
    _each(options, report, lambda path, policy, held: BundleCheck(path, policy, held, report).run())


def archive(options: Namespace, report: Report) -> None:
    """``huitong-verify archive``."""
    _each(options, report, lambda path, policy, held: confirm_archive(path, policy, held, report))


def manifest(options: Namespace, report: Report) -> None:
    """``huitong-verify manifest``."""
    confirm_manifest(options.manifest, options.files, _policy(options).keys, report)


def exchange(options: Namespace, report: Report) -> None:
    """``huitong-verify exchange``."""
    policy = _policy(options)
    held = _heads(options.checkpoint, policy)
    # A name that is misspelt must not lead to another exchange beside it.
    folder = options.folder.parent if options.folder.is_file() else options.folder
    given = [*options.key, *options.checkpoint, *options.entries, *([options.device_key] if options.device_key else [])]
    seen = confirm_exchange(folder, policy, options.entries, given, report)
    if seen is not None:
        _agree(seen, held, report)


def _each(options: Namespace, report: Report, verify: Callable[[Path, Policy, Held], object]) -> None:
    policy = _policy(options)
    held = Held.of(_heads(options.checkpoint, policy), (one for path in options.receipts for one in read_receipts(path)), policy.keys, report)
    for path in options.files:
        with _noted(report):
            verify(path, policy, held)
    held.left(report)


@contextmanager
def _noted(report: Report) -> Iterator[None]:
    """One piece of evidence that is wrong does not keep the others from being looked at."""
    try:
        yield
    except Fault as fault:
        report.find(fault)


def _heads(paths: Sequence[Path], policy: Policy) -> list[Checkpoint]:
    # Who kept a checkpoint elsewhere vouches for it: it need not be cosigned as well.
    kept = Policy(policy.keys)
    return [kept.confirm(text(path)).head for path in paths]


def _cosigned(seen: Seen) -> str:
    return "" if not seen.witnesses else f", cosigned by {', '.join(sorted(map(shown, seen.witnesses)))}"
