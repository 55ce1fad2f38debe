"""Identifiers and claims in canonical form. Resident ID: GB 11643-1999; unified social credit code: GB 32100-2015."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.selection import Kind
from schema.faults import Code, Fault
from schema.values import canonical
from tests.schema.city import item

pytestmark = pytest.mark.fast

ID = item("id_number", "id", validator="resident_id")
USCC = item("uscc", "uscc", validator="uscc")
PLAIN = item("name", "name")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("11010519491231002X", "11010519491231002X"),
        ("11010519491231002x", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
        ("  440524188001010014\n", "440524188001010014"),
    ],
)
def test_resident_ids(given: str, stored: str) -> None:
    assert canonical(ID, given, "idNumber") == stored


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("110105194912310021", "check digit (character 18) should be X"),
        ("440524188001010013", "check digit (character 18) should be 4"),
        ("44052418800101001X", "check digit (character 18) should be 4"),
        ("110105194902310026", "no existing birth date"),
        ("110105194900000021", "no existing birth date"),
        ("110105000001010021", "no existing birth date"),
        ("110105190002290027", "no existing birth date"),
        ("11010519491231002", "17 digits and a check character"),
        ("11010519491231002XX", "17 digits and a check character"),
        ("1101051949123100XX", "17 digits and a check character"),
        ("11010519491231002Y", "17 digits and a check character"),
        ("", "17 digits and a check character"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "17 digits and a check character"),
    ],
)
def test_wrong_resident_ids_say_what_is_wrong(given: str, says: str) -> None:
    with pytest.raises(Fault) as fault:
        canonical(ID, given, "idNumber")
    assert fault.value.code is Code.BAD_INPUT
    assert says in fault.value.en
    assert fault.value.en.startswith("idNumber ")
    assert not given or given not in fault.value.en, "the number itself is personal data"


@pytest.mark.parametrize("region", ["000000", "999999", "110000", "850000"])
def test_an_unknown_region_is_no_fault_of_the_library(region: str) -> None:
    """python-stdnum looks regions up in a table and fails on some; regions change, so only form, date and check digit count."""
    body = f"{region}19491231002"
    weights = [2 ** (17 - i) % 11 for i in range(17)]
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    assert canonical(ID, body + check, "idNumber") == body + check


@pytest.mark.parametrize(("given", "stored"), [("91110000600037341L", "91110000600037341L"), ("91110000600037341l", "91110000600037341L")])
def test_uscc(given: str, stored: str) -> None:
    assert canonical(USCC, given, "uscc") == stored


@pytest.mark.parametrize(
    "given", ["A1110000600037342L", "91110000600037342L", "9111000060003734", "I1110000600037341L", "", "９" * 17 + "あ", "91110000600037341Z"]
)
def test_wrong_uscc(given: str) -> None:
    with pytest.raises(Fault) as fault:
        canonical(USCC, given, "uscc")
    assert fault.value.code is Code.BAD_INPUT


def test_texts_without_validator_are_normalised_only() -> None:
    assert canonical(PLAIN, "　张三 ", "name") == "张三"
    assert canonical(PLAIN, "Ａ１", "name") == "A1"
    assert canonical(item("n", "n", Kind.BIGINT), 5, "n") == 5


@pytest.mark.parametrize("value", [None, "a\x00", "x" * 4097, ["x"], {"a": 1}], ids=["null", "NUL", "long", "list", "object"])
def test_values_that_no_source_can_hold(value: Any) -> None:
    with pytest.raises(Fault) as fault:
        canonical(PLAIN, value, "name")
    assert fault.value.code is Code.BAD_INPUT
