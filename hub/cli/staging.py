"""Registers the demonstration through the hub's own services, each act by whom it belongs to. What is there already is left as it is."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auth.clients import hash_secret, make_secret
from hub.acts import Actor
from hub.catalog.problems import Refused
from hub.cli.faults import CliFault
from hub.cli.terms import as_service_input
from hub.core import Core
from hub.demo.catalog import CLASSIFIED, manifests
from hub.demo.credentials import credential, write_credentials, write_json
from hub.demo.declarations import APPLICATIONS, DEPARTMENTS, Application
from hub.demo.grants import GRANTS
from hub.demo.launch import RunningService, ServiceFailed, start_service
from hub.demo.seed import DemoData
from hub.people.roles import ROLES

_GOVERNANCE = "governance:"
Tell = Callable[[str], None]


def start_rest(data: DemoData) -> RunningService:
    """The human resources bureau's REST service, on the port of the last start where it is free, for the catalog names it."""
    remembered = data.directory / "service.json"
    database = data.databases["human_resources"]
    port = _port(remembered)
    with _sheltered():
        try:
            service = start_service(database, port)
        except ServiceFailed:
            if port == 0:
                raise
            service = start_service(database)
    write_json(remembered, {"port": int(service.url.rpartition(":")[2])})
    return service


@contextmanager
def _sheltered() -> Iterator[None]:
    """A child started in here takes no Ctrl-C, which goes to the whole process group; it ends with its parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stage(core: Core, rest_url: str, tell: Tell) -> None:
    """Departments, applications, catalog, grants, and the credentials file."""
    actors = {application.code: _actor(application) for application in APPLICATIONS}
    _departments(core, actors["system_admin"])
    # Accounts of the three administrators are made at the command line; no account may make another's.
    _applications(core, Actor("cli:demo", None, frozenset(ROLES)), core.settings.home / "demo" / "credentials.json", tell)
    _catalog(core, actors["steward"], actors["security_admin"], rest_url, tell)
    _refusal(core, actors["steward"], tell)
    _grants(core, actors["security_admin"], tell)
    core.registry.refresh()


def _actor(application: Application) -> Actor:
    return Actor(application.code, application.department, frozenset(application.scopes), application.operator)


def _departments(core: Core, actor: Actor) -> None:
    known = core.catalog.current().departments
    for one in DEPARTMENTS:
        if one.code not in known:
            core.catalog.create_department(actor, code=one.code, name=one.name, name_en=one.name_en, uscc=one.uscc, tier=one.tier)


def _applications(core: Core, actor: Actor, file: Path, tell: Tell) -> None:
    secrets = _kept_secrets(file)
    for one in APPLICATIONS:
        secrets.setdefault(one.code, make_secret())
    ids = {str(row["name"]): str(row["client_id"]) for row in core.sharing.applications()}
    # Secrets are on the disk before they are registered, so that a start that breaks off loses none.
    write_credentials(file, [credential(one, ids.get(one.code, ""), secrets[one.code]) for one in APPLICATIONS])
    missing = [one for one in APPLICATIONS if one.code not in ids]
    for one in missing:
        purposes = [{"code": purpose.code, "scenario": purpose.scenario, "basis": purpose.basis} for purpose in one.purposes]
        roles = [scope for scope in one.scopes if scope.startswith(_GOVERNANCE)]
        ids[one.code] = core.sharing.create_application(actor, one.code, one.department, purposes, roles, secrets[one.code]).client_id
    write_credentials(file, [credential(one, ids[one.code], secrets[one.code]) for one in APPLICATIONS])
    core.registry.refresh()
    _check_secrets(core, secrets)
    if missing:
        tell(f"已登记 registered: {len(DEPARTMENTS)} departments, {len(missing)} applications")


def _check_secrets(core: Core, secrets: Mapping[str, str]) -> None:
    for one in APPLICATIONS:
        found = core.registry.by_name(one.code)
        if found is None or found.secret_hash != hash_secret(secrets[one.code]):
            raise CliFault(
                f"演示凭据文件与登记不符 credentials.json is not that of this home: {one.code}",
                f"请删除演示目录后重新开始 remove {core.settings.home} and begin anew",
            )


def _catalog(core: Core, importer: Actor, reviewer: Actor, rest_url: str, tell: Tell) -> None:
    for department, text in _in_order(manifests(core.settings.home, rest_url)).items():
        if core.catalog.manifest_text(department) == text:
            continue
        made = core.catalog.import_manifest(importer, text)
        core.catalog.review(reviewer, made.id, True, "演示目录")
        core.catalog.publish(reviewer, made.id)
        tell(f"已导入、审核、发布 imported, reviewed, published: {', '.join(made.resources) or department}")


def _refusal(core: Core, importer: Actor, tell: Tell) -> None:
    """Shows once that classified data are refused (CLS-04): the attempt, and its entry in the ledger, belong to the demonstration."""
    if core.sharing.grants():
        return
    try:
        core.catalog.import_manifest(importer, CLASSIFIED.read_text(encoding="utf-8"))
    except Refused as refused:
        first = refused.problems[0]
        tell(f"涉密清单已被拒绝 refused, as it must be: {CLASSIFIED.name}:{first.line} {first.code} {first.message}")
    else:
        raise CliFault("涉密清单未被拒绝 the manifest with classified data was not refused", "请报告此问题 report this")


def _in_order(texts: Mapping[str, str]) -> dict[str, str]:
    """Links go to what is published already: the departments that others link to come first."""
    ordered: dict[str, str] = {}
    while len(ordered) < len(texts):
        ready = [code for code, text in texts.items() if code not in ordered and not _linked(text, texts) - {code} - set(ordered)]
        ordered |= {code: texts[code] for code in ready or [code for code in texts if code not in ordered]}
    return ordered


def _linked(text: str, texts: Mapping[str, str]) -> set[str]:
    return {code for code in texts if f'to = "{code}.' in text}


def _grants(core: Core, actor: Actor, tell: Tell) -> None:
    # A grant that somebody revoked while trying the demonstration stays revoked.
    known = {(record.application, record.resource) for record in core.sharing.grants()}
    missing = [grant for grant in GRANTS if (grant.application, grant.resource) not in known]
    for grant in missing:
        # As JSON: lists for tuples, as the service takes it from callers.
        given: dict[str, Any] = json.loads(json.dumps(grant.as_input()))
        core.sharing.create_grant(actor, as_service_input({key: value for key, value in given.items() if value is not None}))
    if missing:
        tell(f"已授权 granted: {len(missing)}")


def _kept_secrets(file: Path) -> dict[str, str]:
    try:
        return {entry["name"]: entry["client_secret"] for entry in json.loads(file.read_bytes())}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _port(file: Path) -> int:
    try:
        port = json.loads(file.read_bytes())["port"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0
    return port if isinstance(port, int) and 0 < port < 65536 else 0
