"""Why a delivery came to nothing."""

from __future__ import annotations

from schema.faults import Code


class DeliveryFault(Exception):
    """An attempt that failed. ``zh`` and ``en`` are told to the job's owner: they hold neither secrets nor addresses nor data.

    ``lasting``: another attempt would fail in the same way.
    """

    def __init__(self, code: Code, zh: str, en: str, *, lasting: bool = False) -> None:
        super().__init__(f"{code.value} {zh} {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.lasting = lasting

    @property
    def reason(self) -> str:
        """As the job's owner reads it."""
        return f"{self.code.value} {self.zh} {self.en}"


class Lost(Exception):
    """The delivery is another server's by now: there is nothing to be done about it here."""


class Interrupted(Exception):
    """The hub is ending: the delivery is begun anew at its next start, or by another server."""


def unreachable(zh: str = "投递目标暂不可达", en: str = "the destination cannot be reached now") -> DeliveryFault:
    """It may be reached later."""
    return DeliveryFault(Code.SOURCE_UNAVAILABLE, zh, en)


def foreign(what: str) -> DeliveryFault:
    """Something lies there that is not the hub's."""
    return DeliveryFault(
        Code.CONFLICT,
        f"目标处已有非本平台所建的 {what}，不予覆盖",
        f"{what} is there already and was not made by the hub: it is not overwritten",
        lasting=True,
    )
