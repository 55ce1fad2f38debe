"""Words of tables and columns, English and Chinese: a code from either, a name in Chinese, singular and plural."""

from __future__ import annotations

import re

_GLOSSARY = """
account=账户 actor=演员 address=地址 age=年龄 album=专辑 amount=金额 application=申请 area=面积 artist=艺术家 author=作者 balance=余额 bank=银行 basic=基本
basis=依据 batch=批次 begin=开始 birth_date=出生日期 book=图书 brand=品牌 building=楼栋 business=经营 capital=资本 card=卡 category=类别 certificate=证书
city=城市 class=等级 code=代码 comment=评论 community=社区 company=企业 contact=联系人 content=内容 contract=合同 count=数量 country=国家 county=区县
course=课程 created_at=创建时间 created_by=创建人 currency=币种 customer=客户 data=数据 date=日期 declaration=申报 deleted=已删除 department=部门
description=描述 detail=明细 discount=折扣 district=区划 division=行政区划 document=文档 duration=时长 education=学历 email=电子邮箱 employee=职工 end=结束
enterprise=企业 event=事件 expires_at=到期时间 fee=费用 file=文件 film=影片 first_name=名 flag=标志 floor=楼层 gender=性别 genre=流派 grade=等级 group=组 head=户主
hospital=医院 house=房屋 household=家庭户 household_no=户号 id=编号 id_number=公民身份号码 income=收入 industry=行业 info=信息 insurance=保险 inventory=库存
invoice=发票 invoice_line=发票明细 item=项目 job=岗位 language=语言 last_name=姓 last_update=最后更新时间 latitude=纬度 legal_rep=法定代表人 length=长度 level=级别
licence=许可证 license=许可证 line=行 list=列表 location=位置 log=日志 longitude=经度 manager=主管 marital_status=婚姻状况 member=成员 message=消息 mobile=手机号
month=月份 name=名称 nationality=国籍 ethnicity=民族 nature=性质 no=号 note=备注 number=号码 object=对象 occupation=职业 operator=经办人 order=订单 organisation=机构
organization=机构 owner=所有人 parent=上级 patient=患者 payment=付款 pension=养老金 permit=许可 person=人员 phone=电话 position=职务 price=价格 product=产品
project=项目 property=不动产 province=省份 quantity=数量 rate=比率 rating=分级 reason=原因 receipt=回执 record=记录 record_no=记录号 region=地区 register=登记
registered_at=登记时间 registration=登记 relation=关系 relationship=关系 remark=备注 rental=租赁 report=报告 resident=居民 result=结果 role=角色 salary=工资 sale=销售
school=学校 score=分数 seller=卖方 sequence=顺序 serial=序列 service=服务 session=会话 sex=性别 size=大小 source=来源 staff=员工 standard=标准 start=开始 state=状态
status=状态 stock=库存 store=门店 street=街道 student=学生 subject=科目 supplier=供应商 system=系统 table=表 tag=标签 task=任务 tax=税 teacher=教师 telephone=电话
time=时间 title=标题 total=合计 town=乡镇 track=曲目 transaction=交易 type=类型 unit=单位 unit_price=单价 updated_at=更新时间 updated_by=更新人 url=网址 user=用户
user_name=用户名 uscc=统一社会信用代码 valid_from=有效期起 valid_to=有效期止 value=值 vehicle=车辆 vendor=供应商 version=版本 village=村 volume=体积 weight=重量
year=年份 zip=邮政编码 postal_code=邮政编码
"""
_ALSO = """
身份证号=id_number 身份证号码=id_number 身份证=id_number 公民身份证号码=id_number 姓名=name 人口=population 法人=legal_person 电话号码=phone 联系电话=phone 手机=mobile
手机号码=mobile 手机号=mobile 住址=address 户籍地址=registered_address 出生年月=birth_date 生日=birth_date 统一代码=uscc 信用代码=uscc 编码=code 号=no 序号=sequence
主键=id 标识=id 创建日期=created_on 更新日期=updated_on 日期=date 备注=note 说明=description 邮箱=email 电子邮件=email 户主=head 配偶=spouse 金额=amount 数量=quantity
单位名称=unit_name 企业名称=company_name 行政区划代码=division_code 区划代码=division_code 婚姻=marital_status 民族=ethnicity 文化程度=education 籍贯=native_place
车牌号=plate_no 银行账号=bank_account 银行卡号=bank_card 银行卡=bank_card 开户行=bank 开始日期=start_date 结束日期=end_date 有效期=valid_to 经办人=operator
审批=approval 审核=review 结果=result 机构代码=organisation_code 是否=is 地址=address 名称=name 类别=category 类型=type 状态=status 价格=price 订单=order 表=table
"""
_PINYIN = """
xm=姓名 xb=性别 sfzh=公民身份号码 sfzhm=公民身份号码 gmsfhm=公民身份号码 csrq=出生日期 mz=民族 zz=住址 dz=地址 hjdz=户籍地址 jtzz=家庭住址 lxdh=联系电话 dh=电话 sjh=手机号
sjhm=手机号码 dwmc=单位名称 qymc=企业名称 tyshxydm=统一社会信用代码 fddbr=法定代表人 frxm=法定代表人姓名 zt=状态 bz=备注 hh=户号 hyzk=婚姻状况 xzqh=行政区划
xzqhdm=行政区划代码 cjsj=创建时间 gxsj=更新时间 yhkh=银行卡号 yhzh=银行账号 bh=编号 xh=序号 mc=名称 lx=类型 je=金额 sl=数量 rq=日期 sj=时间 zy=职业 xl=学历 jg=籍贯
"""


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split())


