"""Authorization header → caller, with the rights of this moment."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers

from auth.bearer import bearer_token
from auth.claims import PERSON
from auth.rights import Use
from auth.tokens import AccessToken, TokenInvalid, TokenVerifier
from hub.api.context import Caller
from hub.people.codes import answers_for
from hub.sharing.registry import PUBLIC, Registry
from schema.faults import Code, Fault


class Identity:
    """Tells who calls. While ``stale`` says that rights cannot be compared with the control database, it tells of nobody."""

    def __init__(self, verifier: TokenVerifier, registry: Registry, stale: Callable[[], bool] = lambda: False) -> None:
        self._verifier = verifier
        self._registry = registry
        self._stale = stale

    def caller(self, headers: Headers, use: Use | None = None) -> Caller:
        """The caller; the public where no token is sent.

        Raises:
            Fault: ``UNAUTHENTICATED``, the same for every fault of a token; ``LEDGER_UNAVAILABLE`` where nobody's rights can be told now.
        """
        try:
            token = bearer_token(headers.getlist("authorization"))
            if token is None:
                return Caller(None, PUBLIC, use or Use())
            access = self._verifier.verify(token)
        except TokenInvalid:
            raise _refused() from None
        if self._stale():
            raise _rights_unknown()
        found = self._person(access) if access.subject.startswith(PERSON) else self._application(access)
        return found.using(use or Use())

    def _application(self, access: AccessToken) -> Caller:
        return Caller(self._registry.application(access.client_id), self._registry.rights(access.client_id, access.scopes), Use())

    def _person(self, access: AccessToken) -> Caller:
        """The person, or the application that the person answers for at this moment."""
        person = self._registry.application(access.subject)
        account = self._registry.application(access.application) if access.application else person
        if person is None or account is None or (account is not person and not answers_for(person, account)):
            raise _refused()
        return Caller(account, self._registry.rights(account.client_id, access.scopes), Use(), person)


def _refused() -> Fault:
    return Fault(
        Code.UNAUTHENTICATED,
        "访问令牌无效或已过期",
        "the access token is not valid or has expired",
        "请从 /oauth/token 重新取得令牌",
        "get a new token from /oauth/token",
    )


def _rights_unknown() -> Fault:
    return Fault(
        Code.LEDGER_UNAVAILABLE,
        "控制库暂不可读，无法核对权限，不提供数据",
        "the control database cannot be read now; rights cannot be checked, so no data leaves",
        "请稍后重试",
        "try again later",
    )
