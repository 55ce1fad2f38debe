"""graphql-core's messages in Chinese: those that developers of department applications meet; any other stays English."""

from __future__ import annotations

import re
from unicodedata import normalize

_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"Cannot query field '(.+?)' on type '(.+?)'\.", r"类型 \2 没有字段 \1"),
        (r"Unknown argument '(.+?)' on field '(.+?)'\..*", r"字段 \2 没有参数 \1"),
        (r"Unknown argument '(.+?)' on directive '(.+?)'\..*", r"指令 \2 没有参数 \1"),
        (r"Argument '(@.+?)\((.+?):\)' of type '(.+?)' is required, but it was not provided\.", r"指令 \1 缺少必填参数 \2（类型 \3）"),
        (r"Argument '(.+?)\((.+?):\)' of (?:required )?type '(.+?)' (?:is required, but it )?was not provided\.", r"字段 \1 缺少必填参数 \2（类型 \3）"),
        (r"Argument '(.+?)' has invalid value:? (?P<inner>.+)", r"参数 \1 的值无效："),
        (r"Unknown type '(.+?)'\.", r"没有类型 \1"),
        (r"Unknown directive '(.+?)'\.", r"没有指令 \1"),
        (r"Directive '(.+?)' may not be used on (.+)\.", r"指令 \1 不能用在 \2 上"),
        (r"The directive '(.+?)' can only be used once at this location\.", r"指令 \1 在同一处只能使用一次"),
        (r"There can be only one argument named '(.+?)'\.", r"参数 \1 重复"),
        (r"There can be only one input field named '(.+?)'\.", r"输入字段 \1 重复"),
        (r"There can be only one operation named '(.+?)'\.", r"操作名 \1 重复"),
        (r"There can be only one fragment named '(.+?)'\.", r"片段名 \1 重复"),
        (r"There can be only one variable named '(.+?)'\.", r"变量 \1 重复声明"),
        (r"Variable '(.+?)' cannot be non-input type '(.+?)'\.", r"变量 \1 的类型 \2 不是输入类型"),
        (r"Variable '\$(.+?)' is not defined.*", r"变量 $\1 未声明"),
        (r"Variable '\$(.+?)' is never used.*", r"变量 $\1 未被使用"),
        (r"Variable '\$(.+?)' of type '(.+?)' used in position expecting type '(.+?)'\.", r"变量 $\1 的类型为 \2，此处需要 \3"),
        (r"Variable '\$(.+?)' of required type '(.+?)' was not provided\.", r"缺少必填变量 $\1（类型 \2）"),
        (r"Variable '\$(.+?)' (?:got|has) invalid value(?: at (\S+))?: (?P<inner>.+)", r"变量 $\1\2 的值无效："),
        (r"Field '(.+?)' of type '(.+?)' must have a selection of subfields\..*", r"字段 \1（类型 \2）须选择子字段"),
        (r"Field '(.+?)' must not have a selection since type '(.+?)' has no subfields\.", r"字段 \1（类型 \2）没有子字段可选"),
        (r"Field '(.+?)' is not defined by type '(.+?)'\.", r"输入类型 \2 没有字段 \1"),
        (r"Field '(.+?)' of required type '(.+?)' was not provided\.", r"缺少必填字段 \1（类型 \2）"),
        (r"Expected value of type '(\w+)' not to include unknown field '(.+?)'.*", r"输入类型 \1 没有字段 \2"),
        (r"Value '(.+?)' does not exist in '(.+?)' enum\..*", r"枚举 \2 没有值 \1"),
        (r"Enum '(.+?)' cannot represent non-(?:enum|string) value: (.+?)\..*", r"此处需要枚举 \1 的值，实际为 \2"),
        (r"Expected a value of non-null type '(.+?)' to be provided\.", r"须给出类型 \1 的值"),
        (r"Expected value of non-null type '(.+?)' not to be None\.", r"类型 \1 的值不能为 null"),
        (r"Expected value of type '(.+?)' to be an object, found: (.+)\.", r"此处需要类型 \1 的对象，实际为 \2"),
        (r"Expected value of type '(.+?)' to include required field '(.+?)', found: .+", r"缺少必填字段 \2（类型 \1）"),
        (r"(Date|DateTime|Decimal) must be (?:ISO 8601 )?text (?:with offset )?like (.+?), not (.+)\.", r"\1 应写作如 \2 的文本，实际为 \3"),
        (r"BigInt must be an integer of 64 bits or its text, not (.+)\.", r"BigInt 应为 64 位整数或其文本，实际为 \1"),
        (r"Within OneOf Input Object type '(.+?)', exactly one field must be specified, .+", r"类型 \1 须恰好给出一个字段，且其值不为 null"),
        (r"Expected variable '(.+?)' provided to field '(.+?)' for OneOf Input Object type .+ to provide a runtime value\.", r"字段 \2 所用变量 \1 未给出值"),
        (r"Expected value of type '(.+?)', found (.+)", r"此处需要类型 \1 的值，实际为 \2"),
        (r"(Int|Float|String|Boolean|ID) cannot represent .*?: (.+)", r"\2 不是 \1 类型的值"),
        (r"Unknown fragment '(.+?)'\.", r"没有片段 \1"),
        (r"Fragment '(.+?)' is never used\.", r"片段 \1 未被使用"),
        (r"Cannot spread fragment '(.+?)' within itself(?: via (.+))?\.", r"片段 \1 不能引用自身"),
        (r"Fragment (?:'(.+?)' )?cannot be spread here as objects of type '(.+?)' can never be of type '(.+?)'\.", r"类型 \2 处不能使用类型 \3 的片段"),
        (r"Fragment (?:'.+?' )?cannot condition on non composite type '(.+?)'\.", r"片段不能以类型 \1 为条件：它没有字段"),
        (r"The '?(.+?)'? definition is not executable\.", r"文档中不能定义类型：\1"),
        (r"The (\w+) operation is not supported by the schema\.", r"模式中没有 \1 操作"),
        (r"Maximum introspection depth exceeded", r"内省查询嵌套过深"),
        (r"Fields '(.+?)' conflict because .+", r"字段 \1 的多次选择相互冲突，请使用别名"),
        (r"Subscriptions are not offered; .+", r"不提供订阅；批量交换的进度见 GET /exchanges/{id}/events"),
        (r"The document has no operation\.", r"文档中没有操作，须有 query 或 mutation"),
        (r"Syntax Error: Unterminated string\.", r"语法错误：字符串没有结束引号"),
        (r"Syntax Error: Invalid character escape sequence: '(.+)'\.", r"语法错误：无效的转义 \1"),
        (r"Syntax Error: Invalid number, [^']+'(.+?)'.*", r"语法错误：数字写法有误，在 '\1' 处"),
        (r"Syntax Error: Document contains more than (\d+) tokens\. .+", r"语法错误：文档超过 \1 个词元"),
        (r"Syntax Error: Document is nested too deeply\. .+", r"语法错误：文档嵌套过深"),
        (r"Syntax Error: Unexpected <EOF>\.", r"语法错误：文档为空，或提前结束"),
        (r"Syntax Error: Expected (.+), found <EOF>\.", r"语法错误：此处应为 \1，而文档提前结束"),
        (r"Syntax Error: Unexpected variable '(.+?)' in constant value\.", r"语法错误：常量中不能使用变量 \1"),
        (r"Syntax Error: Expected (.+), found (.+)\.", r"语法错误：此处应为 \1，实际为 \2"),
        (r"Syntax Error: Unexpected (.+)\.", r"语法错误：意外的 \1"),
        (r"Syntax Error: (.+)", r"语法错误：\1"),
    )
)


_CHARACTER = re.compile(r"Syntax Error: Unexpected character: U\+([0-9A-F]{4,6})\.")


def in_chinese(message: str) -> str:
    """The message in Chinese where it is known."""
    if character := _CHARACTER.fullmatch(message):
        return _unexpected(int(character[1], 16))
    for pattern, text in _TEXTS:
        found = pattern.fullmatch(message)
        if found:
            inner = found.groupdict().get("inner")
            return found.expand(text) + (in_chinese(inner) if inner else "")
    return message


def _unexpected(code: int) -> str:
    """A character that no document holds outside of texts, such as the wide punctuation of Chinese input methods, which few editors tell from the narrow."""
    sign = chr(code)
    narrow = {"“": '"', "”": '"', "‘": '"', "’": '"', "、": ",", "\u3000": " "}.get(sign) or normalize("NFKC", sign)
    remedy = f"，请改用半角 {narrow}" if narrow != sign and narrow.isascii() else ""
    shown = f" {sign} " if sign.isprintable() else ""
    return f"语法错误：意外的字符{shown}（U+{code:04X}）{remedy}"
