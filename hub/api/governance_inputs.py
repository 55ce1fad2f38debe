"""Inputs of the governance schema: what administrators send."""

from __future__ import annotations

import strawberry


@strawberry.input
class CreateDepartmentInput:
    """A department to register."""

    code: str
    name: str
    uscc: str
    name_en: str | None = None
    tier: str | None = None


@strawberry.input
class DepartmentCodeInput:
    """A department, by its code."""

    code: str


@strawberry.input(description="用途：代码、场景、依据\n\nPurpose: code, scenario, legal basis")
class PurposeInput:
    """A purpose (APP-03)."""

    code: str
    scenario: str
    basis: str


@strawberry.input
class CreateApplicationInput:
    """An application to register; ``roles`` are governance scopes.

    ``jwks``: public keys as a JSON Web Key Set or PEM, with which it proves itself by ``private_key_jwt`` instead of a secret; ``authMethod`` may be left
    out. ``dpopBound``: its tokens are always bound to a key of its own.
    """

    name: str
    department: str
    purposes: list[PurposeInput]
    roles: list[str] = strawberry.field(default_factory=list)
    auth_method: str | None = None
    jwks: str | None = None
    dpop_bound: bool = False


@strawberry.input
class ReplaceApplicationKeysInput:
    """The public keys, a JSON Web Key Set or PEM, by which an application proves itself from now on; several at once to change them in peace."""

    application: str
    jwks: str


@strawberry.input
class ApplicationNameInput:
    """An application, by name."""

    application: str


@strawberry.input
class DisableApplicationInput:
    """An application to disable, by name."""

    application: str


@strawberry.input
class RegisterSourceInput:
    """A source to register apart from a manifest; ``secret`` is ``env:NAME`` or ``file:PATH``. ``replace`` changes one that is registered.

    ``exchange_masks`` is ``hub`` or ``source``, ``exchange_sessions`` how many streams of batch exchange run at once."""

    department: str
    code: str
    kind: str
    url: str
    secret: str | None = None
    pool: int | None = None
    timeout_ms: int | None = None
    exchange_masks: str | None = None
    exchange_sessions: int | None = None
    replace: bool = False


@strawberry.input
class RemoveSourceInput:
    """A source that was registered apart from a manifest."""

    department: str
    code: str


@strawberry.input
class CheckSourceInput:
    """A source of the published catalog, by ``department.source``."""

    code: str


@strawberry.input
class ImportManifestInput:
    """A manifest's TOML text."""

    text: str


@strawberry.input
class ReviewCatalogInput:
    """The review of an import. ``disclosure``: the digest of the disclosure diff that was read; the review is refused where it is another by now."""

    id: strawberry.ID
    approve: bool = True
    opinion: str = ""
    disclosure: str | None = None


@strawberry.input
class PublishCatalogInput:
    """An approved import to publish."""

    id: strawberry.ID
