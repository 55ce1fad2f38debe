"""The headers of use (LOG-01): what is read of them, and which purposes hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.datastructures import Headers

from auth.rights import Decision, Operation, Purpose, Use
from hub.api.use import check_documents, check_use, read_use
from schema.faults import Code, Fault
from tests.schema.city import city, grant, rights

pytestmark = pytest.mark.fast
RENT, TAX = Purpose("rent", "公租房审核", "条例第十条"), Purpose("tax", "税务", "法第一条")


def decision(*purposes: Purpose, resource: str = "a.b", documents: frozenset[str] = frozenset()) -> Decision:
    return Decision(resource, frozenset({Operation.QUERY}), {}, None, purposes, 10, True, True, "g", "x", documents=documents)


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs])


def test_what_is_read() -> None:
    read = read_use(headers(("Huitong-Purpose", " rent "), ("Huitong-Operator", "%E5%BC%A0%E4%B8%89"), ("Huitong-Case", "2026-17%20a")))
    assert read == Use("rent", "张三", "2026-17 a")
    assert read_use(headers()) == Use()
    assert read_use(headers(("Huitong-Purpose", " "), ("Huitong-Operator", "%20"))) == Use()


@pytest.mark.parametrize("purpose", ["租", "a b", "a/b", "x" * 65, "a\tb", "a%20b"])
def test_wrong_purposes(purpose: str) -> None:
    with pytest.raises(Fault) as fault:
        read_use(Headers(raw=[(b"huitong-purpose", purpose.encode())]))
    assert fault.value.code is Code.BAD_REQUEST
    assert "Huitong-Purpose" in fault.value.en


@pytest.mark.parametrize(
    "value",
    ["%00", "%0A", "%7F", "a%1Fb", "%FF", "%C3", "%ED%A0%80", "%E5%BC%A0" * 86, "x" * 257, "é"],
    ids=["NUL", "newline", "delete", "unit separator", "no UTF-8", "cut UTF-8", "surrogate", "long", "long plain", "latin-1"],
)
@pytest.mark.parametrize("name", ["Huitong-Operator", "Huitong-Case"])
def test_wrong_texts(name: str, value: str) -> None:
    with pytest.raises(Fault) as fault:
        read_use(headers((name, value)))
    assert fault.value.code is Code.BAD_REQUEST
    assert name in fault.value.en


@pytest.mark.parametrize(
    ("value", "said", "remedy"),
    [
        ("%BA%AB%D1%A9", "不是百分号编码的 UTF-8", "URLEncoder.encode"),
        ("%E5%BC%A0" * 86, "有 258 字节", "缩短"),
        ("a%E2%80%AEb", "含不可见字符", "去除"),
    ],
    ids=["GBK", "long", "direction"],
)
def test_each_fault_of_a_text_has_its_own_remedy(value: str, said: str, remedy: str) -> None:
    with pytest.raises(Fault) as fault:
        read_use(headers(("Huitong-Operator", value)))
    assert said in fault.value.zh
    assert remedy in str(fault.value.hint_zh)


def test_256_bytes_fit() -> None:
    assert read_use(headers(("Huitong-Operator", "%E5%BC%A0" * 85 + "x"))).operator == "张" * 85 + "x"


@pytest.mark.parametrize("name", ["Huitong-Purpose", "Huitong-Operator", "Huitong-Case"])
def test_a_header_stands_once(name: str) -> None:
    with pytest.raises(Fault, match="more than once"):
        read_use(headers((name, "a"), (name, "a")))


@pytest.mark.parametrize(
    ("use", "code", "says"),
    [
        (Use(None, "x"), Code.PURPOSE_REQUIRED, "Huitong-Purpose"),
        (Use("rent", None), Code.PURPOSE_REQUIRED, "Huitong-Operator"),
        (Use(), Code.PURPOSE_REQUIRED, "Huitong-Purpose"),
        (Use("tax", "x"), Code.PURPOSE_NOT_GRANTED, "tax"),
        (Use("RENT", "x"), Code.PURPOSE_NOT_GRANTED, "RENT"),
    ],
)
def test_purposes_are_required_and_granted(use: Use, code: Code, says: str) -> None:
    with pytest.raises(Fault) as fault:
        check_use(use, [decision(RENT)])
    assert fault.value.code is code
    assert says in fault.value.en


def test_a_purpose_must_hold_for_every_resource() -> None:
    use = Use("rent", "张三")
    assert check_use(use, [decision(RENT, TAX), decision(RENT, resource="c.d")]) == RENT
    with pytest.raises(Fault, match=r"c\.d"):
        check_use(use, [decision(RENT), decision(TAX, resource="c.d")])
    assert check_use(Use(), []) is None, "what touches no resource needs no purpose"


def test_a_grant_may_be_limited_to_documents() -> None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    text = "{ civilAffairs { persons { nodes { name } } } }"
    document = hub.documents.check(text, view)
    limited = decision(RENT, documents=frozenset({document.sha256}))
    check_documents([limited, decision(RENT)], document)
    for other in (text + " ", text.replace("name", "district")):
        with pytest.raises(Fault) as fault:
            check_documents([decision(RENT), limited], hub.documents.check(other, view))
        assert fault.value.code is Code.FORBIDDEN
    check_documents([replace(limited, documents=frozenset())], document)
