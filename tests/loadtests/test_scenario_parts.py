"""What the scenarios are made of, without Locust: tokens, drawing, judging answers, thresholds, shapes, the plan."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from loadtests.scenarios.address import address
from loadtests.scenarios.answers import answering, at, read, refusing
from loadtests.scenarios.curves import CURVES, callers
from loadtests.scenarios.people import Draw, factor, load_application, load_people
from loadtests.scenarios.plan import DEMO, PlanError, Question, load_plan
from loadtests.scenarios.thresholds import ALL, Limits, Measured, exceeded, per_name, rate, share
from loadtests.scenarios.tokens import Granted, TokenCache
from tests.docs.pages import page

pytestmark = pytest.mark.fast
PEOPLE = [{"id_number": str(number)} for number in range(100)]
PERSON = {"id_number": "520102199407204015", "name": "李帅国", "birth_date": "1994-07-20"}


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://hub.example.gov.cn//", "https://hub.example.gov.cn"),
        ("https://gateway.example.gov.cn/huitong/", "https://gateway.example.gov.cn/huitong"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_address_ends_without_a_slash(text: str, taken: str) -> None:
    """As it stands in a browser's bar."""
    assert address(text) == taken


@pytest.mark.parametrize("text", ["127.0.0.1:8000", "localhost", "http://", "http://127.0.0.1:8000/?a=1", "http://127.0.0.1:8000/#a", "http://[::1"])
def test_what_is_no_address_is_named(text: str) -> None:
    """Before the first request, for afterwards each would only say that the connection failed."""
    with pytest.raises(ValueError, match=re.escape(f"--host: {text}: ")):
        address(text)


def _tokens(seconds: float) -> Iterator[Granted]:
    number = 0
    while True:
        number += 1
        yield Granted(f"token-{number}", seconds)


@pytest.mark.parametrize(("life", "renewed_after"), [(600, 540), (100, 80)])
def test_a_token_is_kept_until_shortly_before_it_expires(life: float, renewed_after: float) -> None:
    """A minute before, or a fifth of a short life."""
    clock, made = _Clock(), _tokens(life)
    cache = TokenCache(clock)
    assert cache.get(lambda: next(made)) == "token-1"
    clock.now += renewed_after - 1
    assert cache.get(lambda: next(made)) == "token-1"
    clock.now += 1
    assert cache.get(lambda: next(made)) == "token-2"


def test_a_token_that_the_hub_refused_is_not_used_again() -> None:
    """Only that one: another caller may have a new one by then."""
    made = _tokens(600)
    cache = TokenCache()
    first = cache.get(lambda: next(made))
    cache.forget("another")
    assert cache.get(lambda: next(made)) == first
    cache.forget(first)
    assert cache.get(lambda: next(made)) == "token-2"


def test_a_token_that_could_not_be_had_leaves_none() -> None:
    """The next caller asks again."""
    cache, made = TokenCache(), _tokens(600)

    def fail() -> Granted:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.get(fail)
    assert cache.get(lambda: next(made)) == "token-1"


def _drawn(seed: int, process: int, number: int) -> list[str]:
    draw = Draw(PEOPLE, seed, process, number)
    return [draw.person()["id_number"] for _ in range(50)]


def test_draws_follow_from_seed_process_and_number() -> None:
    """The same again from the same, something else from any other; nobody goes through the file in order."""
    assert _drawn(1, 0, 0) == _drawn(1, 0, 0)
    assert len({tuple(_drawn(*each)) for each in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))}) == 4
    numbers = [int(each) for each in _drawn(1, 0, 0)]
    assert sum(abs(a - b) == 1 for a, b in pairwise(numbers)) < 10


def test_a_second_run_starts_exchanges_of_its_own() -> None:
    """Under the first run's keys the hub answers with what that one exported, and nothing is measured."""
    runs = [Draw(PEOPLE, 1, 0, 0) for _ in range(2)]
    assert len({draw.key() for draw in runs for _ in range(50)}) == 100


def test_turns_leave_nothing_out() -> None:
    """Whatever the beginning, each thing comes once a round, and one call in ten is due."""
    draw = Draw(PEOPLE, 7, 0, 0)
    assert sorted(draw.next_of("abcdefg") for _ in range(7)) == list("abcdefg")
    assert sum(draw.due(10) for _ in range(100)) == 10
    assert not any(draw.due(0) for _ in range(100))


GOOD = {"data": {"a": {"nodes": [{"name": "王某"}], "outcome": "MATCH"}}}
FAULT = {"data": {"a": None}, "errors": [{"message": "王某", "path": ["a", "nodes", 3, "name"], "extensions": {"code": "SOURCE_VALUE"}}]}


