"""What may be claimed, and of what form: D5, D6 and D7 of the attack cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auth.rights import GrantItem, Operation, Shown
from connectors.selection import Kind
from schema.documents import InvalidDocument
from schema.faults import Code, Fault
from schema.model import Item
from schema.values import canonical
from tests.schema.city import PERSON, PERSONS, SNAPSHOT, MemorySource, grant, item, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

ID = item("id_number", "id", validator="resident_id")
NAME = item("name", "nm", validator="person_name")
MOBILE = item("phone", "ph", validator="mobile")
DIVISION = item("district", "d", validator="division")
PLAIN = item("note", "note")
ITEMS = {**PERSON.items, "name": NAME, "married": item("married", "m", Kind.BOOLEAN), "phone": MOBILE}
VERIFY_ONLY = frozenset({Operation.VERIFY})


def register() -> tuple[Hub, MemorySource]:
    """Persons with names, a mobile number and a truth value, all granted in clear."""
    source = MemorySource({"person": [{**each, "m": True} for each in PERSONS]})
    snapshot = replace(SNAPSHOT, resources={PERSON.code: replace(PERSON, items=ITEMS)})
    return Hub(snapshot, opened={"civil_affairs.db": source}), source


def granted(**changed: Any) -> Any:
    items = (GrantItem("id_number", Shown.ABSENT, key=True), *(GrantItem(code, Shown.CLEAR) for code in ("name", "gender", "married", "phone", "birth_date")))
    return rights(grant(items=items, **changed))


CLAIMS = 'query ($c: CivilAffairsPersonClaims!) { civilAffairs { verifyPerson(subject: {idNumber: "11010519491231002X"}, claims: $c) { outcome } } }'
SUBJECT = 'subject: {idNumber: "11010519491231002X"}'


@pytest.mark.parametrize(("claim", "value"), [("gender", '"1"'), ("married", "true")])
@pytest.mark.parametrize(
    "document",
    [
        "{{ civilAffairs {{ verifyPerson({subject}, claims: {{{claim}: {value}}}) {{ outcome }} }} }}",
        '{{ civilAffairs {{ verifyPersons(requests: [{{{subject}, claims: {{name: "张三"}}}}, {{{subject}, claims: {{{claim}: {value}}}}}]) {{ outcome }} }} }}',
        '{{ civilAffairs {{ a: verifyPerson({subject}, claims: {{name: "张三"}}) {{ outcome }} b: verifyPerson({subject}, claims: {{{claim}: {value}}}) {{ outcome }} }} }}',
        "{{ civilAffairs {{ ...F }} }} fragment F on CivilAffairs {{ verifyPerson({subject}, claims: {{{claim}: {value}}}) {{ outcome }} }}",
    ],
    ids=["direct", "list", "alias", "fragment"],
)
async def test_d5_items_of_few_values_are_claimed_only_where_they_may_be_queried(claim: str, value: str, document: str) -> None:
    hub, source = register()
    text = document.format(subject=SUBJECT, claim=claim, value=value)
    with pytest.raises(InvalidDocument) as refused:
        await hub.ask(granted(operations=VERIFY_ONLY), text)
    with pytest.raises(InvalidDocument) as unknown:
        await hub.ask(granted(operations=VERIFY_ONLY), text.replace(f"{claim}:", "nothing:"))
    assert _said(refused.value, claim) == _said(unknown.value, "nothing"), "told as of an item that does not exist"
    assert not source.asked
    answer = await hub.ask(granted(), text)
    assert not answer.errors, "whoever may query it may verify it"


def _said(fault: InvalidDocument, name: str) -> str:
    return "; ".join(error.message for error in fault.errors).replace(name, "?")


async def test_d5_nor_by_a_variable() -> None:
    hub, source = register()
    for claims in ({"gender": "1"}, {"married": True}, {"name": "张三", "married": False}):
        with pytest.raises(Fault) as fault:
            await hub.ask(granted(operations=VERIFY_ONLY), CLAIMS, {"c": claims})
        assert fault.value.code is Code.BAD_INPUT
    assert not source.asked


D6 = [
    (ID, "１１０１０５１９４９１２３１００２ｘ"),
    (ID, " 110105 19491231 002x　"),
    (ID, "110105491231002"),
    (NAME, "　张　三 "),
    (NAME, "張三"),
    (MOBILE, "+86 138-0000-0001"),
]


@pytest.mark.parametrize(("known", "said"), D6)
def test_d6_spellings_of_one_value_are_one_value(known: Item, said: str) -> None:
    plain = {"id_number": "11010519491231002X", "name": "张三", "phone": "13800000001"}[known.code]
    assert canonical(known, said, "x") == plain
    assert canonical(known, plain, "x") == plain


WILD = [
    "%",
    "_",
    "张%",
    "张_",
    "*",
    "",
    " ",
    "　",
    None,
    "张\u200b三",
    "\u202e三张",
    "张\u0301三",
    "张三\ufe00",
    "张\x00三",
    "\ufeff张三",
    "张\u2060三",
    ["张三"],
]


@pytest.mark.parametrize("said", WILD, ids=repr)
@pytest.mark.parametrize("known", [ID, NAME, MOBILE, DIVISION], ids=lambda known: known.validator)
def test_d6_what_is_no_value_of_the_item_is_bad_input_and_named(known: Item, said: Any) -> None:
    with pytest.raises(Fault) as fault:
        canonical(known, said, "claims.that")
    assert fault.value.code is Code.BAD_INPUT
    assert "claims.that" in fault.value.en
    assert "claims.that" in fault.value.zh
    assert not isinstance(said, str) or len(said.strip()) < 2 or said not in fault.value.en, "what was sent is not repeated"


@pytest.mark.parametrize("said", ["a\u200bb", "\u202eab", "", " ", None, "a\x07"], ids=repr)
def test_d6_texts_without_validator_refuse_what_nobody_sees(said: Any) -> None:
    with pytest.raises(Fault) as fault:
        canonical(PLAIN, said, "note")
    assert fault.value.code is Code.BAD_INPUT


@pytest.mark.parametrize("said", ["%", "_", "张%", "'; --", "a b"])
def test_d6_marks_are_texts_like_others_where_no_validator_is(said: str) -> None:
    assert canonical(PLAIN, said, "note") == said


@pytest.mark.parametrize(("name", "outcome"), [("张三", "MATCH"), ("Ζhang", "MISMATCH"), ("张З", "MISMATCH"), ("王五", "MISMATCH")])
async def test_d6_letters_that_look_alike_are_other_letters(name: str, outcome: str) -> None:
    hub, _ = register()
    answer = await hub.ask(granted(), CLAIMS, {"c": {"name": name}})
    assert answer.data == {"civilAffairs": {"verifyPerson": {"outcome": outcome}}}


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (ID, "1****************X"),
        (ID, "110105********002X"),
        (ID, "１＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊Ｘ"),
        (ID, "p1_mQk7XyZ0aB3cD4eF5gH6iJ"),
        (NAME, "张*"),
        (NAME, "张＊＊"),
        (NAME, "**"),
        (NAME, "p1_mQk7XyZ0aB3cD4eF5gH6iJ"),
        (MOBILE, "138****0001"),
        (MOBILE, "p1_mQk7XyZ0aB3cD4eF5gH6iJ"),
        (DIVISION, "5201**"),
    ],
)
def test_d7_a_masked_or_pseudonymised_value_is_no_value(known: Item, said: str) -> None:
    with pytest.raises(Fault) as fault:
        canonical(known, said, "claims.it")
    assert fault.value.code is Code.BAD_INPUT
    assert said not in f"{fault.value.zh}{fault.value.en}"


@pytest.mark.parametrize(("claims", "subject"), [({"phone": "138****0001"}, "11010519491231002X"), ({"name": "张三"}, "1****************X")])
async def test_d7_nor_in_a_call(claims: dict[str, str], subject: str) -> None:
    hub, source = register()
    text = "query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) { civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome } } }"
    answer = await hub.ask(granted(), text, {"s": {"idNumber": subject}, "c": claims})
    assert [error.fault.code for error in answer.errors] == [Code.BAD_INPUT]
    assert not source.asked


async def test_d7_a_masked_text_of_an_item_without_validator_matches_no_raw_one() -> None:
    hub, _ = register()
    hub.snapshot = replace(hub.snapshot, resources={PERSON.code: replace(PERSON, items={**ITEMS, "name": item("name", "nm")})})
    answer = await hub.ask(granted(), CLAIMS, {"c": {"name": "张*"}})
    assert answer.data == {"civilAffairs": {"verifyPerson": {"outcome": "MISMATCH"}}}
