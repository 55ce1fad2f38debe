"""How applications prove who they are: acts on their keys and secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from auth.client_keys import KeysRefused, key_ids, read_keys, takes_out
from auth.clients import KEY, SECRET, hash_secret, make_secret
from hub.acts import Actor, Acts, bump
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import OWNER, SECURITY, SYSTEM
from hub.clock import real_now
from hub.people.tables import account_role
from hub.sharing.tables import application

ROLES_NEED_CONSOLE = Problem(
    "FORBIDDEN",
    "有角色的应用只能在服务器命令行设立与更换凭据 an application with roles gets them and its credentials at the server's command line only: "
    "nobody gives himself another's role",
    "huitong app --help",
    "roles",
)
_OWNERS = Problem(
    "FORBIDDEN",
    "该应用有负责人，凭据由负责人更换 the application's owner changes its credentials: who looks after accounts does not take over what they may see",
    "请由负责人办理 let its owner do it",
    "application",
)


@dataclass(frozen=True, slots=True)
class Proving:
    """As a new application is registered. ``jwks``: public keys as they were sent; with them the method is ``private_key_jwt``."""

    method: str | None = None
    jwks: str | None = None
    dpop_bound: bool = False

    @property
    def by_key(self) -> bool:
        """Whether the application has keys instead of a secret."""
        return (self.method or (KEY if self.jwks else SECRET)) == KEY

    def columns(self, problems: list[Problem]) -> dict[str, Any]:
        """What is stored of it; what is wrong is added to ``problems``."""
        if self.method not in (None, SECRET, KEY):
            problems.append(Problem("BAD_INPUT", f"没有该认证方式 no such way of authentication: {self.method[:60]}", f"{KEY}, {SECRET}", "authMethod"))
        if self.by_key and not self.jwks:
            problems.append(Problem("BAD_INPUT", "须提交公钥 private_key_jwt needs public keys", '{"keys": [{"kty": "EC", …}]}', "jwks"))
        if self.jwks and not self.by_key:
            hint = "只留其一 give one of both"
            problems.append(Problem("BAD_INPUT", "应用只有一种认证方式 an application has one way of authentication: a secret or keys", hint, "jwks"))
        keys = _read(self.jwks, problems) if self.jwks else None
        return {"auth_method": KEY if self.by_key else SECRET, "jwks": keys, "dpop_bound": self.dpop_bound}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What became of an application's credentials. ``secret`` is told once."""

    name: str
    client_id: str
    method: str
    keys: tuple[str, ...] = ()
    """The ``kid`` of each key."""
    secret: str | None = field(default=None, repr=False)


class ClientService:
    """Acts of an application's owner, or of the system administrator where it has none; each may raise :class:`Refused`, then nothing was changed.

    An application with roles is changed at the command line alone: whoever learns its secret has its roles.
    """

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def replace_keys(self, actor: Actor, name: str, jwks: str) -> Credentials:
        """From now on the application proves itself by these keys alone. An earlier key or secret that is not among them stops at once, with all tokens."""
        problems: list[Problem] = []
        keys = _read(jwks, problems) or ""

        def work(connection: Connection) -> Credentials:
            if problems:
                raise Refused(*problems)
            row = _changeable(connection, actor, name)
            # The secret of before must not come back to life.
            void = {"tokens_from": int(real_now().timestamp())} if takes_out(row.jwks, keys) else {}
            _change(connection, row, {"auth_method": KEY, "jwks": keys, "secret_hash": hash_secret(make_secret()), **void})
            return Credentials(name, row.client_id, KEY, tuple(key_ids(keys)))

        return self._done(actor, "replaceApplicationKeys", name, work, {"keys": key_ids(keys) if keys else []})

    def renew_secret(self, actor: Actor, name: str) -> Credentials:
        """A new secret; the earlier one, and the tokens that it got, stop at once."""
        secret = make_secret()

        def work(connection: Connection) -> Credentials:
            row = _changeable(connection, actor, name)
            if row.auth_method != SECRET:
                hint = f"huitong app keys {name} --jwks FILE"
                raise Refused(Problem("CONFLICT", f"应用 {name} 以密钥认证，没有密码 proves itself by a key and has no secret", hint, "application"))
            _change(connection, row, {"secret_hash": hash_secret(secret), "tokens_from": int(real_now().timestamp())})
            return Credentials(name, row.client_id, SECRET, secret=secret)

        return self._done(actor, "renewApplicationSecret", name, work, {})

    def _done(self, actor: Actor, act: str, name: str, work: Callable[[Connection], Credentials], details: dict[str, Any]) -> Credentials:
        def permitted(connection: Connection) -> Credentials:
            if not actor.may(SYSTEM, OWNER):
                needed = f"{SYSTEM} / {OWNER}"
                raise Refused(Problem("FORBIDDEN", f"需要权限 this act needs {needed}", "请使用具有该角色的账号 use an account that has this role"))
            return work(connection)

        return self._acts.do(actor, act, name, permitted, details)


def _changeable(connection: Connection, actor: Actor, name: str) -> Row[Any]:
    """The application, whose credentials the actor may change."""
    row = connection.execute(select(application).where(application.c.name == name).with_for_update()).first()
    own = row is not None and actor.may(OWNER) and actor.application is not None and row.owner == actor.application
    if row is None or not (own or actor.may(SYSTEM)):
        raise Refused(Problem("NOT_FOUND", f"没有应用 no application {name[:60]}", "huitong app list", "application"))
    if actor.may(SYSTEM) and actor.may(SECURITY):
        return row
    if connection.execute(select(account_role.c.role).where(account_role.c.account == row.client_id)).first():
        raise Refused(ROLES_NEED_CONSOLE)
    if row.owner is not None and not own:
        raise Refused(_OWNERS)
    return row


def _read(jwks: str, problems: list[Problem]) -> str | None:
    try:
        return read_keys(jwks)
    except KeysRefused as refused:
        problems.append(Problem("BAD_INPUT", f"{refused.zh} {refused.en}", refused.hint, "jwks"))
        return None


def _change(connection: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    connection.execute(update(application).where(application.c.client_id == row.client_id).values(**values))
    bump(connection, "rights")