@pytest.mark.parametrize(
    ("status", "body", "finding"),
    [
        (200, GOOD, None),
        (200, FAULT, "status 200: SOURCE_VALUE at a.nodes.name"),
        (200, {"data": {"a": {"nodes": [], "outcome": "MATCH"}}}, "no data at a.nodes.0.name"),
        (200, {"data": {"a": {"nodes": [{"name": "王某"}], "outcome": "MISMATCH"}}}, "a.outcome is not MATCH"),
        (200, None, "no data at a.nodes.0.name"),
        (503, {"errors": [{"extensions": {"code": "LEDGER_UNAVAILABLE"}}]}, "status 503: LEDGER_UNAVAILABLE"),
        (502, None, "status 502: no code in it"),
        (0, read(None, ConnectionRefusedError(111, "Connection refused")), "no answer: ConnectionRefusedError(111, 'Connection refused')"),
        (401, {"error": "invalid_client"}, "status 401: invalid_client"),
    ],
)
def test_an_answer_is_good_only_with_its_data(status: int, body: Any, finding: str | None) -> None:
    """Status 200 is not enough. What is told holds codes and paths, nothing of the answer."""
    assert answering(["a.nodes.0.name"], {"a.outcome": "MATCH"})(status, body) == finding


REFUSED = {"errors": [{"extensions": {"code": "PURPOSE_REQUIRED"}}]}


@pytest.mark.parametrize(
    ("status", "body", "finding"),
    [
        (400, REFUSED, None),
        (400, {"data": {"a": None}, **REFUSED}, None),
        (400, {"data": {"a": [{"name": "王某"}]}, **REFUSED}, "data came with the refusal"),
        (200, GOOD, "answered where 400 PURPOSE_REQUIRED is expected"),
        (403, REFUSED, "status 403: PURPOSE_REQUIRED, where 400 PURPOSE_REQUIRED is expected"),
        (429, {"errors": [{"extensions": {"code": "RATE_LIMITED"}}]}, "status 429: RATE_LIMITED, where 400 PURPOSE_REQUIRED is expected"),
    ],
)
def test_a_refusal_is_good_only_with_its_code(status: int, body: Any, finding: str | None) -> None:
    """Any other refusal is a failure, and an answer above all."""
    assert refusing(400, "PURPOSE_REQUIRED")(status, body) == finding


def test_bodies_that_are_none() -> None:
    """No JSON is no data."""
    assert [read(each) for each in (None, b"", b"<html>", b'{"data": 1}')] == [None, None, None, {"data": 1}]
    assert at(GOOD, "a.nodes.9.name") is None
    assert at(GOOD, "a.nodes.name") is None


ROWS = [Measured("look-up", 90, 0, {10: 80, 50: 10}), Measured("list", 10, 2, {100: 9, 900: 1})]


@pytest.mark.parametrize(
    ("limits", "lines"),
    [
        (Limits(), []),
        (Limits(0.02, {ALL: 100, "look-up": 50}, {ALL: 100, "list": 900}, 10), []),
        (Limits(fail_ratio=0.01), ["--fail-ratio: 0.0200 of the requests failed, 0.0100 more than 0.01"]),
        (Limits(p95={"list": 500}), ["--p95-ms list: 900 ms, 400 ms more than 500"]),
        (Limits(p99={ALL: 60}), ["--p99-ms: 100 ms, 40 ms more than 60"]),
        (Limits(p95={"look-pu": 5}), ["--p95-ms look-pu: there were no requests of this name"]),
        (Limits(min_rps=12.5), ["--min-rps: 10.0 requests a second, 2.5 fewer than 12.5"]),
    ],
)
def test_thresholds_say_which_and_by_how_much(limits: Limits, lines: list[str]) -> None:
    """A hundred requests in ten seconds, two of which failed."""
    assert list(exceeded(limits, ROWS, 10.0)) == lines


JOBS = Measured("exchange: whole", 5, 0, {4000: 5}, apart=True)


@pytest.mark.parametrize(
    ("limits", "lines"),
    [
        (Limits(0.02, {ALL: 100}, {ALL: 100}), []),
        (Limits(min_rps=10.1), ["--min-rps: 10.0 requests a second, 0.1 fewer than 10.1"]),
        (Limits(p95={"exchange: whole": 4000}), []),
        (Limits(p95={"exchange: whole": 3000}), ["--p95-ms exchange: whole: 4000 ms, 1000 ms more than 3000"]),
    ],
)
def test_what_is_no_request_has_limits_of_its_own_name_alone(limits: Limits, lines: list[str]) -> None:
    """Whole exchanges are neither slow requests nor further ones."""
    assert list(exceeded(limits, [*ROWS, JOBS], 10.0)) == lines
    assert list(exceeded(Limits(), [JOBS], 10.0)) == ["no requests were made"]


def test_a_run_without_requests_has_not_passed() -> None:
    """Whatever the thresholds."""
    assert list(exceeded(Limits(), [], 0.0)) == ["no requests were made"]


