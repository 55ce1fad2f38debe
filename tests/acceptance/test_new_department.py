"""A manifest unseen at build time is queryable, verifiable and exchangeable at once, by the API alone; every type arrives as it lies."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.acceptance.transport import FIELDS, LIST, PERMITS, exchanged
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]


def as_answered(row: tuple[Any, ...]) -> dict[str, Any]:
    _, number, plate, fee, active, weight, load, axles, issued, seen, district = row
    names = {"520102": "贵州省贵阳市南明区", "520103": "贵州省贵阳市云岩区"}
    return {
        "permitNo": number,
        "plate": plate,
        "fee": fee,
        "active": None if active is None else bool(active),
        "weightG": str(weight) if weight is not None and abs(weight) > 2**53 else weight,
        "load": load,
        "axles": axles,
        "issuedOn": issued,
        "seenAt": seen,
        "district": district,
        "division": {"fullName": names[district]} if district else None,
    }


def test_every_type_arrives_as_it_lies(hub: RunningHub, carrier: str) -> None:
    page = hub.ask(carrier, LIST).data["transport"]["permits"]
    assert page == {"totalCount": len(PERMITS), "nodes": [as_answered(row) for row in PERMITS]}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"fee": {"gt": "0.09"}}, {1, 2}),
        ({"fee": {"eq": "0.1"}}, {2}),
        ({"fee": {"in": ["-5", "1234567890123456789.0001"]}}, {1, 4}),
        ({"weightG": {"eq": str(2**53 + 1)}}, {1}),
        ({"weightG": {"gt": 0}}, {1, 4}),
        ({"weightG": {"lte": str(-(2**63))}}, {2}),
        ({"active": {"eq": True}}, {1, 4}),
        ({"not": {"active": {"eq": True}}}, {2}),
        ({"active": {"ne": True}}, {2}),
        ({"load": {"lt": 0}}, {2}),
        ({"axles": {"gte": 3}}, {1, 4}),
        ({"issuedOn": {"lt": "1950-01-01"}}, {2}),
        ({"seenAt": {"eq": "2026-01-31T16:30:00+08:00"}}, {1}),
        ({"seenAt": {"gt": "2026-11-22T08:00:00+08:00"}}, {2}),
        ({"plate": {"startsWith": "黔A·\"'\\"}}, {4}),
        ({"plate": {"isNull": True}}, {2}),
        ({"or": [{"fee": {"isNull": True}}, {"district": {"eq": "520103"}}]}, {2, 3}),
    ],
)
def test_filters_by_type(hub: RunningHub, carrier: str, where: dict[str, Any], expected: set[int]) -> None:
    answer = hub.ask(carrier, LIST, {"where": where})
    assert [node["permitNo"] for node in answer.data["transport"]["permits"]["nodes"]] == [f"P-{number}" for number in sorted(expected)]


def test_orders_by_type_and_pages_across_nulls(hub: RunningHub, carrier: str) -> None:
    document = """query ($by: [TransportPermitOrder!], $after: String) { transport { permits(orderBy: $by, first: 1, after: $after) {
        nodes { permitNo } pageInfo { hasNextPage endCursor } } } }"""
    rising = {"fee": [4, 2, 1], "weightG": [2, 1, 4], "active": [2, 1, 4], "issuedOn": [2, 1, 4], "seenAt": [4, 1, 2], "load": [2, 1, 4]}
    for name, known in rising.items():
        falling = [1, 4, 2] if name == "active" else known[::-1]
        for direction, expected in (("ASC", known), ("DESC", falling)):
            seen, after, more = [], None, True
            while more:
                page = hub.ask(carrier, document, {"by": [{name: direction}], "after": after}).data["transport"]["permits"]
                seen += [node["permitNo"] for node in page["nodes"]]
                after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            assert seen == [f"P-{number}" for number in (*expected, 3)], (name, direction)


def test_look_up_and_verification(hub: RunningHub, carrier: str) -> None:
    found = hub.ask(carrier, f'{{ transport {{ permit(permitNo: "P-4") {{ {FIELDS} }} }} }}').data["transport"]["permit"]
    assert found == as_answered(PERMITS[3])
    document = """query ($claims: TransportPermitClaims!) { transport {
        verifyPermit(subject: {permitNo: "P-1"}, claims: $claims) { outcome claims { item outcome } } } }"""
    truth = {"fee": "1234567890123456789.00010", "active": True, "weightG": str(2**53 + 1), "issuedOn": "2026-01-31", "seenAt": "2026-01-31T16:30:00+08:00"}
    assert hub.ask(carrier, document, {"claims": truth}).data["transport"]["verifyPermit"]["outcome"] == "MATCH"
    for name, false in {"fee": "1234567890123450000.0001", "active": False, "weightG": str(2**53), "issuedOn": "2026-01-30"}.items():
        verified = hub.ask(carrier, document, {"claims": {**truth, name: false}}).data["transport"]["verifyPermit"]
        assert verified["outcome"] == "MISMATCH"
        assert [claim["item"] for claim in verified["claims"] if claim["outcome"] == "MISMATCH"] == [name]


def test_verification_of_a_decimal_is_exact(hub: RunningHub, carrier: str) -> None:
    document = """query ($fee: Decimal!) { transport { verifyPermit(subject: {permitNo: "P-1"}, claims: {fee: $fee}) { outcome } } }"""
    for claimed, outcome in {"1234567890123456789.0001": "MATCH", "1234567890123456789.0002": "MISMATCH", "1234567890123456788.0001": "MISMATCH"}.items():
        assert hub.ask(carrier, document, {"fee": claimed}).data["transport"]["verifyPermit"]["outcome"] == outcome, claimed


def test_exchange(hub: RunningHub, carrier: str) -> None:
    assert [json.loads(line) for line in exchanged(hub, carrier, "JSONL").splitlines()] == [as_answered(row) for row in PERMITS]
    head, *rows = csv.reader(io.StringIO(exchanged(hub, carrier, "CSV").decode("utf-8-sig"), newline=""))
    assert head == ["permitNo", "plate", "fee", "active", "weightG", "load", "axles", "issuedOn", "seenAt", "district", "division.fullName"]
    assert rows[0] == [*["P-1", "黔A·D0001", "1234567890123456789.0001", "true"], str(2**53 + 1), "1.5", "3", *PERMITS[0][8:], "贵州省贵阳市南明区"]
    assert rows[2] == ["P-3", "'=1+1", *[""] * 9]
    assert rows[3][1] == PERMITS[3][2]
