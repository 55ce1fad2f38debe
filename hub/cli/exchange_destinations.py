"""``huitong exchange destinations``: where exchanges may be delivered to, and whether it can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from hub.cli.checking import Check
from hub.cli.faults import CliFault
from hub.cli.options import AsJson
from hub.cli.output import say, show_rows
from hub.exchange.delivery.checks import check_place
from hub.exchange.delivery.config import describe
from hub.exchange.delivery.destinations import Destinations, DestinationsFault
from hub.exchange.delivery.faults import DeliveryFault
from hub.settings import Settings, load_settings

_REMEDY = "请核对文件与目标 compare the file with the place; docs/exchange.md"


def command(
    check: Annotated[bool, typer.Option("--check", help="逐一试连 Reach each of them. Exit code 1 where one cannot be reached.")] = False,
    as_json: AsJson = False,
) -> None:
    """交付目标 Where exchanges may be delivered to, by destinations.toml; never shows a secret.

    示例 Examples:

    huitong exchange destinations

    huitong exchange destinations --check
    """
    settings = load_settings()
    try:
        content = Destinations(settings.destinations, settings.home).content()
    except DestinationsFault as fault:
        raise CliFault(str(fault), "请更正 correct it: docs/examples/destinations.toml") from None
    if not check:
        show_rows([describe(each) for each in content.destinations], as_json, f"没有交付目标 no destinations: {settings.destinations}")
        return
    checks = list(check_destinations(settings))
    if as_json:
        show_rows([one.as_json() for one in checks], True, "")
    else:
        for one in checks:
            say(f"{'正常 ok   ' if one.ok else '故障 FAULT'}  {one.name}: {one.message}")
    if not all(one.ok for one in checks):
        raise typer.Exit(1)


def check_destinations(settings: Settings) -> Iterator[Check]:
    """One check per destination, or one of the file where it cannot be used; none where there is no file."""
    try:
        content = Destinations(settings.destinations, settings.home).content()
    except DestinationsFault as fault:
        yield Check("destinations", False, str(fault), "请更正 correct it: docs/examples/destinations.toml")
        return
    for each in content.destinations:
        try:
            check_place(each, content.roots)
        except DeliveryFault as fault:
            yield Check(f"destination {each.code}", False, f"{fault.zh} {fault.en}", _REMEDY)
        else:
            yield Check(f"destination {each.code}", True, each.kind)
