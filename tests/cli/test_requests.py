"""A request's way to a grant and the grant's to its disposal, by the command line; four eyes hold there too."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hub.acts import Actor
from hub.cli.session import opened
from hub.demo.catalog import manifests
from tests.cli.conftest import Cli
from tests.cli.test_catalog import publish

pytestmark = pytest.mark.slow


@pytest.fixture
def number(initialised: Cli, tmp_path: Path) -> str:
    """A request of housing's application, just filed."""
    path = tmp_path / "civil_affairs.toml"
    path.write_text(manifests(tmp_path, "http://127.0.0.1:1")["civil_affairs"], encoding="utf-8")
    publish(initialised, path)
    assert initialised("department", "add", "housing", "市住建局", "11520100009395416E").code == 0
    assert initialised("app", "add", "housing", "--department", "housing", "--purpose", "review|资格审核|公共租赁住房管理办法").code == 0
    with opened() as core:
        app = core.registry.by_name("housing")
        assert app is not None
        given = {"operations": ["QUERY"], "items": [{"code": "name", "access": "CLEAR"}], "purpose": "review", "scenario": "资格审核", "legal_basis": "办法"}
        actor = Actor("housing", "housing", application=app.client_id)
        return core.requests.request_access(actor, core.catalog.current().resources["civil_affairs.person"], given).id


def step(cli: Cli, *arguments: Any) -> dict[str, Any]:
    done = cli("request", *arguments, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = done.data
    return found


def test_a_whole_life(initialised: Cli, number: str, tmp_path: Path) -> None:
    cli = initialised
    assert step(cli, "endorse", number, "--actor", "li")["state"] == "CHECKING"
    assert step(cli, "check", number, "--missing", "依据", "--actor", "wang")["missing"] == ["依据"]
    assert step(cli, "supplement", number, "--opinion", "办法第七条", "--actor", "li")["state"] == "CHECKING"
    assert step(cli, "check", number, "--actor", "wang")["state"] == "ASSESSING"
    step(cli, "extension", number, "ask", "--opinion", "需核实", "--actor", "zhao")
    assert step(cli, "extension", number, "allow", "--days", 3, "--actor", "wang")["extension"] == "ALLOWED"
    assert step(cli, "opinion", number, "--agree", "--actor", "zhao")["state"] == "DECIDING"
    assert cli("request", "decide", number, "--approve", "--actor", "zhao").code == 1, "who gave the opinion does not decide"
    named = step(cli, "decide", number, "--approve", "--actor", "wang")["agreement_hash"]
    shown = cli("request", "show", number)
    assert step(cli, "show", number)["extension"] == "ALLOWED", "approval ends the term that was extended, not what was done"
    assert all(part in shown.out for part in ("第二十二条", "同意共享，待签协议", "QUERY", "name clear", "资格审核", "依据")), (
        "by when, why, and what is asked for"
    )
    text = cli("request", "show", number, "--agreement").out
    assert hashlib.sha256(text.encode()).hexdigest() == named
    step(cli, "sign", number, "provider", "--hash", named, "--actor", "zhao2")
    held = step(cli, "sign", number, "consumer", "--hash", named, "--actor", "li")["grant"]
    assert held in cli("grant", "list").out
    assert cli("grant", "suspend", held, "--reason", "SCOPE_EXCEEDED", "--rectify-by", "2999-01-01", "--json").data["rectify_by"] == "2999-01-01"
    assert "2999-01-01" in cli("grant", "terminate", held, "--unrectified", "--opinion", "未整改").err
    assert cli("grant", "resume", held).code == 0
    extended = cli("grant", "extend", held, "--valid-to", "2999-12-31", "--actor", "li", "--json").data
    assert extended["extends"] == held
    assert cli("request", "withdraw", extended["id"], "--actor", "li").code == 0
    filed = ("grant", "file-end", held, "provider", "--reason", "NEGOTIATED", "--opinion", "系统停用", "--actor", "zhao")
    assert cli(*filed).code == 0
    assert cli("grant", "terminate", held, "--actor", "zhao").code == 1, "who filed the end does not decide on it"
    assert cli("grant", "terminate", held, "--actor", "wang", "--json").data["state"] == "TERMINATED"
    proof = tmp_path / "proof.txt"
    proof.write_text("已删除", encoding="utf-8")
    assert [row["state"] for row in cli("disposal", "list", "--json").data] == ["DUE"]
    assert cli("disposal", "list", "--after", held, "--json").data == []
    assert cli("disposal", "file", held, "--statement", "已删除", "--certificate", proof, "--actor", "li").code == 0
    assert cli("disposal", "confirm", held, "--actor", "li").code == 1
    assert cli("disposal", "confirm", held, "--actor", "zhao", "--json").data["state"] == "CONFIRMED"


def test_a_refusal_and_its_dispute(initialised: Cli, number: str) -> None:
    cli = initialised
    assert "earlier step" in cli("request", "endorse", number, "--actor", "housing").err, "a name is the same name at the command line"
    step(cli, "endorse", number, "--actor", "li")
    step(cli, "check", number, "--actor", "wang")
    step(cli, "opinion", number, "--disagree", "--reason", "SCOPE_TOO_WIDE", "--opinion", "过宽", "--actor", "zhao")
    refused = cli("request", "decide", number, "--refuse", "--actor", "wang")
    assert refused.code == 1
    assert "SCOPE_TOO_WIDE" in refused.err, "the codes are named"
    step(cli, "decide", number, "--refuse", "--reason", "SCOPE_TOO_WIDE", "--opinion", "过宽", "--actor", "wang")
    for name, side in (("dispute", "consumer"), ("escalate", "provider"), ("refer", "authority"), ("overrule", "authority")):
        step(cli, "dispute", number, name, side, "--opinion", "意见", "--actor", "sun")
    assert cli("request", "decide", number, "--refuse", "--reason", "OTHER", "--opinion", "x", "--actor", "wang").code == 1
    assert step(cli, "decide", number, "--approve", "--actor", "wang")["state"] == "APPROVED"
    assert cli("request", "list", "--state", "APPROVED").out.count(number) == 1
    assert cli("request", "list", "--overdue", "--json").data == []
    assert cli("request", "show", "request_x").code == 1
    assert "ASSESSING" in cli("request", "list", "--state", "ASSESING").err, "an unknown state is told, not searched for"
    assert cli("disposal", "list", "--state", "GRANTED").code == 1
    assert "overrule" in cli("request", "show", number).out
