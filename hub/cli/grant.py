"""``huitong grant``: what applications may do with conditional resources."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hub.cli.application import read_purpose
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import show_json, show_record, show_rows
from hub.cli.request import Opinion, of_side
from hub.cli.session import acting, opened
from hub.cli.terms import as_service_input, item_from, read_day, read_moment, read_terms_file
from hub.masking.linked import as_rows as linked_rows
from hub.masking.linked import undone_by_links
from hub.masking.quasi import as_rows as quasi_rows
from hub.masking.quasi import quasi_sets
from hub.sharing.complementary import as_rows, complements
from hub.sharing.grant_acts import GrantGiven
from hub.sharing.grant_records import GrantRecord
from hub.store.engine import reading

group = typer.Typer(help="授权 Grants.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="授权编号 Number of the grant.")]


@group.command(
    "add",
    epilog=EXAMPLES + "huitong grant add housing civil_affairs.person --operation QUERY --item name --item id_number:MASKED:key "
    '--rows \'{"district": {"eq": "520102"}}\' --purpose \'housing-eligibility|公租房资格审核|公共租赁住房管理办法\' --approver 市民政局\n\n'
    "huitong grant add housing civil_affairs.person --file terms.toml",
)
def add(
    application: Annotated[str, typer.Argument(help="应用代码 Code of the application.")],
    resource: Annotated[str, typer.Argument(help="资源代码 Code of the resource, e.g. civil_affairs.person")],
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="授权条款(JSON 或 TOML) The terms, as in createGrant; options go before it.")
    ] = None,
    operation: Annotated[list[str] | None, typer.Option(help="QUERY | VERIFY | EXCHANGE. Repeatable.")] = None,
    item: Annotated[list[str] | None, typer.Option(metavar="CODE[:CLEAR|MASKED][:key]", help="信息项 An item and how it is shown. Repeatable.")] = None,
    rows: Annotated[str | None, typer.Option(metavar="JSON", help="行条件 The row condition, in the grammar of `where`.")] = None,
    purpose: Annotated[list[str] | None, typer.Option(metavar="'CODE|SCENARIO|BASIS'", help="用途 Repeatable.")] = None,
    approver: Annotated[str | None, typer.Option(help="批准人员 Who approved it (LOG-01).")] = None,
    per_claim: Annotated[bool | None, typer.Option("--per-claim/--no-per-claim", help="核验逐项作答 Verification answers per claim.")] = None,
    discloses_existence: Annotated[
        bool | None, typer.Option("--discloses-existence/--no-discloses-existence", help="核验可答不存在 Verification may answer NOT_FOUND.")
    ] = None,
    max_page: Annotated[int | None, typer.Option(help="每页上限 Rows in a page, at most.")] = None,
    valid_from: Annotated[str | None, typer.Option(metavar="MOMENT", help="起始 Begins; default: now.")] = None,
    valid_to: Annotated[str | None, typer.Option(metavar="MOMENT", help="终止 Ends.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记纸面批准的授权 Record a grant that was decided on paper. One live grant per application and resource."""
    given: dict[str, Any] = {
        "application": application,
        "resource": resource,
        "operations": operation,
        "items": [item_from(text) for text in item] if item else None,
        "rows": _rows(rows),
        "purposes": [read_purpose(text) for text in purpose] if purpose else None,
        "approver": approver,
        "perClaim": per_claim,
        "disclosesExistence": discloses_existence,
        "maxPage": max_page,
        "validFrom": valid_from,
        "validTo": valid_to,
    }
    terms = (read_terms_file(file) if file else {}) | {key: value for key, value in given.items() if value is not None}
    made_from = as_service_input(terms)
    with opened() as core:
        made = core.sharing.create_grant(acting(actor), made_from)
    show_record(_plain(made), as_json, f"已授权 granted: {made.id} ({made.application} → {made.resource})")


@group.command("list", epilog=EXAMPLES + "huitong grant list --app housing")
def show(app: Annotated[str | None, typer.Option(help="仅此应用 Only this application's.")] = None, as_json: AsJson = False) -> None:
    """列出授权 List the grants, newest first."""
    with opened() as core:
        found = core.registry.by_name(app) if app else None
        if app and found is None:
            raise CliFault(f"没有应用 no application {app}", "huitong app list")
        core.sweep.run()
        records = core.sharing.grants(found.client_id if found else None)
    show_rows([_plain(one) if as_json else _row(one) for one in records], as_json, "尚无授权 no grants yet: huitong grant add")


@group.command("revoke", epilog=EXAMPLES + "huitong grant revoke grant_019a…")
def revoke(number: Id, actor: ActorName = None, as_json: AsJson = False) -> None:
    """撤销授权 Revoke a grant, for good; in force with the next call."""
    _change(number, "REVOKED", actor, as_json)


