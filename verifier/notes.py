"""Checkpoints: C2SP signed notes over a log's name, size and root, with the log's signatures and those of witnesses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from verifier.faults import Refuted, Unreadable
from verifier.keys import Key, Keys, is_name
from verifier.sm2 import DeviceKey
from verifier.texts import octets, shown, whole

_SIZE = re.compile(r"(0|[1-9][0-9]{0,15})\Z")
_SIGNATURES, _LENGTH = 64, 1 << 17
_ID = 4
_LATEST = 1 << 63
WHAT = ("检查点", "the checkpoint")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint claims; ``text`` is what the log signed, ``signatures`` are (name, id, signature)."""

    log: str
    size: int
    root: bytes
    text: bytes
    signatures: Sequence[tuple[str, bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom the verifier trusts: the log's keys, of the witnesses so many as ``quorum`` says must have cosigned, and ``device`` must have signed too."""

    keys: Keys
    witnesses: Sequence[Key] = ()
    quorum: int = 0
    device: DeviceKey | None = None

    def confirm(self, note: str) -> Seen:
        """The checkpoint of a note whose signatures satisfy this policy.

        Raises:
            Unreadable: it is no note of a checkpoint.
            Refuted: a known key's signature does not hold, the log did not sign, or too few witnesses did.
        """
        head = read_checkpoint(note)
        own = [one for one in head.signatures if one[0] == head.log and self.keys.known(head.log, one[1])]
        if not own:
            raise Refuted(f"检查点没有日志 {shown(head.log)} 已知密钥的签名", f"no known key of the log {shown(head.log)} signed the checkpoint")
        for _, key_id, signature in own:
            self.keys.confirm(head.log, key_id, (signature, head.text), lambda term: term.over_tree(head.size), WHAT)
        if self.device is not None:
            _confirm_device(head, self.device)
        times = {witness.name: at for witness in self.witnesses if (at := _cosigned(head, witness)) is not None}
        if len(times) < self.quorum:
            raise Refuted(
                f"检查点只有 {len(times)} 个见证签名，要求 {self.quorum} 个",
                f"the checkpoint is cosigned by {len(times)} known witnesses, {self.quorum} are required",
            )
        return Seen(head, times)


@dataclass(frozen=True, slots=True)
class Seen:
    """A confirmed checkpoint, and when which witness cosigned it (seconds since 1970)."""

    head: Checkpoint
    witnesses: dict[str, int] = field(default_factory=dict)


def read_checkpoint(note: str) -> Checkpoint:
    """What a signed note of a checkpoint says, its signatures not yet verified.

    Raises:
        Unreadable: it is ill-formed.
    """
    body, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n") or len(note) > _LENGTH or any(ord(one) < 32 and one != "\n" for one in note):
        raise Unreadable("检查点不是签名文本", "the checkpoint is not a signed note")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.match(lines[1]):
        raise Unreadable("检查点应有日志名、大小与根", "a checkpoint has the log's name, its size and its root")
    signed = signatures[:-1].split("\n")
    if len(signed) > _SIGNATURES:
        raise Unreadable(f"检查点的签名超过 {_SIGNATURES} 个", f"a checkpoint has at most {_SIGNATURES} signatures")
    root = octets(lines[2], "检查点的根 the checkpoint's root", 32)
    return Checkpoint(lines[0], whole(lines[1], "size"), root, f"{body}\n".encode(), [_signature(line) for line in signed])


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\N{EM DASH}" or not is_name(parts[1]):
        raise Unreadable("检查点有不规范的签名行", "the checkpoint has an ill-formed signature line")
    raw = octets(parts[2], "签名 the signature")
    if len(raw) <= _ID:
        raise Unreadable("检查点的签名过短", "a signature under the checkpoint is too short")
    return parts[1], raw[:_ID], raw[_ID:]


def _confirm_device(head: Checkpoint, device: DeviceKey) -> None:
    """Refutes a checkpoint that the device did not sign."""
    signatures = [raw for name, key_id, raw in head.signatures if name == head.log and key_id == device.id(head.log)]
    if not signatures:
        raise Refuted("检查点没有设备的 SM2 签名", "the checkpoint bears no SM2 signature of the device")
    if not all(device.signed(raw, head.text) for raw in signatures):
        raise Refuted("设备的 SM2 签名不成立", "the SM2 signature of the device does not hold")


def _cosigned(head: Checkpoint, witness: Key) -> int | None:
    """When this witness cosigned last; ``None`` where it did not.

    Raises:
        Refuted: what stands under its name and id is not its signature.
    """
    times = []
    for name, key_id, raw in head.signatures:
        if (name, key_id) != (witness.name, witness.id):
            continue
        at = int.from_bytes(raw[:8], "big")
        if len(raw) != 72 or at >= _LATEST or not witness.signed(raw[8:], b"cosignature/v1\ntime %d\n" % at + head.text):
            raise Refuted(f"见证方 {shown(name)} 的签名不成立", f"the signature of the witness {shown(name)} does not hold")
        times.append(at)
    return max(times, default=None)
