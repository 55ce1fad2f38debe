"""Authorization header → caller, with the rights of this moment."""

from __future__ import annotations

from starlette.datastructures import Headers

from auth.bearer import bearer_token
from auth.rights import Use
from auth.tokens import TokenInvalid, TokenVerifier
from hub.api.context import Caller
from hub.sharing.registry import PUBLIC, Registry
from schema.faults import Code, Fault


class Identity:
    """Tells who calls."""

    def __init__(self, verifier: TokenVerifier, registry: Registry) -> None:
        self._verifier = verifier
        self._registry = registry

    def caller(self, headers: Headers, use: Use | None = None) -> Caller:
        """The caller; the public where no token is sent.

        Raises:
            Fault: ``UNAUTHENTICATED``, the same for every fault of a token.
        """
        try:
            token = bearer_token(headers.getlist("authorization"))
            if token is None:
                return Caller(None, PUBLIC, use or Use())
            access = self._verifier.verify(token)
        except TokenInvalid:
            raise Fault(
                Code.UNAUTHENTICATED,
                "访问令牌无效或已过期",
                "the access token is not valid or has expired",
                "请从 /oauth/token 重新取得令牌",
                "get a new token from /oauth/token",
            ) from None
        application = self._registry.application(access.client_id)
        return Caller(application, self._registry.rights(access.client_id, access.scopes), use or Use())
