"""People of a running hub: enrolled through its control database, logged in through its pages."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit

import httpx2
import pyotp

from hub.acts import Actor
from hub.core import Core, open_core
from hub.people.authorize_clients import AuthorizedClients
from hub.people.enrolment import Enrolment, Invitation
from hub.people.passwords import Passwords
from hub.people.totp import Seal
from hub.settings import Settings
from tests.hub.running import RunningHub

PASSWORD = "梧桐-river-7421-lantern"
PROPOSER = Actor("ren", None, frozenset({"governance:system"}), application="person_ren")
APPROVER = Actor("du", None, frozenset({"governance:security"}), application="person_du")


@dataclass
class Enrolled:
    """A person who can log in. Each one-time code serves once: ``step`` moves on."""

    name: str
    secret: str = field(repr=False)
    step: int = -1

    def code(self) -> str:
        """The next code that the hub has not seen. After three it is to be waited for."""
        made = pyotp.TOTP(self.secret).at(int(time.time()) + 30 * self.step)
        self.step += 1
        return str(made)


@contextmanager
def beside(hub: RunningHub) -> Iterator[Core]:
    """The hub's home, opened by a second process's means. In the end the hub has taken over what was done: nodes follow one another by looking."""
    core = open_core(Settings(home=hub.home))
    try:
        yield core
        _await_taken_over(hub, core)
    finally:
        core.close()


def _await_taken_over(hub: RunningHub, core: Core) -> None:
    """An application that comes last is known once all before it is."""
    last = core.sharing.create_application(PROPOSER, f"last_{secrets.token_hex(4)}", "housing", [{"code": "p", "scenario": "审核", "basis": "办法"}], [])
    for _ in range(200):
        answer = hub.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(last.client_id, last.client_secret))
        if answer.status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError(answer.text)


def enrol(core: Core, name: str, department: str, roles: Sequence[str]) -> Enrolled:
    """A person with these roles."""
    proposed = core.people.propose(PROPOSER, name, "张伟", department, roles)
    invitation = Invitation(core.people.approve(APPROVER, name).code, proposed.code)
    enrolment = Enrolment(core.engine, core.acts, Seal(core.people_key), Passwords())
    made = Enrolled(name, enrolment.begin(invitation, "192.0.2.9").secret)
    enrolment.finish(invitation, PASSWORD, made.code(), "192.0.2.9")
    return made


def give_application(core: Core, owner: Enrolled, application: str) -> None:
    """From now on the person answers for the application."""
    AuthorizedClients(core.acts).set_owner(APPROVER, application, owner.name)


def authorize(base: str, address: str, person: Enrolled) -> str:
    """What the person's browser does with an authorization request: it logs in and consents. Where it is sent in the end."""
    origin = {"origin": base}
    with httpx2.Client(base_url=base, trust_env=False) as browser:
        page = browser.get(address, follow_redirects=True)
        assert page.url.path == "/account/login", page.text
        form = {**_hidden(page.text, "/account/login"), "name": person.name, "password": PASSWORD, "code": person.code()}
        answer = browser.post("/account/login", data=form, headers=origin)
        assert answer.status_code == 303, answer.text
        answer = browser.get(answer.headers["location"])
        if answer.status_code == 200:
            answer = browser.post("/oauth/authorize", data={**_hidden(answer.text, "/oauth/authorize"), "decision": "allow"}, headers=origin)
        assert answer.status_code == 303, answer.text
        assert urlsplit(answer.headers["location"]).query
        return answer.headers["location"]


def _hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent there."""
    form = text[text.index(f'action="{action}"') :].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}
