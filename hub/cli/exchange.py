"""``huitong exchange``: batch exchange from the command line; each command stands in a module of its own."""

from __future__ import annotations

import typer

from hub.cli import exchange_destinations, exchange_pull, exchange_verify, exchange_workers
from hub.cli.options import EXAMPLES

group = typer.Typer(
    help="批量交换 Batch exchange: starting and pulling it; batch verification 批量核验; where it is delivered to; its worker processes on other machines, and their certificates.",
    no_args_is_help=True,
)


@group.callback()
def exchange() -> None:
    """批量交换 Batch exchange."""


group.command("scheduler", epilog=EXAMPLES + exchange_workers.SCHEDULER)(exchange_workers.scheduler)
group.command("worker", epilog=EXAMPLES + exchange_workers.WORKER)(exchange_workers.worker)
group.command("certificates", epilog=EXAMPLES + exchange_workers.CERTIFICATES)(exchange_workers.certificates)
group.command("start")(exchange_pull.start)
group.command("pull")(exchange_pull.pull)
group.command("verify")(exchange_verify.verify)
group.command("destinations")(exchange_destinations.command)
