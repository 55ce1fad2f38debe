"""LOG-07 at the endpoint: a replayed scraping pattern leads to an alert and a throttle, and everybody else goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from hub.acts import bump
from hub.anomalies.alerts import COUNTER
from hub.anomalies.sketch import Sketches
from hub.anomalies.tables import anomaly, asked
from hub.anomalies.throttle import Throttle, Throttled, Throttles
from hub.app import Hub, create_app
from hub.clock import Hand, clock
from hub.ledger.entry import EntryDraft
from hub.observation import set_up_logging
from hub.store.base import now
from tests.anomalies.test_sketch import number, people
from tests.tracing.world import World, world_in
from tests.usage.build import beijing

pytestmark = pytest.mark.slow
PERSON = "query ($n: String!) { civilAffairs { person(idNumber: $n) { name } } }"
PERMIT = "query ($n: String!) { civilAffairs { permit(permitNo: $n) { permitNo } } }"
VERIFY = """query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $r) { outcome } } }"""
ANOMALIES = """query ($state: AnomalyState) { anomalies(state: $state) { id rule name resource state hour observed expected throttled perMinute
  firstEntry lastEntry judgedBy opinion releasedBy } }"""
JUDGE = "mutation ($i: JudgeAnomalyInput!) { judgeAnomaly(input: $i) { anomaly { state throttled opinion } problems { code } } }"
RELEASE = "mutation ($i: ReleaseThrottleInput!) { releaseThrottle(input: $i) { anomaly { state throttled releasedBy } problems { code } } }"


MORNING = "2026-03-05T10:00:00"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file."""
    return "asyncio"


@pytest.fixture(scope="module")
def held() -> Iterator[Hand]:
    """A clock for all of them."""
    with clock.at(beijing(MORNING)) as made:
        yield made