@group.command("suspend", epilog=EXAMPLES + "huitong grant suspend grant_019a… --reason SCOPE_EXCEEDED --rectify-by 2026-03-31")
def suspend(
    number: Id,
    reason: Annotated[str | None, typer.Option(metavar="CODE", help="代码化理由，见 huitong rules show suspension A codified reason.")] = None,
    opinion: Opinion = "",
    rectify_by: Annotated[str | None, typer.Option(metavar="DAY", help="整改期限 Last day for rectification.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """暂停授权 Suspend a grant until it is resumed (N809, article 27)."""
    by = read_day(rectify_by) if rectify_by else None
    _change(number, "SUSPENDED", actor, as_json, GrantGiven(opinion, reason, by))


@group.command("resume", epilog=EXAMPLES + "huitong grant resume grant_019a…")
def resume(number: Id, actor: ActorName = None, as_json: AsJson = False) -> None:
    """恢复授权 Resume a suspended grant."""
    _change(number, "ACTIVE", actor, as_json)


@group.command("file-end", epilog=EXAMPLES + "huitong grant file-end grant_019a… provider --reason NEGOTIATED --opinion 系统停用，已协商")
def file_end(
    number: Id,
    side: Annotated[Literal["consumer", "provider"], typer.Argument(help="哪一方报备 Side that files.")],
    reason: Annotated[str, typer.Option(metavar="CODE", help="代码化理由，见 huitong rules show termination A codified reason.")],
    opinion: Opinion,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """一方就终止报备 A side of a grant files its end with the authority."""
    with opened() as core:
        held = core.sharing.grant(number)
        department = held.consumer if side == "consumer" else held.resource.partition(".")[0]
        made = core.sharing.act_on_grant(of_side(acting(actor), department), "fileTermination", number, GrantGiven(opinion, reason))
    _show(made, as_json)


@group.command(
    "terminate", epilog=EXAMPLES + "huitong grant terminate grant_019a… --actor wang\n\nhuitong grant terminate grant_019a… --unrectified --opinion 逾期未整改"
)
def terminate(
    number: Id,
    unrectified: Annotated[bool, typer.Option("--unrectified", help="暂停后拒不整改 A suspended consumer did not rectify.")] = False,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """主管部门终止授权 The authority terminates a grant: as a side has filed, or because misuse was not rectified."""
    with opened() as core:
        act = "terminateUnrectified" if unrectified else "terminate"
        made = core.sharing.act_on_grant(acting(actor), act, number, GrantGiven(opinion))
    _show(made, as_json)


@group.command("extend", epilog=EXAMPLES + "huitong grant extend grant_019a… --valid-to 2027-12-31T23:59:59+08:00")
def extend(
    number: Id, valid_to: Annotated[str, typer.Option(metavar="MOMENT", help="终止 New end.")], actor: ActorName = None, as_json: AsJson = False
) -> None:
    """申请延长授权 File a request to prolong a grant by the same terms; it takes the same approvals."""
    with opened() as core:
        held = core.sharing.grant(number)
        case = core.requests.extend(of_side(acting(actor), held.consumer), number, read_moment("--valid-to", valid_to).isoformat())
    show_record({**asdict(case), "due_on": case.due_on.isoformat()}, as_json, f"已申请 filed: {case.id} ({case.application} → {case.resource})")


@group.command("lint", epilog=EXAMPLES + "huitong grant lint")
def lint(as_json: AsJson = False) -> None:
    """检查互补脱敏、链接与准标识符组合 Find masks that show more together than either does or that a link undoes, and quasi-identifiers that name people.

    Exit code 1 where one department holds both masks, or a link shows in clear what a mask hides.
    """
    with opened() as core, reading(core.engine) as connection:
        snapshot = core.catalog.current()
        apps = core.registry.applications()
        found, sets, undone = complements(connection, snapshot), quasi_sets(snapshot, apps), undone_by_links(snapshot, apps)
    if as_json:
        complementary = ({"finding": "COMPLEMENTARY_MASKS", **row} for row in as_rows(found))
        linked = ({"finding": "UNDONE_BY_LINK", **row} for row in linked_rows(undone))
        show_json([*complementary, *linked, *({"finding": "QUASI_IDENTIFIERS", **row} for row in quasi_rows(sets))])
    else:
        show_rows(as_rows(found), False, "未发现互补的脱敏规则 no complementary masks")
        show_rows(linked_rows(undone), False, "未发现链接使脱敏失效 no link undoes a mask")
        show_rows(quasi_rows(sets), False, "未发现准标识符组合 no quasi-identifier sets in clear")
    if undone or any(one.same_department for one in found):
        raise typer.Exit(1)


def _change(number: str, state: str, actor: str | None, as_json: bool, given: GrantGiven | None = None) -> None:
    with opened() as core:
        made = core.sharing.change_grant(acting(actor), number, state, given)
    _show(made, as_json)


def _show(made: GrantRecord, as_json: bool) -> None:
    show_record(_plain(made), as_json, f"{made.id} {made.application} → {made.resource}: {made.state}")


def _plain(made: GrantRecord) -> dict[str, object]:
    return {**asdict(made), "rectify_by": made.rectify_by.isoformat() if made.rectify_by else None}


def _rows(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as fault:
        raise CliFault(f"--rows 不是 JSON is not JSON: {fault}", '{"district": {"eq": "520102"}}') from None


def _row(grant: GrantRecord) -> dict[str, object]:
    return {
        "id": grant.id,
        "application": grant.application,
        "resource": grant.resource,
        "state": grant.state,
        "operations": grant.terms["operations"],
        "rows": grant.terms["rows"],
        "valid_to": grant.valid_to,
        "approver": grant.approver,
    }
