"""Finds out whether a destination could be delivered to, without leaving anything there."""

from __future__ import annotations

import os

from hub.exchange.delivery.config import S3, Destination, Folder, Table, within
from hub.exchange.delivery.faults import DeliveryFault, unreachable
from schema.faults import Code


def check_place(destination: Destination, roots: tuple[str, ...]) -> None:
    """Reaches it.

    Raises:
        DeliveryFault: it cannot be reached, or not be used.
    """
    match destination:
        case Folder():
            _folder(destination, roots)
        case S3():
            _bucket(destination)
        case Table():
            _table(destination, roots)


def _folder(destination: Folder, roots: tuple[str, ...]) -> None:
    path = destination.path
    if not path.is_dir():
        raise unreachable("目录不存在，请创建并授予平台写权限", "the folder does not exist: create it, writable by the hub")
    if not within(path, roots):
        raise DeliveryFault(Code.INTERNAL, "目录不在许可范围内", "the folder lies under none of the allowed roots")
    if not os.access(path, os.W_OK | os.X_OK):
        raise unreachable("目录不可写", "the hub's user may not write into the folder")


def _table(destination: Table, roots: tuple[str, ...]) -> None:
    from hub.exchange.delivery.table import rehearse

    rehearse(destination, roots)


def _bucket(destination: S3) -> None:
    from hub.exchange.delivery.s3 import looked

    looked(destination)
