"""Every way in which a request can fail, with a stable code and a text in Chinese and English. ``docs/errors.md`` lists them."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """``extensions.code``. Codes are stable; a code is never given another meaning."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    BAD_REQUEST = "BAD_REQUEST"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    INVALID_DOCUMENT = "INVALID_DOCUMENT"
    BAD_INPUT = "BAD_INPUT"
    FORBIDDEN = "FORBIDDEN"
    QUERY_BUDGET = "QUERY_BUDGET"
    PURPOSE_REQUIRED = "PURPOSE_REQUIRED"
    PURPOSE_NOT_GRANTED = "PURPOSE_NOT_GRANTED"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    VERIFICATION_BUDGET = "VERIFICATION_BUDGET"
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    SOURCE_VALUE = "SOURCE_VALUE"
    TIMEOUT = "TIMEOUT"
    LEDGER_UNAVAILABLE = "LEDGER_UNAVAILABLE"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    LOOP = "LOOP"
    INTERNAL = "INTERNAL"


class Origin(Enum):
    """Who has to act."""

    CLIENT = "CLIENT"
    HUB = "HUB"
    SOURCE = "SOURCE"


_HUB = {Code.LEDGER_UNAVAILABLE, Code.INTERNAL}
_SOURCE = {Code.SOURCE_UNAVAILABLE, Code.SOURCE_VALUE, Code.TIMEOUT}
_RETRYABLE = {Code.SOURCE_UNAVAILABLE, Code.TIMEOUT, Code.LEDGER_UNAVAILABLE, Code.RATE_LIMITED}


class Fault(Exception):
    """A failure that the caller is told of.

    ``zh`` and ``en`` say what is wrong and name the input, ``hint_zh`` and ``hint_en`` the remedy. None of them holds stored data.
    ``origin`` tells who has to act where the code alone does not; ``lasting`` that the same request will fail again; ``retry_after`` in how many
    seconds it may succeed.
    """

    def __init__(
        self,
        code: Code,
        zh: str,
        en: str,
        hint_zh: str = "",
        hint_en: str = "",
        *,
        origin: Origin | None = None,
        lasting: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.hint_zh = hint_zh
        self.hint_en = hint_en
        self._origin = origin
        self._lasting = lasting
        self.retry_after = retry_after

    @property
    def origin(self) -> Origin:
        """Who has to act."""
        if self._origin is not None:
            return self._origin
        if self.code in _HUB:
            return Origin.HUB
        return Origin.SOURCE if self.code in _SOURCE else Origin.CLIENT

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in _RETRYABLE and not self._lasting


def bad_input(zh: str, en: str, hint_zh: str = "", hint_en: str = "") -> Fault:
    """An argument or variable that cannot be used."""
    return Fault(Code.BAD_INPUT, zh, en, hint_zh, hint_en)
