"""GraphQL face of deliveries: what became of an exchange's, beside the exchange."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from anyio import to_thread

from hub.api.context import Context
from hub.api.types import BigInt, DateTime
from hub.exchange.delivery.store import Delivery


@strawberry.enum(description="交付状态\n\nState of a delivery")
class ExchangeDeliveryState(Enum):
    """States of a delivery; ``WAITING`` is also told between two attempts."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@strawberry.type(description="交付：文件送往管理员配置的目标\n\nDelivery of an exchange to a destination that administrators configured")
class ExchangeDelivery:
    """One delivery. ``reason`` tells why it failed, or why its last attempt did; ``place`` where it lies."""

    destination: str
    state: ExchangeDeliveryState
    attempts: int
    reason: str | None
    place: str | None
    rows: BigInt
    bytes: BigInt
    next_at: DateTime | None
    delivered_at: DateTime | None


async def _delivery(root: Delivered, info: strawberry.Info[Context, None]) -> ExchangeDelivery | None:
    """Read when it is asked for."""
    found = await to_thread.run_sync(info.context.services.deliveries.store.delivery, str(root.id))
    return None if found is None else delivery_of(found)


@strawberry.type
class Delivered:
    """What an exchange says of its delivery."""

    id: strawberry.ID
    delivery: ExchangeDelivery | None = strawberry.field(
        resolver=_delivery, description="交付情况；未指定目标时为空\n\nIts delivery; null where no destination was asked for"
    )


def delivery_of(found: Delivery) -> ExchangeDelivery:
    """A delivery as its owner sees it."""
    return ExchangeDelivery(
        destination=found.destination,
        state=ExchangeDeliveryState(found.state),
        attempts=found.attempts,
        reason=found.reason,
        place=found.place,
        rows=BigInt(found.rows),
        bytes=BigInt(found.bytes),
        next_at=DateTime(found.next_at) if found.next_at else None,
        delivered_at=DateTime(found.done_at) if found.done_at and found.state == "DELIVERED" else None,
    )


def delivery_event(found: Delivery | None) -> dict[str, Any] | None:
    """The same for the stream of events."""
    if found is None:
        return None
    return {"destination": found.destination, "state": found.state, "reason": found.reason, "rows": found.rows, "bytes": found.bytes}
