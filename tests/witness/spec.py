"""What a client of witnesses may rely on, from the texts of C2SP alone: no line of the hub's code verifies here."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def cosigned_at(vkey: str, note: str) -> int | None:
    """The time of the witness's cosignature/v1 under the note; ``None`` where there is none that holds."""
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded)
    public = material[1:]
    assert material[:1] == b"\x04"
    assert key_id == sha256(name.encode() + b"\n\x04" + public).hexdigest()[:8]
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if (dash, signer, raw[:4].hex()) == ("—", name, key_id):
            stamp = int.from_bytes(raw[4:12], "big")
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], f"cosignature/v1\ntime {stamp}\n{text}\n".encode())
            except InvalidSignature:
                return None
            return stamp
    return None


def node(left: bytes, right: bytes) -> bytes:
    """An inner node of RFC 6962."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, over leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def proof(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*proof(old, leaves[:split], whole), root(leaves[split:])]
    return [*proof(old - split, leaves[split:], False), root(leaves[:split])]


class Log:
    """Another log's signer: whatever tree it is told to sign, it signs."""

    def __init__(self, origin: str = "example.com/behind-the-sofa") -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def _id(self) -> bytes:
        return sha256(self.origin.encode() + b"\n\x01" + self._public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The verifier key."""
        return f"{self.origin}+{self._id.hex()}+{base64.b64encode(bytes([1]) + self._public).decode()}"

    def note(self, size: int, hashed: bytes, extension: str = "") -> str:
        """A signed checkpoint."""
        text = f"{self.origin}\n{size}\n{base64.b64encode(hashed).decode()}\n{extension}"
        signature = base64.b64encode(self._id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n"

    def request(self, old: int, leaves: list[bytes], path: list[bytes] | None = None, extension: str = "") -> bytes:
        """An ``add-checkpoint`` body over these leaf hashes; with the right proof, unless one is given."""
        steps = (proof(old, leaves) if 0 < old <= len(leaves) else []) if path is None else path
        lines = "".join(f"{base64.b64encode(step).decode()}\n" for step in steps)
        return f"old {old}\n{lines}\n{self.note(len(leaves), root(leaves), extension)}".encode()


def leaves(count: int, history: str = "a", until: int = 0) -> list[bytes]:
    """Leaf hashes; of another ``history`` from place ``until`` on."""
    return [sha256(b"\x00" + f"{'a' if place < until else history}{place}".encode()).digest() for place in range(count)]
