"""Sessions: what the cookie is, how long it holds, what ends it; forms that only the hub's own pages can send."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.responses import Response

from hub.core import open_core
from hub.people.pages import AccountPages
from hub.people.sessions import Sessions
from hub.people.tables import person_session
from hub.settings import Settings
from tests.catalog.homes import rows
from tests.people.house import DU, ORIGIN, OWN, PASSWORD, REN, House

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


def cookie_of(secure: bool, house: House) -> str:
    response = Response()
    Sessions(house.core.engine, secure).set_cookie(response, "value")
    return response.headers["set-cookie"]


def stored(house: House) -> list[Path]:
    return [path for path in house.core.settings.home.iterdir() if path.name.startswith("control.db") and path.is_file()]


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    house.enrolled()
    given = (await house.login()).headers["set-cookie"]
    assert re.fullmatch(r"huitong-loopback=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", given)


async def test_under_https_it_is_bound_to_the_host(house: House) -> None:
    assert cookie_of(True, house) == "__Host-huitong=value; HttpOnly; Path=/; SameSite=lax; Secure"
    with_https = open_core(Settings(home=house.core.settings.home, public_url="https://hub.city.example"))
    assert AccountPages(with_https).sessions.cookie_name == "__Host-huitong"
    with_https.close()


async def test_only_the_hash_is_stored(house: House) -> None:
    house.enrolled()
    cookie = await house.logged_in()
    value = cookie["cookie"].partition("=")[2].encode()
    database = b"".join(path.read_bytes() for path in stored(house))
    assert value not in database
    assert house.row().id.encode() in database


async def test_a_session_ends_when_idle_and_after_its_longest_time(house: House) -> None:
    house.enrolled()
    idle = await house.logged_in()
    house.clock.move(minutes=15)
    assert (await house.account(idle)).status_code == 303
    used = await house.logged_in()
    for _ in range(8 * 6 - 1):
        house.clock.move(minutes=10)
        assert (await house.account(used)).status_code == 200
    house.clock.move(minutes=10)
    assert (await house.account(used)).status_code == 303


async def test_a_login_begins_a_new_session_and_ends_the_one_it_came_with(house: House) -> None:
    """Session fixation: what an attacker put there beforehand is worth nothing afterwards."""
    house.enrolled()
    first = await house.logged_in()
    planted = {"cookie": "huitong-loopback=planted"}
    after_planted = await house.login(headers={**OWN, **planted})
    assert "planted" not in after_planted.headers["set-cookie"]
    assert (await house.account(planted)).status_code == 303
    house.clock.move(seconds=30)
    second = await house.login(headers={**OWN, **first})
    assert second.headers["set-cookie"].partition(";")[0] != first["cookie"]
    assert (await house.account(first)).status_code == 303


async def test_logout_is_a_post_and_ends_the_session_on_the_hub(house: House) -> None:
    house.enrolled()
    cookie = await house.logged_in()
    assert (await house.http.get("/account/logout", headers=cookie)).status_code == 405
    answer = await house.http.post("/account/logout", data={"csrf": await house.csrf(cookie)}, headers={**OWN, **cookie})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/login?next=%2Faccount")
    assert 'huitong-loopback="";' in answer.headers["set-cookie"]
    assert (await house.account(cookie)).status_code == 303
    assert rows(house.core, person_session) == 0
    assert '"act":"logout"' in house.entries()[-1]


ENDED: dict[str, Callable[[House], object]] = {
    "disabled": lambda house: house.core.people.disable(DU, "zhang.wei"),
    "invited anew": lambda house: house.core.people.invite(REN, "zhang.wei"),
    "other roles": lambda house: (
        house.core.people.propose_roles(REN, "zhang.wei", ["governance:owner"]),
        house.core.people.approve_roles(DU, "zhang.wei"),
    ),
}


@pytest.mark.parametrize("act", ENDED.values(), ids=ENDED)
async def test_an_act_on_the_account_ends_its_sessions_on_every_node(house: House, act: Callable[[House], object]) -> None:
    house.enrolled()
    cookie = await house.logged_in()
    other = open_core(house.core.settings)
    elsewhere = Sessions(other.engine, False)
    assert elsewhere.current(cookie["cookie"].partition("=")[2]) is not None
    act(house)
    assert elsewhere.current(cookie["cookie"].partition("=")[2]) is None
    assert (await house.account(cookie)).status_code == 303
    other.close()


async def test_reading_a_page_writes_at_most_twice_a_minute(house: House) -> None:
    house.enrolled()
    cookie = (await house.logged_in())["cookie"].partition("=")[2]

    def seen() -> object:
        with house.core.engine.connect() as connection:
            return connection.execute(select(person_session.c.seen_at)).scalar_one()

    sessions = house.pages.sessions
    sessions.current(cookie)
    first = seen()
    house.clock.now += timedelta(seconds=29)
    sessions.current(cookie)
    assert seen() == first
    house.clock.now += timedelta(seconds=1)
    sessions.current(cookie)
    assert seen() == house.clock.now


FOREIGN = {
    "another site": {"origin": "https://evil.example"},
    "another port": {"origin": "http://127.0.0.1:9999"},
    "another scheme": {"origin": "https://127.0.0.1:8000"},
    "a sandboxed page": {"origin": "null"},
    "two origins": {"origin": f"{ORIGIN}, https://evil.example"},
    "a name that begins alike": {"origin": f"{ORIGIN}.evil.example"},
    "another site, said by the browser": {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    "a sister site": {"sec-fetch-site": "same-site"},
    "nothing said": {},
}


async def test_forms_of_other_pages_are_refused(house: House) -> None:
    house.enrolled()
    cookie = await house.logged_in()
    form = {"csrf": await house.csrf(cookie), "name": "zhang.wei", "password": PASSWORD, "code": house.code(), "new": "x" * 20, "again": "x" * 20}
    before, computed = house.row(), house.hasher.computed
    for path in ("/account/login", "/account/logout", "/account/password", "/account/enrol"):
        for who, headers in FOREIGN.items():
            answer = await house.http.post(path, data=form, headers={**headers, **cookie})
            assert answer.status_code == 403, (path, who)
            assert "set-cookie" not in answer.headers
    assert (house.row(), house.hasher.computed) == (before, computed)
    assert (await house.account(cookie)).status_code == 200


@pytest.mark.parametrize("path", ["/account/logout", "/account/password"])
async def test_forms_need_the_token_of_their_own_session(house: House, path: str) -> None:
    house.enrolled()
    house.enrolled("li.na")
    mine, other = await house.logged_in(), await house.logged_in("li.na")
    for token in ("", "x", await house.csrf(other)):
        answer = await house.http.post(path, data={"csrf": token, "password": PASSWORD, "code": house.code()}, headers={**OWN, **mine})
        assert answer.status_code == 403
    assert (await house.account(mine)).status_code == 200


async def test_a_changed_password_ends_the_other_sessions(house: House) -> None:
    house.enrolled()
    mine, other = await house.logged_in(), await house.logged_in()
    new = "杨柳-mountain-88-kettle"

    async def change(**changed: str) -> Response:
        form = {"csrf": await house.csrf(mine), "password": PASSWORD, "code": house.code(), "new": new, "again": new, **changed}
        answer = await house.http.post("/account/password", data=form, headers={**OWN, **mine})
        return Response(answer.content, answer.status_code, dict(answer.headers))

    for wrong in ({"password": "not-mine-at-all"}, {"code": "000000"}, {"again": "another-one-9876"}, {"new": "short", "again": "short"}):
        assert (await change(**wrong)).status_code == 400
    assert (await house.account(other)).status_code == 200
    assert (await change()).status_code == 303
    assert (await house.account(mine)).status_code == 303
    assert (await house.account(other)).status_code == 303
    assert house.row().tokens_from == int(house.clock.now.timestamp()), "tokens of before are void"
    house.clock.move(seconds=30)
    assert (await house.login()).status_code == 400
    assert (await house.login(password=new)).status_code == 303
    assert any('"act":"changePassword"' in entry for entry in house.entries())
