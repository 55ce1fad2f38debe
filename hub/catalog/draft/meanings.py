"""What a column seems to hold, by its name, its comment and a sample of its values. Every answer is a suggestion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.selection import Kind, Value
from hub.catalog.draft import evidence
from hub.catalog.draft.parts import Meaning
from hub.catalog.draft.words import is_chinese
from masking.rules import applies_to, parse_mask

_SENSITIVE, _QUASI = ("sensitive",), ("quasi-identifier",)
NULL = "NULL"


@dataclass(frozen=True, slots=True)
class _Rule:
    """``words``: regular expression on the column's code, between ``_``; ``chinese``: on its name and comment; ``values``: on a sample."""

    name: str
    words: str
    chinese: str
    marks: tuple[str, ...]
    share: str | None
    values: evidence.Test | None = None
    validator: str | None = None
    clear: bool = False
    """Values alone are enough to know it."""
    dated: str | None = None
    """The mask of a date."""


_RULES = (
    _Rule(
        "公民身份号码 resident identity number",
        "id_?card(_no|_number|_num)?|identity_?(card|no|number)|resident_id|citizen_id|id_number|sfzhm?|gmsfhm|zjhm",
        "身份证|公民身份号码|证件号",
        _SENSITIVE,
        "ID_NUMBER_1_1",
        evidence.is_resident_id,
        "resident_id",
        clear=True,
    ),
    _Rule("统一社会信用代码 unified social credit code", "uscc|credit_code|tyshxydm", "统一社会信用代码", (), None, evidence.is_uscc, "uscc", clear=True),
    _Rule(
        "手机号 mobile number", "mobile(_no|_number|_phone)?|cell(_?phone)?|sjhm?", "手机", _SENSITIVE, "PHONE", evidence.is_mobile, "mobile", clear=True
    ),
    _Rule("电话 telephone number", "(tele)?phone(_?(no|num|number|1|2))?|tel|fax|lxdh|dh", "电话|传真|联系方式", _SENSITIVE, "PHONE", evidence.is_phone),
    _Rule(
        "银行卡号或账号 bank card or account",
        "bank_?(account|card)\\w*|card_?(no|number|num)|credit_card\\w*|iban|account_(no|number)|yhkh|yhzh",
        "银行卡|银行账|卡号|账号",
        _SENSITIVE,
        "BANK_CARD_0_4",
        evidence.is_bank_card,
        clear=True,
    ),
    _Rule("电子邮箱 e-mail address", "e_?mail(_address)?", "邮箱|电子邮件", _SENSITIVE, "EMAIL", evidence.is_email, clear=True),
    _Rule(
        "姓名 a person's name",
        "(first|last|middle|full|given|family|maiden|nick|real|person|contact|legal_rep|spouse|father|mother|display)_?name|surname|initials|username|user_name"
        "|login|xm|frxm|fddbr",
        "姓名|联系人|法定代表人|户主|监护人|经办人",
        _SENSITIVE,
        "NAME",
        evidence.is_person,
        clear=True,
    ),
    _Rule(
        "住址 address", "address(_?(1|2|3|line_?\\d?))?|addr|street(_address)?|residence|dz|zz|jtzz|hjdz", "地址|住址|住所", _SENSITIVE, "ADDRESS_TO_DISTRICT", evidence.is_place,
        clear=True,
    ),
    _Rule("出生日期 date of birth", "birth(_?(date|day))?|born|date_of_birth|dob|csrq", "出生|生日", _QUASI, "KEEP_FIRST_4_LAST_0", dated="DATE_TO_YEAR"),
    _Rule("护照、驾照等证件号 passport, licence, social insurance", "passport\\w*|ssn|driving_licen[cs]e\\w*|social_security\\w*", "护照|驾驶证|社保卡|社保号", _SENSITIVE, "KEEP_FIRST_1_LAST_2"),
    _Rule("健康信息 health", "diagnos[ie]s|disease\\w*|blood_type|allerg\\w*|disability|hiv\\w*|medical_\\w+", "病|诊断|血型|残疾|过敏|体检", _SENSITIVE, NULL),
    _Rule("收入 income", "salary|wages?|income|pay_rate", "工资|收入|薪", _SENSITIVE, NULL),
    _Rule("民族、宗教、婚姻 ethnicity, religion, marital status", "ethnicity|race|religion|marital_status|political_\\w+|mz|hyzk", "民族|宗教|婚姻|政治面貌", _SENSITIVE, NULL),
    _Rule("生物特征、照片 biometrics, picture", "fingerprint\\w*|face_\\w+|photo|picture|portrait|avatar", "指纹|人脸|照片|头像", _SENSITIVE, NULL),
    _Rule("网络地址 network address", "ip(_address|_addr)?|mac(_address)?|remote_host", "IP地址", _SENSITIVE, NULL),
    _Rule("性别 sex", "gender|sex|xb", "性别", _QUASI, None),
    _Rule("邮政编码 postal code", "zip(_?code)?|postal_?code|post_?code", "邮政编码", _QUASI, None),
    _Rule(
        "行政区划代码 division code", "division(_code)?|district(_code)?|region_code|area_code|xzqh(dm)?", "行政区划|区划", (), None, evidence.is_division, "division"
    ),
)  # fmt: skip
_NAMED = re.compile(r"(?:^|_)(?:name|xm)\Z|名称?\Z")
_PERSONAL = re.compile(
    r"(?:^|_)(?:person|people|customer|client|employee|staff|user|member|patient|student|teacher|actor|author|citizen|resident|owner|contact|applicant|guest|"
    r"driver|child|parent|voter|tenant|borrower|player|worker)(?:_|\Z)|人员|居民|用户|客户|学生|患者|职工|员工|户主|教师|人口"
)
_CREDENTIAL = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|pwd|secret|private_key|api_?key|access_key|token|salt|otp|pin_code|password_hash)(?:_|\Z)|密码|口令|密钥|令牌"
)


