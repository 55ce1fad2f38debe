"""The shape of a grant as administrators send it: checked before anything is read from it, whoever sends it by whatever way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from auth.rights import Operation
from hub.catalog.problems import Problem, Refused, path_of
from schema.naming import camel


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Item(_Part):
    code: str
    value: Literal["CLEAR", "MASKED", "ABSENT"] | None = None
    key: bool = False
    mask: str | None = None


class _Purpose(_Part):
    code: str
    scenario: str
    basis: str


class _Quota(_Part):
    calls: int | None = None
    rows: int | None = None
    per: str


class GrantDraft(_Part):
    """``createGrant``'s input, by Python names."""

    application: str
    resource: str
    operations: list[Operation | Literal["QUERY", "VERIFY", "EXCHANGE"]]
    items: list[_Item]
    purposes: list[_Purpose]
    approver: str
    rows: Any = None
    per_claim: bool | None = False
    discloses_existence: bool | None = False
    max_page: int | None = None
    quota: _Quota | None = None
    rate: _Quota | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    agreement_hash: str | None = None
    documents: list[str] | None = None


def check_draft(given: Mapping[str, Any]) -> None:
    """Refuses what has not the shape of a grant.

    Raises:
        Refused: with every fault, by GraphQL names.
    """
    try:
        draft = GrantDraft.model_validate(dict(given))
    except ValidationError as error:
        raise Refused(*(_problem(found) for found in error.errors(include_url=False, include_input=False))) from None
    for name in ("valid_from", "valid_to"):
        moment = getattr(draft, name)
        if moment is not None and moment.tzinfo is None:
            raise Refused(Problem("BAD_INPUT", "时间须带时区 a moment needs its offset", "2027-01-01T00:00:00+08:00", camel(name)))


def _problem(found: Any) -> Problem:
    path = path_of([camel(part) if isinstance(part, str) else part for part in found["loc"]])
    return Problem("BAD_INPUT", f"取值不正确 not usable: {found['msg']}", "", path)
