"""What the demonstration's applications are granted, in the words of ``createGrant``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from auth.rights import GrantItem, Operation, Purpose, Shown
from hub.demo.declarations import HOUSING_REVIEW, HOUSING_ROWS, OWN_DUTIES

QUERY, VERIFY, EXCHANGE = Operation.QUERY, Operation.VERIFY, Operation.EXCHANGE
CLEAR, MASKED, ABSENT = Shown.CLEAR, Shown.MASKED, Shown.ABSENT
_REVIEWERS = "市大数据发展管理局 安全处"
_CIVIL_AFFAIRS = "市民政局 社会事务处"


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant to be created. Masked items take the catalog's share mask."""

    application: str
    resource: str
    operations: tuple[Operation, ...]
    items: tuple[GrantItem, ...]
    rows: Mapping[str, object] | None
    purposes: tuple[Purpose, ...]
    approver: str
    per_claim: bool = True
    discloses_existence: bool = False

    def as_input(self) -> dict[str, object]:
        """The ``input`` of the mutation ``createGrant``."""
        return {
            "application": self.application,
            "resource": self.resource,
            "operations": [operation.value for operation in self.operations],
            "items": [{"code": item.code, "value": item.value.value, "key": item.key} for item in self.items],
            "rows": self.rows,
            "purposes": [{"code": purpose.code, "scenario": purpose.scenario, "basis": purpose.basis} for purpose in self.purposes],
            "perClaim": self.per_claim,
            "disclosesExistence": self.discloses_existence,
            "approver": self.approver,
        }


def _items(shown: Shown, codes: str, keys: Iterable[str] = ()) -> tuple[GrantItem, ...]:
    return tuple(GrantItem(code, shown, key=code in keys) for code in codes.split())


def _for_housing(resource: str, operations: tuple[Operation, ...], items: tuple[GrantItem, ...], approver: str, rows: bool = True) -> Grant:
    return Grant("housing", resource, operations, items, HOUSING_ROWS if rows else None, (HOUSING_REVIEW,), approver)


def _own(resource: str, codes: str, keys: Iterable[str]) -> Grant:
    items = _items(CLEAR, codes, keys)
    return Grant("civil_affairs_own", resource, (QUERY, VERIFY, EXCHANGE), items, None, (OWN_DUTIES,), _CIVIL_AFFAIRS, discloses_existence=True)


GRANTS = (
    _for_housing(
        "civil_affairs.person",
        (QUERY, VERIFY, EXCHANGE),
        (
            *_items(CLEAR, "name gender birth_date district"),
            *_items(MASKED, "id_number phone address", keys={"id_number"}),
            # Not shown, but the link to the household goes by it.
            *_items(ABSENT, "household_no", keys={"household_no"}),
        ),
        _CIVIL_AFFAIRS,
    ),
    _for_housing(
        "civil_affairs.household",
        (QUERY, EXCHANGE),
        # The address as masked as the person's own: the link must not show what the person's item hides.
        (*_items(CLEAR, "household_no district", keys={"household_no"}), *_items(MASKED, "address")),
        _CIVIL_AFFAIRS,
    ),
    _for_housing(
        "natural_resources.real_estate",
        (QUERY, VERIFY),
        (
            *_items(CLEAR, "unit_no certificate_no area_m2 registered_on mortgaged district", keys={"unit_no", "certificate_no"}),
            *_items(MASKED, "owner_id_number", keys={"owner_id_number"}),
        ),
        "市自然资源和规划局 登记处",
    ),
    _for_housing(
        "human_resources.social_insurance",
        (QUERY, VERIFY),
        (
            *_items(CLEAR, "employer_uscc insured_since state district", keys={"employer_uscc"}),
            *_items(MASKED, "id_number", keys={"id_number"}),
        ),
        "市人力资源和社会保障局 养老保险处",
    ),
    _for_housing(
        "water_supply.account",
        (QUERY, VERIFY),
        # Whether somebody lives in the flat shows in the water; the account leads back to the household, not to the person.
        (*_items(CLEAR, "account_no state opened_on district", keys={"account_no"}), *_items(MASKED, "household_no address", keys={"household_no"})),
        "市供水集团 客户服务处",
    ),
    _for_housing("water_supply.reading", (QUERY,), _items(CLEAR, "account_no read_on cubic_metres", keys={"account_no"}), "市供水集团 客户服务处", rows=False),
    # The class of the resource gives all but the legal representative, who is conditional; no rows are withheld of what is open to all.
    _for_housing(
        "market_regulation.company",
        (QUERY, VERIFY, EXCHANGE),
        _items(MASKED, "legal_rep_id_number", keys={"legal_rep_id_number"}),
        _REVIEWERS,
        rows=False,
    ),
    _own("civil_affairs.person", "id_number name gender birth_date phone address district household_no", {"id_number", "household_no"}),
    _own("civil_affairs.household", "household_no head_id_number address district", {"household_no", "head_id_number"}),
)