CHINESE = _pairs(_GLOSSARY)
"""English words, or several joined by ``_``, as columns use them → Chinese."""
PINYIN = _pairs(_PINYIN)
"""Initials of Chinese terms, as registers use them for columns."""
ENGLISH = {zh: en for en, zh in reversed(CHINESE.items())} | _pairs(_ALSO)
_LONGEST = max(map(len, ENGLISH))

_IRREGULAR = {
    "people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot", "movies": "movie",
    "cookies": "cookie", "shoes": "shoe", "criteria": "criterion", "indices": "index", "matrices": "matrix", "vertices": "vertex", "buses": "bus",
    "statuses": "status", "analyses": "analysis", "crises": "crisis", "viruses": "virus", "lives": "life", "leaves": "leaf", "caches": "cache",
}  # fmt: skip
_PLURALS = {one: many for many, one in reversed(_IRREGULAR.items())} | {"person": "persons"}
_ALIKE = frozenset(
    {
        *("news", "series", "species", "data", "info", "information", "staff", "media", "equipment", "furniture", "software", "hardware"),
        *("money", "history", "inventory", "metadata", "feedback", "progress"),
    }
)
_ES = ("s", "x", "z", "ch", "sh")


def singular(word: str) -> str:
    """``categories`` → ``category``; a word that is singular stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _ALIKE or not word.endswith("s") or len(word) < 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "oes")):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """``category`` → ``categories``; a word without a plural of its own stays."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _ALIKE or word[-1:].isdigit():
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(_ES) else "s")


def is_chinese(text: str) -> bool:
    """Whether any ideograph stands in it."""
    return re.search(r"[\u3400-\u9fff\U00020000-\U0003ffff]", text) is not None


def in_english(text: str) -> list[str] | None:
    """The words of a Chinese term; ``None`` where one is not known."""
    words: list[str] = []
    while text:
        size = next((size for size in range(min(_LONGEST, len(text)), 0, -1) if text[:size] in ENGLISH), 0)
        if not size:
            return None
        words.append(ENGLISH[text[:size]])
        text = text[size:]
    return words


def in_chinese(code: str) -> str | None:
    """``customer_address`` → ``客户地址``; ``None`` where a word is not known."""
    if code in PINYIN:
        return PINYIN[code]
    words, found = code.split("_"), []
    while words:
        size = next((size for size in range(len(words), 0, -1) if _term("_".join(words[:size]))), 0)
        if not size:
            return None
        found.append(_term("_".join(words[:size])) or "")
        words = words[size:]
    return "".join(found)


def _term(words: str) -> str | None:
    return CHINESE.get(words) or CHINESE.get(singular(words))