@pytest.fixture(scope="module")
async def running(anyio_backend: str, held: Hand, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A running hub with two applications and administrators."""
    async with world_in(tmp_path_factory.mktemp("scraped")) as made:
        yield made


@pytest.fixture
async def world(running: World, held: Hand) -> World:
    """It on a working morning on which nothing was asked for yet."""
    held.set(beijing(MORNING))
    await running.hub.anomalies.add()
    running.hub.anomalies.sketches = Sketches()
    with running.core.engine.begin() as connection:
        connection.execute(anomaly.delete())
        connection.execute(asked.delete())
        bump(connection, COUNTER)
    await running.hub.anomalies.refresh()
    return running


@pytest.fixture
def hand(held: Hand) -> Hand:
    """The clock."""
    return held


async def settled(*hubs: Hub) -> None:
    """What was counted is judged, and what follows is in force at every node."""
    for hub in hubs:
        await hub.anomalies.add()
    for _ in range(3):
        await asyncio.sleep(0)
        for hub in hubs:
            await hub.anomalies.refresh()


async def scrape(world: World, values: Iterable[str], document: str = PERSON, name: str = "housing") -> int:
    """Asks for one after another until a call is refused; how many were answered."""
    answered = 0
    for value in values:
        codes = await world.codes(name, document, n=value)
        if codes:
            assert codes == ["RATE_LIMITED"]
            break
        answered += 1
        if answered % 5 == 0:
            await settled(world.hub)
    return answered


def done_about(world: World, number: str) -> list[EntryDraft]:
    """What the ledger says was done about an alert."""
    found = [each.content for each in world.entries()]
    return [entry for entry in found if entry.outcome == "OK" and (entry.details or {}).get("target") == number]


async def alerts(world: World, who: str = "auditor", state: str | None = None) -> Any:
    return (await world.govern(who, ANOMALIES, state=state))["anomalies"]


@pytest.mark.anyio
async def test_log_07_a_replayed_scraping_pattern_leads_to_an_alert_and_a_throttle(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    walk = [number(n) for n in range(300)]
    assert 21 <= await scrape(world, walk) <= 40
    (told,) = await alerts(world)
    assert (told["rule"], told["name"], told["resource"], told["state"], told["throttled"]) == ("ENUMERATION", "housing", "civil_affairs.person", "OPEN", True)
    assert (told["hour"], told["expected"], told["perMinute"]) == ("2026-03-05T10", 20, 2)
    refused = await world.http.post("/graphql", json={"query": PERSON, "variables": {"n": walk[299]}}, headers=world.headers("housing"))
    (error,) = refused.json()["errors"]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert told["id"] in error["message"]
    last = world.entries()[-1].content
    assert (last.kind, last.code, last.details, [access.resource for access in last.accesses]) == (
        "deny",
        "RATE_LIMITED",
        {"anomaly": told["id"]},
        ["civil_affairs.person"],
    )
    shown = (await world.govern("auditor", "{ ledger(filter: {alerts: true}, first: 1) { nodes { act target actor entry alert } } }"))["ledger"]["nodes"]
    assert [(each["act"], each["target"], each["alert"]) for each in shown] == [("anomaly.open", told["id"], True)]
    assert await world.codes("housing", PERMIT, n="P-1") == []
    output = capsys.readouterr()
    assert output.err.count(f'"anomaly": "{told["id"]}"') == 1
    held = b"".join(path.read_bytes() for path in world.core.settings.home.rglob("*") if path.is_file())
    assert not any(value[:17].encode() in held or value[:17] in output.out + output.err for value in walk)


@pytest.mark.anyio
async def test_people_at_counters_raise_no_alert(world: World) -> None:
    assert await scrape(world, people(60)) == 60
    await settled(world.hub)
    assert await alerts(world) == []
    with world.core.engine.connect() as connection:
        (row,) = connection.execute(asked.select()).all()
    assert (row.asked, row.near < 5) == (60, True)


@pytest.mark.anyio
async def test_a_list_of_verifications_is_looked_at_one_by_one(world: World) -> None:
    requests = [{"subject": {"idNumber": number(n)}, "claims": {"name": "张三"}} for n in range(60)]
    assert await world.codes("housing", VERIFY, r=requests) == []
    await settled(world.hub)
    assert [each["rule"] for each in await alerts(world)] == ["ENUMERATION"]
    codes = [code for n in range(3) for code in await world.codes("housing", PERSON, n=number(500 + n))]
    assert set(codes) == {"RATE_LIMITED"}


@pytest.mark.anyio
async def test_log_07_two_nodes_add_up_what_each_has_seen(world: World) -> None:
    """Each node alone sees half of the walk, which is below the floor; the throttle of one is in force at the other."""
    other = create_app(world.core)
    await other.live.refresh()
    app = world.core.registry.by_name("housing")
    assert app is not None
    for n in range(32):
        (world.hub, other)[n % 2].anomalies.sketches.note(app.client_id, [("civil_affairs.person", number(n))], "2026-03-05T10")
    assert max(sum(near for _, near in hub.anomalies.sketches._counts.values()) for hub in (world.hub, other)) < 20
    await settled(world.hub, other)
    assert [each["rule"] for each in await alerts(world)] == ["ENUMERATION"]
    assert other.anomalies.throttles.held.keys() == world.hub.anomalies.throttles.held.keys() == {app.client_id}
    assert (other.anomalies.pending, world.hub.anomalies.pending) == (1, 1)
    assert b"huitong_anomalies_open 1.0" in world.hub.metrics.text("")[0]


@pytest.mark.anyio
async def test_who_may_judge_and_release_and_what_each_step_leaves(world: World) -> None:
    await scrape(world, [number(n) for n in range(100)])
    (told,) = await alerts(world)
    said = {"id": told["id"], "verdict": "CONFIRMED", "opinion": "逐号查询"}
    for who in ("auditor", "operator", "steward"):
        answer = await world.post(who, JUDGE, {"i": said}, "/governance/graphql")
        assert answer["data"]["judgeAnomaly"]["problems"] == [{"code": "FORBIDDEN"}]
    assert [each["id"] for each in await alerts(world, "steward")] == [told["id"]]
    assert (await world.post("operator", ANOMALIES, {}, "/governance/graphql"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for opinion, verdict, outcome in (("", "CONFIRMED", "BAD_INPUT"), ("核查中", "ACKNOWLEDGED", None), ("核查中", "ACKNOWLEDGED", "CONFLICT")):
        done = (await world.govern("guard", JUDGE, i={**said, "opinion": opinion, "verdict": verdict}))["judgeAnomaly"]
        assert [problem["code"] for problem in done["problems"]] == ([outcome] if outcome else [])
    assert (await world.govern("guard", RELEASE, i={"id": told["id"], "opinion": "已约谈"}))["releaseThrottle"]["anomaly"]["throttled"] is False
    await world.hub.anomalies.refresh()
    assert await world.codes("housing", PERSON, n=number(1)) == []
    again = (await world.govern("guard", RELEASE, i={"id": told["id"], "opinion": "已约谈"}))["releaseThrottle"]["problems"]
    assert again == [{"code": "CONFLICT"}]
    assert (await world.govern("guard", JUDGE, i=said))["judgeAnomaly"]["anomaly"] == {"state": "CONFIRMED", "throttled": False, "opinion": "逐号查询"}
    assert (await world.govern("guard", JUDGE, i={**said, "verdict": "FALSE_ALARM"}))["judgeAnomaly"]["problems"] == [{"code": "CONFLICT"}]
    assert await alerts(world, state="OPEN") == []
    acts = done_about(world, told["id"])
    assert [entry.operation for entry in acts] == ["anomaly.open", "anomaly.judge", "anomaly.release", "anomaly.judge"]
    assert [(entry.details or {}).get("verdict") for entry in acts] == [None, "ACKNOWLEDGED", None, "CONFIRMED"]
    assert all((entry.details or {})["alert"] is True for entry in acts)


@pytest.mark.anyio
async def test_a_throttle_lasts_its_hours_and_what_goes_on_is_throttled_again(world: World, hand: Hand) -> None:
    await scrape(world, [number(n) for n in range(100)])
    hand.forward(hours=25)
    assert await scrape(world, [number(n) for n in range(200, 300)]) < 40
    (told,) = await alerts(world)
    assert (told["throttled"], told["hour"]) == (True, "2026-03-06T11")
    assert [entry.operation for entry in done_about(world, told["id"])] == ["anomaly.open", "anomaly.throttle"]


@pytest.mark.anyio
async def test_a_false_alarm_releases_and_is_not_raised_again_for_its_hour(world: World) -> None:
    await scrape(world, [number(n) for n in range(100)])
    (told,) = await alerts(world)
    await world.govern("guard", JUDGE, i={"id": told["id"], "verdict": "FALSE_ALARM", "opinion": "学籍核对"})
    await world.hub.anomalies.refresh()
    assert await scrape(world, [number(n) for n in range(400, 430)]) == 30
    assert [(each["id"], each["state"]) for each in await alerts(world)] == [(told["id"], "FALSE_ALARM")]


@pytest.mark.anyio
async def test_administration_is_never_throttled(world: World) -> None:
    app = world.core.registry.by_name("guard")
    assert app is not None
    world.hub.anomalies.throttles.replace([Throttle("anomaly_1", app.client_id, "", 1, now().replace(year=2035))])
    for _ in range(5):
        assert await alerts(world, "guard") == []


@pytest.mark.anyio
async def test_a_watch_that_fails_stops_no_call_and_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with world.core.engine.begin() as connection:
        connection.execute(text("ALTER TABLE anomaly_asked RENAME TO away"))
    assert await world.codes("housing", PERSON, n=number(1)) == []
    assert await _ready(world, "anomalies_not_watched") == {"ready": True, "reasons": [], "notices": ["anomalies_not_watched"]}
    with world.core.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO anomaly_asked"))
    assert await _ready(world, None) == {"ready": True, "reasons": []}
    with world.core.engine.connect() as connection:
        assert connection.execute(asked.select()).one().asked == 1
    output = capsys.readouterr()
    assert (output.out + output.err).count("anomalies_not_watched") == 1


async def _ready(world: World, notice: str | None) -> Any:
    """Readiness, once it tells of the notice, or of none."""
    world.hub.anomalies._hurry.set()
    for _ in range(400):
        found = (await world.http.get("/health/ready")).json()
        if found.get("notices", [None]) == [notice]:
            return found
        await asyncio.sleep(0.02)
        world.hub.anomalies._hurry.set()
    return found


def test_a_throttle_leaves_its_rate_and_says_when() -> None:
    """On a clock that the test holds: two calls a minute, one at once."""
    seconds = [0.0]
    throttles = Throttles(lambda: seconds[0])
    throttles.replace([Throttle("anomaly_1", "app", "r", 2, now().replace(year=2035)), Throttle("anomaly_2", "app", "r", 5, now().replace(year=2035))])
    taken, waits, chance = [], [], random.Random(1)
    while seconds[0] < 600:
        try:
            throttles.take("app", ["r"])
            taken.append(seconds[0])
        except Throttled as fault:
            waits.append(fault.retry_after or 0)
        throttles.take("app", ["other"])
        throttles.take("another", ["r"])
        seconds[0] += chance.random()
    assert 19 <= len(taken) <= 21
    seconds[0] += 60
    throttles.take("app", ["r"])
    throttles.charge("app", [("r", f"P-{n}") for n in range(100)])
    with pytest.raises(Throttled) as refused:
        throttles.take("app", ["r"])
    assert refused.value.retry_after == 100 * 30
    assert (min(waits), max(waits)) == (1, 30)
