"""Which witnesses a hub asks, how many of them must have cosigned, and how long data leave without: from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.ledger.errors import KeyFault
from hub.witness.keys import WitnessKey
from hub.witness.protocol import ADD_CHECKPOINT


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """One witness: its key, and where it takes checkpoints."""

    key: WitnessKey
    prefix: str

    @property
    def url(self) -> str:
        """The address of ``add-checkpoint``."""
        return self.prefix.rstrip("/") + ADD_CHECKPOINT

    @classmethod
    def parse(cls, text: str) -> WitnessAddress:
        """From ``VKEY URL``.

        Raises:
            ValueError: the text is not that; the message says what is wrong.
        """
        vkey, _, prefix = text.strip().partition(" ")
        try:
            key = WitnessKey.parse(vkey)
        except KeyFault as fault:
            raise ValueError(str(fault)) from None
        parts = urlsplit(prefix.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username or " " in prefix.strip():
            raise ValueError(f"见证 {key.name} 的地址有误 the witness {key.name} needs its address behind its key: VKEY https://witness.example")
        return cls(key, prefix.strip())


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """``quorum`` of the witnesses must have cosigned; ``grace_seconds`` is how old entries may grow that they have not, 0 without end."""

    witnesses: tuple[WitnessAddress, ...] = ()
    quorum: int = 0
    grace_seconds: int = 0
    interval_seconds: float = 1.0

    @property
    def stops(self) -> bool:
        """Whether data ever stop for want of cosignatures."""
        return bool(self.witnesses and self.quorum and self.grace_seconds)


def parse_witnesses(texts: Sequence[str]) -> tuple[WitnessAddress, ...]:
    """Witnesses from their lines.

    Raises:
        ValueError: a line is wrong, or a key stands twice: one signer must not count for two.
    """
    found = tuple(WitnessAddress.parse(text) for text in texts)
    if len({one.key.public for one in found}) < len(found):
        raise ValueError("同一见证公钥重复 a witness's key stands twice")
    return found