def is_credential(code: str, text: str) -> bool:
    """A password, a key, a token: nothing to share."""
    return _CREDENTIAL.search(code) is not None or _CREDENTIAL.search(text) is not None


def is_of_persons(code: str, text: str) -> bool:
    """Whether a table is called like one of persons, so that ``name`` in it is a person's."""
    return _PERSONAL.search(code) is not None or _PERSONAL.search(text) is not None


def meaning_of(code: str, text: str, kind: Kind, values: Sequence[Value], *, persons: bool) -> Meaning | None:
    """The column's meaning; ``code`` its name as a code, ``text`` its name and comment; ``None`` where it seems harmless."""
    for rule in _RULES:
        named = re.search(rf"(?:^|_)(?:{rule.words})\Z", code) is not None or re.search(rule.chinese, text) is not None
        seen = rule.values is not None and evidence.mostly(rule.values, values)
        if kind in (Kind.BOOLEAN, Kind.DATETIME, Kind.FLOAT) and not rule.dated:
            continue
        if named or (seen and rule.clear):
            certain = bool(values) or re.search(rule.chinese, text) is not None
            own = re.fullmatch(rule.words, code) is not None or re.match(rule.chinese, text) is not None
            return replace(_meaning(rule, kind, values if certain else None, named=named, seen=seen), own=own)
    if persons and kind is Kind.STRING and _NAMED.search(code) and not _of_things(values):
        return Meaning("姓名 a person's name", "人员表中的名称 a name in a table of persons", _SENSITIVE, None, "NAME")
    return None


def _of_things(values: Sequence[Value]) -> bool:
    """Codes, or Chinese names of which hardly one is a person's."""
    texts = [value for value in values if isinstance(value, str)]
    chinese = [text for text in texts if is_chinese(text)]
    codes = bool(texts) and all(re.fullmatch(r"[A-Z0-9_.\-]+", text) for text in texts)
    return codes or (len(chinese) > len(texts) / 2 and sum(map(evidence.is_person, chinese)) < len(chinese) / 10)


def _meaning(rule: _Rule, kind: Kind, values: Sequence[Value] | None, *, named: bool, seen: bool) -> Meaning:
    """``values``: ``None`` where nothing but an English name speaks for it, which is not enough to refuse values by."""
    why = " 且 and ".join(part for part, holds in (("列名 by its name", named), ("抽样值 by sampled values", seen)) if holds)
    proven = values is not None and rule.values is not None and kind is Kind.STRING and evidence.always(rule.values, values)
    return Meaning(rule.name, f"{rule.name}: {why}", rule.marks, rule.validator if proven else None, _mask(rule, kind))


def _mask(rule: _Rule, kind: Kind) -> str | None:
    if rule.share is None:
        return None
    label = rule.dated if rule.dated and kind is Kind.DATE else rule.share
    mask = parse_mask(label)
    return label if mask is None or applies_to(mask, kind.value) else NULL


LABELS: Mapping[str, str] = {rule.name: rule.share or "" for rule in _RULES}
"""For the documentation: what is looked for → its mask for sharing."""
