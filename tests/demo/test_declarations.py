"""Applications and grants: they name what exists, and say what the contract says of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from auth.rights import Operation, Shown
from hub.demo.catalog import manifests
from hub.demo.credentials import credential, write_credentials
from hub.demo.declarations import APPLICATIONS, DEPARTMENTS
from hub.demo.grants import GRANTS, Grant
from hub.demo.samples import choose_samples, write_samples
from hub.demo.seed import DemoData

pytestmark = pytest.mark.fast

RESOURCES: dict[str, Any] = {
    f"{code}.{resource['code']}": resource for code, text in manifests(Path("/srv"), "http://h").items() for resource in tomllib.loads(text)["resources"]
}
BY_CODE = {application.code: application for application in APPLICATIONS}
GRANT_IDS = [f"{grant.application}-{grant.resource}" for grant in GRANTS]


def _grant(application: str, resource: str) -> Grant:
    return next(grant for grant in GRANTS if (grant.application, grant.resource) == (application, resource))


def test_the_contracted_applications_are_declared() -> None:
    assert list(BY_CODE) == ["housing", "bank", "civil_affairs_own", "system_admin", "security_admin", "audit_admin", "steward"]
    assert {application.department for application in APPLICATIONS} <= {department.code for department in DEPARTMENTS}


def test_no_administrator_holds_two_roles_and_none_reads_data() -> None:
    roles = [BY_CODE[code].scopes for code in ("system_admin", "security_admin", "audit_admin", "steward")]
    assert sorted(roles) == [("governance:audit",), ("governance:catalog",), ("governance:security",), ("governance:system",)]


@pytest.mark.parametrize("grant", GRANTS, ids=GRANT_IDS)
def test_a_grant_names_what_exists(grant: Grant) -> None:
    items = {item["code"]: item for item in RESOURCES[grant.resource]["items"]}
    assert {item.code for item in grant.items} <= set(items)
    assert all(items[item.code].get("mask", {}).get("share") not in {None, "DENY"} for item in grant.items if item.value is Shown.MASKED)
    assert set(grant.rows or {}) <= set(items)
    assert {operation.value for operation in grant.operations} <= set(RESOURCES[grant.resource]["operations"])
    assert set(grant.purposes) <= set(BY_CODE[grant.application].purposes)


@pytest.mark.parametrize("grant", GRANTS, ids=GRANT_IDS)
def test_the_application_has_the_scopes_of_its_grants(grant: Grant) -> None:
    target = grant.resource if RESOURCES[grant.resource]["sharing_class"] == "CONDITIONAL" else "unconditional"
    assert {f"{operation.value.lower()}:{target}" for operation in grant.operations} <= set(BY_CODE[grant.application].scopes)


def test_scopes_of_resources_are_those_of_grants() -> None:
    for application in APPLICATIONS:
        granted = {f"{o.value.lower()}:{grant.resource}" for grant in GRANTS if grant.application == application.code for o in grant.operations}
        asked = {scope for scope in application.scopes if "." in scope}
        assert asked <= granted


def test_nothing_is_granted_on_what_is_not_shared() -> None:
    assert not {grant.resource for grant in GRANTS if RESOURCES[grant.resource]["sharing_class"] == "NOT_SHARED"}


def test_housing_sees_of_a_person_what_the_contract_says() -> None:
    grant = _grant("housing", "civil_affairs.person")
    shown = {item.code: (item.value, item.key) for item in grant.items}
    assert {code for code, (value, _) in shown.items() if value is Shown.CLEAR} == {"name", "gender", "birth_date", "district"}
    assert {code for code, (value, _) in shown.items() if value is Shown.MASKED} == {"id_number", "phone", "address"}
    assert {code for code, (_, key) in shown.items() if key} == {"id_number", "household_no"}
    assert shown["household_no"][0] is Shown.ABSENT
    assert grant.rows == {"district": {"eq": "520102"}}
    assert (grant.per_claim, grant.discloses_existence) == (True, False)
    assert set(grant.operations) == set(Operation)


def test_bank_has_no_grant() -> None:
    assert not [grant for grant in GRANTS if grant.application == "bank"]


def test_the_bureau_sees_all_of_its_own() -> None:
    for resource in ("civil_affairs.person", "civil_affairs.household"):
        grant = _grant("civil_affairs_own", resource)
        assert {item.code for item in grant.items} == {item["code"] for item in RESOURCES[resource]["items"]}
        assert {item.value for item in grant.items} == {Shown.CLEAR}
        assert grant.rows is None
        assert grant.discloses_existence


def test_a_grant_speaks_the_words_of_create_grant() -> None:
    spoken = json.loads(json.dumps(_grant("housing", "market_regulation.company").as_input(), ensure_ascii=False))
    assert spoken == {
        "application": "housing",
        "resource": "market_regulation.company",
        "operations": ["QUERY", "VERIFY", "EXCHANGE"],
        "items": [{"code": "legal_rep_id_number", "value": "MASKED", "key": True}],
        "rows": None,
        "purposes": [{"code": "housing-eligibility", "scenario": "公共租赁住房申请资格审核", "basis": "公共租赁住房管理办法（住房和城乡建设部令第11号）"}],
        "perClaim": True,
        "disclosesExistence": False,
        "approver": "市大数据发展管理局 安全处",
    }


def test_credentials_have_the_contracted_shape(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "credentials.json"
    for _ in range(2):
        write_credentials(path, [credential(application, f"id-{application.code}", "s3cret") for application in APPLICATIONS])
    entries = json.loads(path.read_text(encoding="utf-8"))
    keys = ["name", "department", "client_id", "client_secret", "scope", "purposes", "operator", "row_condition", "description"]
    assert all(list(entry) == keys for entry in entries)
    assert all(entry["purposes"] and entry["operator"] and entry["description"] for entry in entries)
    housing = entries[0]
    assert (housing["name"], housing["department"], housing["client_id"]) == ("housing", "housing", "id-housing")
    assert "query:civil_affairs.person" in housing["scope"].split(" ")
    assert housing["row_condition"] == {"district": {"eq": "520102"}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_credential_does_not_show_its_secret() -> None:
    assert "s3cret" not in repr([credential(APPLICATIONS[0], "id", "s3cret")])


def test_samples_have_the_contracted_shape(demo: DemoData, tmp_path: Path) -> None:
    path = tmp_path / "samples.json"
    write_samples(path, choose_samples(demo.databases))
    samples = json.loads(path.read_text(encoding="utf-8"))
    assert list(samples) == ["persons", "companies"]
    inside = [person for person in samples["persons"] if person["district"] == "520102"]
    outside = [person for person in samples["persons"] if person["district"] != "520102"]
    assert len(inside) >= 3
    assert len(outside) >= 3
    assert all(list(person) == ["id_number", "name", "birth_date", "district", "visible_to"] for person in samples["persons"])
    assert all("housing" in person["visible_to"] for person in inside)
    assert not any("housing" in person["visible_to"] for person in outside)
    assert all("civil_affairs_own" in person["visible_to"] for person in samples["persons"])
    assert len(samples["companies"]) >= 3
    assert all(list(company) == ["uscc", "name", "legal_rep_id_number"] for company in samples["companies"])


def test_samples_are_the_same_every_time(demo: DemoData) -> None:
    assert choose_samples(demo.databases) == choose_samples(demo.databases)
