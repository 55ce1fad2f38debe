"""What the hubs of the comparison know: two departments over the city's database, applications with grants, and which three items each sees masked."""

from __future__ import annotations

import random
from collections.abc import Mapping

from loadtests.persons import PURPOSE

ITEMS = ("id_number", "name", "gender", "birth_date", "phone", "address", "email", "household_no")
MASKS: Mapping[str, str] = {
    "name": "NAME",
    "phone": "KEEP_FIRST_3_LAST_4",
    "address": "ADDRESS_TO_DISTRICT",
    "email": "EMAIL",
    "household_no": "KEEP_FIRST_3_LAST_4",
}
"""Items that may be masked, each by the rule that is meant for it. By a masked identifier nobody can be looked up, and no link leads to it."""
MASKED = 3
SETS = 5
"""Applications that see other items masked: one for each round of a full run."""
CLEAR = "clear"
MANY = 8
"""Applications with grants of their own, for tokens of many."""
_TYPES = {"birth_date": "date", "founded": "date", "capital": "decimal", "record_no": "bigint"}
_COMPANY = ("uscc", "name", "status", "legal_rep_id_number", "capital", "founded", "district", "scope")


def manifests(url: str, rendering: str = "") -> tuple[str, str]:
    """Of the register of persons and of the market's supervision. ``rendering``: as a source's setting has it, or nothing for its default."""
    person = _manifest("register", "登记局", "Register", "11520100009394392D", url, rendering, "person", "persons", "id_number", ITEMS, ("gender",))
    company = _manifest(
        "market", "市场监督管理局", "Market supervision", "115201000093944053", url, rendering, "company", "companies", "uscc", _COMPANY, ("status",)
    )
    return person, company + '[[resources.links]]\nfield = "legal_rep"\nitem = "legal_rep_id_number"\nto = "register.person.id_number"\n'


def masked_items(seed: int, number: int) -> tuple[str, ...]:
    """The items that the application of this number sees masked."""
    return tuple(sorted(random.Random(f"{seed} masks {number}").sample(sorted(MASKS), MASKED)))  # noqa: S311 - which items


def grants(application: str, masked: tuple[str, ...]) -> list[dict[str, object]]:
    """The inputs of its grants: everything of both registers, with these items of persons masked."""
    return [_grant(application, "register.person", ITEMS, masked), _grant(application, "market.company", _COMPANY, ())]


def _grant(application: str, resource: str, items: tuple[str, ...], masked: tuple[str, ...]) -> dict[str, object]:
    shown = [{"code": code, "value": "MASKED", "mask": MASKS[code]} if code in masked else {"code": code, "value": "CLEAR"} for code in (*items, "record_no")]
    operations = ["QUERY", "VERIFY", "EXCHANGE"]
    return {
        "application": application,
        "resource": resource,
        "operations": operations,
        "items": shown,
        "purposes": [PURPOSE],
        "max_page": 10_000,
        "approver": "bench",
    }


def _manifest(
    code: str, zh: str, en: str, uscc: str, url: str, rendering: str, resource: str, plural: str, key: str, items: tuple[str, ...], filters: tuple[str, ...]
) -> str:
    lines = ["[department]", f'code = "{code}"', f'name = "{zh}"', f'name_en = "{en}"', f'uscc = "{uscc}"']
    lines += ["[[sources]]", 'code = "db"', 'kind = "sql"', f'url = "{url}"', *([f'rendering = "{rendering}"'] if rendering else [])]
    lines += ["[[resources]]", f'code = "{resource}"', f'plural = "{plural}"', f'name = "{zh}"', f'name_en = "{en}"', f'description = "{zh}"']
    lines += ['classification = "307026"', 'level = "INTERNAL"', 'sharing_class = "CONDITIONAL"', 'legal_basis = ["政务数据共享条例"]', 'open_class = "CLOSED"']
    lines += ['update_cycle = "daily"', 'operations = ["QUERY", "VERIFY", "EXCHANGE"]', 'service_methods = ["INTERFACE", "FILE"]', 'source = "db"']
    lines += [f'object = "{resource}"', f'identifiers = ["{key}"]', 'stable_key = "id"', 'stable_key_type = "bigint"']
    for item in (*items, "record_no"):
        column = "id" if item == "record_no" else item
        lines += ["[[resources.items]]", f'code = "{item}"', f'name = "{item}"', f'type = "{_TYPES.get(item, "string")}"', f'column = "{column}"']
        if item in filters or item == "record_no":
            lines.append("filterable = true")
    return "\n".join(lines) + "\n"
