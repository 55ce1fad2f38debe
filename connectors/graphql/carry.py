"""What is carried through to the service: for what purpose, by whom, in which trace (LOG-01, IOP-01), and the hubs on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.calling import CALLING, MOST_RECEIPTS, RemoteReceipt
from connectors.graphql.options import GraphqlOptions

_NUMBER = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def carried(options: GraphqlOptions) -> dict[str, str]:
    """The headers of the call that the running task works for; none outside of calls."""
    calling = CALLING.get()
    if calling is None:
        return {}
    purpose = calling.purpose and options.purposes.get(calling.purpose, calling.purpose)
    values = {
        "Huitong-Purpose": purpose,
        "Huitong-Operator": calling.operator and quote(calling.operator, safe=""),
        "Huitong-Case": calling.case and quote(calling.case, safe=""),
        "traceparent": calling.trace,
        "Huitong-Via": ", ".join(calling.via),
    }
    return {name: value for name, value in values.items() if value}


def keep_receipt(source: str, answer: Mapping[str, Any]) -> None:
    """Notes the receipt in another hub's answer for the ledger entry of this call. Anything else in its place is passed over."""
    calling, extensions = CALLING.get(), answer.get("extensions")
    receipt = extensions.get("receipt") if isinstance(extensions, dict) else None
    if calling is None or not isinstance(receipt, dict) or len(calling.receipts) >= MOST_RECEIPTS:
        return
    call, entry = str(receipt.get("call")), str(receipt.get("entry"))
    if _NUMBER.match(call) and _NUMBER.match(entry):
        calling.receipts.append(RemoteReceipt(source, call, entry))