def test_limits_by_name() -> None:
    """A number alone is for all."""
    assert per_name("look-up=50, list: next page=200,300") == {"look-up": 50, "list: next page": 200, ALL: 300}
    assert per_name("") == {}
    assert (share(""), share("0.01"), rate(""), rate("12.5")) == (None, 0.01, None, 12.5)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        *((per_name, f"look-up=50,list={each}", f"list={each}: a number of milliseconds") for each in ("fast", "nan", "inf", "1e999", "-1", "")),
        *((per_name, each, f"{each}: a number of milliseconds") for each in (",", " , ", " ")),
        *((share, each, f"{each}: a share from 0 to 1") for each in ("5", "1%", "nan", "-0.1")),
        *((rate, each, f"{each}: a number that is not negative") for each in ("fast", "nan", "inf", "-1")),
    ],
)
def test_what_no_run_could_exceed_is_no_limit(read: Callable[[str], object], text: str, expected: str) -> None:
    """Words are refused, and so is what would let every run pass."""
    with pytest.raises(ValueError, match=re.escape(expected)):
        read(text)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "slowly", ""])
def test_what_no_time_can_be_multiplied_by_is_refused(text: str) -> None:
    """A minus before the factor would let callers ask without a pause."""
    with pytest.raises(ArgumentTypeError, match=re.escape(f"{text}: a number that is not negative")):
        factor(text)
    assert (factor("0"), factor("0.5")) == (0, 0.5)


@pytest.mark.parametrize(("name", "counts"), [("ramp", [1, 3, 5, 7, 9, 10]), ("spike", [1, 1, 10, 1, 1, 1]), ("soak", [2, 10, 10, 10, 10, 10])])
def test_shapes(name: str, counts: list[int]) -> None:
    """Callers at the beginning, at each fifth and at the end of a run of a hundred seconds with ten at the peak; then it is over."""
    assert [callers(name, elapsed, 100, 10) for elapsed in (0, 20, 40, 60, 80, 99.9)] == counts
    assert callers(name, 100, 100, 10) is None
    assert all(1 <= (callers(name, elapsed, 100, 1) or 0) <= 1 for elapsed in range(100)), "a single caller is never none"


def test_every_shape_is_tested() -> None:
    """The table above has them all."""
    assert set(CURVES) == {"ramp", "spike", "soak"}


def test_the_plan_of_the_demonstration_fits_its_people() -> None:
    """Every variable is a field of a sample person."""
    plan = load_plan(DEMO)
    filled = [question.filled(PERSON) for question in plan.questions()]
    assert filled[0] == {"id": PERSON["id_number"]}
    with pytest.raises(PlanError, match="birth_date"):
        plan.verify.filled({"id_number": "1", "name": "2"})


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("{birth_date}/{name}", "1994-07-20/李帅国"),
        ('{"number": "{id_number}"}', '{"number": "520102199407204015"}'),
        *((text, text) for text in ("{", "{}", "{name.upper}", "{name[9]}", "{name:>9}", "{{")),
    ],
)
def test_only_fields_are_filled_in(written: str, filled: str) -> None:
    """Other braces belong to the variable."""
    assert Question(document="", variables={"text": written, "first": 3}).filled(PERSON) == {"text": filled, "first": 3}


@pytest.mark.parametrize(
    ("change", "found"), [("present = [", "present = [,"), ("[look_up]", "[lookup]"), ('code = "BAD_INPUT"', ""), ("pages = 3", "pages = 0")], ids=str
)
def test_mistakes_in_a_plan_are_named(tmp_path: Path, change: str, found: str) -> None:
    """With the file."""
    file = tmp_path / "plan.toml"
    file.write_text(DEMO.read_text(encoding="utf-8").replace(change, found), encoding="utf-8")
    with pytest.raises(PlanError, match=r"plan\.toml: "):
        load_plan(file)


def test_applications_and_people_are_taken_by_name(tmp_path: Path) -> None:
    """Persons whom the application does not see are left out; secrets are in no text."""
    credentials, people = tmp_path / "credentials.json", tmp_path / "people.json"
    entry = {"name": "housing", "client_id": "app_1", "client_secret": "s3cret", "purposes": ["use"], "operator": "韩雪"}
    credentials.write_text(json.dumps([entry]), encoding="utf-8")
    people.write_text(json.dumps({"persons": [PERSON | {"visible_to": ["bank"]}, PERSON | {"name": "韩雪"}]}), encoding="utf-8")
    application = load_application(credentials, "housing")
    assert application.headers() == {"Huitong-Purpose": "use", "Huitong-Operator": "%E9%9F%A9%E9%9B%AA"}
    assert "s3cret" not in repr(application)
    assert "token" not in repr(Granted("token", 1))
    assert [each["name"] for each in load_people(people, "housing")] == ["韩雪"]
    for path, name in ((credentials, "nobody"), (tmp_path / "none.json", "housing"), (people, "housing")):
        with pytest.raises(PlanError):
            load_application(path, name)
    with pytest.raises(PlanError, match="names no person"):
        load_people(credentials, "housing")


def test_the_page_names_what_is_counted() -> None:
    """Every refusal of the plan and every shape stand in docs/load-testing.md."""
    text = page("docs/load-testing.md")
    names = [f"refused: {case.name}" for case in load_plan(DEMO).refused]
    assert [name for name in (*names, *CURVES) if f"`{name}`" not in text] == []
