"""Authorization header → caller, with the rights of this moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers

from auth.bearer import INSUFFICIENT_SCOPE, INVALID_PROOF, INVALID_TOKEN, Presented, challenge, names_scheme, presented_token
from auth.claims import PERSON
from auth.dpop import Proof, ProofInvalid, Proofs
from auth.replay import ReplaysFull, ReplayStore
from auth.rights import Use
from auth.tokens import AccessToken, TokenInvalid, TokenVerifier
from connectors.kept import Kept
from hub.api.context import Caller
from hub.api.oauth import resource_metadata_url
from hub.people.codes import answers_for
from hub.sharing.registry import Registry
from hub.store.base import now
from schema.faults import Code, Fault


class Unauthenticated(Fault):
    """A token that is not accepted; the caller is told the same whatever is wrong with it. ``error``: of the challenge (RFC 6750, RFC 9449)."""

    def __init__(self, error: str) -> None:
        if error == INVALID_PROOF:
            texts = ("持有证明(DPoP)无效", "the DPoP proof is not valid", "请为本次调用重新签制 DPoP 证明", "make a new DPoP proof for this call")
        else:
            texts = (
                "访问令牌无效或已过期",
                "the access token is not valid or has expired",
                "请从 /oauth/token 重新取得令牌",
                "get a new token from /oauth/token",
            )
        super().__init__(Code.UNAUTHENTICATED, *texts)
        self.error = error


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request says who calls. ``path``: as the caller wrote it behind the hub's address."""

    headers: Headers
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class _Known:
    """An application that called before with this token, and from when until when nothing but what is looked at anew can change its rights."""

    access: AccessToken
    caller: Caller
    stamp: object
    since: datetime
    until: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether the rights are those of this moment; a clock may be set back, too."""
        return self.since <= moment and (self.until is None or moment < self.until)


_KEPT = 2048


class Identity:
    """Tells who calls. While ``stale`` says that rights cannot be compared with the control database, it tells of nobody.

    ``replays``: where proofs are counted besides, when several hubs share a control database.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        registry: Registry,
        proofs: Proofs,
        issuer: str,
        *,
        replays: ReplayStore | None = None,
        stale: Callable[[], bool] = lambda: False,
    ) -> None:
        self._verifier = verifier
        self._registry = registry
        self._stale = stale
        self._proofs = proofs
        self._issuer = issuer
        self._replays = replays
        self._known: Kept[bytes, _Known] = Kept(_KEPT)

    async def caller(self, asked: Asked, use: Use | None = None) -> Caller:
        """The caller; the public where no token is sent. A bearer's call waits for nothing; a proof is used up.

        Raises:
            Unauthenticated: the same for every fault of a token.
            Fault: ``RATE_LIMITED`` or ``LEDGER_UNAVAILABLE`` where a proof's use cannot be remembered, or nobody's rights can be told now.
        """
        # Both from before the rights are told: a change that comes meanwhile is seen by the next call.
        stamp, since = self._registry.stamp, now()
        access, proof = self._checked(asked)
        if access is None:
            return Caller(None, self._registry.public(), use or Use())
        if self._stale():
            raise _rights_unknown()
        if proof is not None:
            await self._take(proof, access)
        until = self._registry.change_due(access.client_id, since)
        caller = self._caller(access)
        if proof is None and caller.person is None:
            self._known.keep(_digest(asked.headers["authorization"].encode("latin-1")), _Known(access, caller, stamp, since, until))
        return caller.using(use or Use())

    def recalled(self, authorization: bytes | None) -> Caller | None:
        """An application that called before with the same header, if nothing has changed that its rights depend on; ``None``: see :meth:`caller`.

        Raises:
            Unauthenticated: its token was taken back, or has expired.
        """
        known = self._known.get(_digest(authorization)) if authorization else None
        if known is None or known.stamp is not self._registry.stamp or not known.holds(now()) or self._stale():
            return None
        try:
            self._verifier.recheck(known.access)
        except TokenInvalid:
            raise Unauthenticated(INVALID_TOKEN) from None
        return known.caller

    def scopes(self, asked: Asked) -> frozenset[str]:
        """The scopes with which a request comes, before it is read: none where its token is not accepted. Uses up no proof."""
        try:
            access, _ = self._checked(asked)
            return self._caller(access).rights.scopes if access else frozenset()
        except Fault:
            return frozenset()

    def holds(self, headers: Headers) -> bool:
        """Whether the token of a request that was accepted is still good, and can be known to be."""
        try:
            presented = presented_token(headers.getlist("authorization"))
            return presented is not None and not self._stale() and bool(self._verifier.verify(presented.token))
        except TokenInvalid:
            return False

    def standing(self, headers: Headers) -> Callable[[], bool]:
        """Of a request that was accepted: what says later, while it is still being answered, whether its token was taken back. Expiry ends no answer.

        Raises:
            Unauthenticated: the request would not be accepted now.
        """
        try:
            presented = presented_token(headers.getlist("authorization"))
            if presented is None:
                raise Unauthenticated(INVALID_TOKEN)
            access = self._verifier.verify(presented.token)
        except TokenInvalid:
            raise Unauthenticated(INVALID_TOKEN) from None
        return lambda: not self._stale() and self._verifier.stands(access) and self._is_acting(access)

    def challenge(self, fault: Fault, headers: Headers) -> dict[str, str]:
        """``WWW-Authenticate`` where this fault needs it: a token is missing or not accepted, or its scopes do not reach (RFC 6750 §3.1)."""
        if fault.code not in (Code.UNAUTHENTICATED, Code.FORBIDDEN):
            return {}
        error = fault.error if isinstance(fault, Unauthenticated) else INSUFFICIENT_SCOPE if fault.code is Code.FORBIDDEN else INVALID_TOKEN
        sent = names_scheme(headers.getlist("authorization"))
        return {"www-authenticate": challenge(resource_metadata_url(self._issuer), error if sent else None)}

    def _checked(self, asked: Asked) -> tuple[AccessToken | None, Proof | None]:
        """Token and proof, both genuine and made for each other."""
        try:
            presented = presented_token(asked.headers.getlist("authorization"))
            if presented is None:
                return None, None
            access = self._verifier.verify(presented.token)
        except TokenInvalid:
            raise Unauthenticated(INVALID_TOKEN) from None
        if presented.proven != (access.jkt is not None):
            raise Unauthenticated(INVALID_TOKEN)
        return access, self._proof(asked, presented, access) if presented.proven else None

    def _proof(self, asked: Asked, presented: Presented, access: AccessToken) -> Proof:
        try:
            proof = self._proofs.check(asked.headers.getlist("dpop"), asked.method, f"{self._issuer}{asked.path}", presented.token)
        except ProofInvalid:
            raise Unauthenticated(INVALID_PROOF) from None
        if proof.jkt != access.jkt:
            raise Unauthenticated(INVALID_TOKEN)
        return proof

    async def _take(self, proof: Proof, access: AccessToken) -> None:
        """Counts the proof as used, here first and then where other nodes see it, off the event loop."""
        try:
            self._proofs.take(proof, access.client_id)
            if self._replays is not None and not await to_thread.run_sync(self._replays.use, proof.key, proof.until):
                raise Unauthenticated(INVALID_PROOF)
        except ProofInvalid:
            raise Unauthenticated(INVALID_PROOF) from None
        except ReplaysFull:
            zh, en = "DPoP 证明过多", "too many DPoP proofs within a minute"
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试，或减少调用次数", "try again a minute later, or call less often") from None
        except SQLAlchemyError:
            zh, en = "控制库暂不可写，无法核验 DPoP 证明", "the control database cannot be written now, so that no DPoP proof can be checked"
            raise Fault(Code.LEDGER_UNAVAILABLE, zh, en, "请稍后重试", "try again later") from None

    def _caller(self, access: AccessToken) -> Caller:
        if access.subject.startswith(PERSON):
            return self._person(access)
        return Caller(self._registry.application(access.client_id), self._registry.rights(access.client_id, access.scopes), Use())

    def _is_acting(self, access: AccessToken) -> bool:
        """Whether a person who calls for an application still answers for it."""
        if not access.subject.startswith(PERSON):
            return True
        try:
            self._person(access)
        except Unauthenticated:
            return False
        return True

    def _person(self, access: AccessToken) -> Caller:
        """The person, or the application that the person answers for at this moment."""
        person = self._registry.application(access.subject)
        account = self._registry.application(access.application) if access.application else person
        if person is None or account is None or (account is not person and not answers_for(person, account)):
            raise Unauthenticated(INVALID_TOKEN)
        return Caller(account, self._registry.rights(account.client_id, access.scopes), Use(), person)


def _rights_unknown() -> Fault:
    return Fault(
        Code.LEDGER_UNAVAILABLE,
        "控制库暂不可读，无法核对权限，不提供数据",
        "the control database cannot be read now; rights cannot be checked, so no data leaves",
        "请稍后重试",
        "try again later",
    )


def _digest(authorization: bytes) -> bytes:
    """Tables of secrets go by digests: how long a look-up takes tells nothing of what is in them."""
    return hashlib.sha256(authorization).digest()
