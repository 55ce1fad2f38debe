"""Introspection says of a view, type by type, exactly what graphql-core says of the same view as one schema."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any

import orjson
import pytest
from graphql import build_client_schema, build_schema, execute_sync, get_introspection_query, print_schema, print_type

from auth.decide import Rights
from hub.api.execute import flags_of, variables_of
from schema.collect import Collector
from schema.documents import Documents
from schema.faces import Faces
from schema.introspection import Question, introspect, sdl
from schema.packed import Packed
from schema.plan import Plans
from schema.view import View
from tests.schema.dice import Dice, examples
from tests.schema.running import BASE
from tests.schema.test_view import CHAIN, RIGHTS, snapshot
from tests.schema.worlds import make_rights, make_world

STANDARD = [
    get_introspection_query(),
    get_introspection_query(descriptions=False),
    get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
        experimental_directive_deprecation=True,
        type_depth=4,
    ),
]
OWN = [
    "{ __schema { types { name kind } } }",
    "{ __schema { __typename a: types { name } types { __typename kind fields { name } } b: queryType { name fields { name type { kind ofType { name } } } } } }",
    "{ s: __schema { mutationType { name } subscriptionType { name } directives { name locations isRepeatable args { name defaultValue } } description } }",
    "{ __schema { types { ...T } } } fragment T on __Type { n: name fields(includeDeprecated: true) { args { defaultValue type { ...R } } } } "
    "fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }",
    "{ __schema { types { possibleTypes { name } interfaces { name } enumValues { name description isDeprecated } isOneOf specifiedByURL } } }",
    "{ __schema { queryType { fields { type { name fields { name type { ofType { name } } } } } } } }",
    "query ($s: Boolean = true, $i: Boolean!) { __schema { types @skip(if: $s) { name } queryType @include(if: $i) { name } } __typename }",
    "query ($s: Boolean!, $i: Boolean!) { __schema { types @skip(if: $s) { name } queryType @include(if: $i) { name } } }",
]
TYPE = """query ($n: String!) { __type(name: $n) { kind name description isOneOf specifiedByURL
  fields { name description args { name defaultValue type { ...R } } type { ...R fields { name type { ...R } } } isDeprecated deprecationReason }
  inputFields { name defaultValue description type { ...R inputFields { name } } } enumValues { name } interfaces { name } possibleTypes { name } } }
fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""


def answered(view: View, text: str, variables: Mapping[str, Any], only: frozenset[str] | None = None) -> dict[str, Any]:
    """The hub's answer."""
    document = Documents().check(text, view)
    operation = document.operation(None)
    coerced = variables_of(document, operation, variables)
    flags = flags_of(Plans().flags(document, operation), coerced)
    plan = Plans().plan(view, document, operation, flags)
    found: dict[str, Any] = dict(plan.named)
    for key, nodes in plan.others.items():
        question = Question(nodes, Collector(document.node, flags), coerced)
        found[key] = orjson.loads(joined(introspect(view.apart(only), question, kept, no_pause)))
    return found


def joined(pieces: Iterable[bytes | Packed]) -> bytes:
    return b"".join(piece.text() if isinstance(piece, Packed) else piece for piece in pieces)


def kept(_department: str, _key: str, make: Callable[[], Iterator[bytes]]) -> Packed:
    """Remembers nothing."""
    return Packed.of(b"".join(make()))


def no_pause() -> None:
    """Nobody waits."""


def expected(view: View, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """graphql-core's answer over the whole schema."""
    document = Documents().check(text, view)
    result = execute_sync(view.full, document.node, variable_values=dict(variables))
    assert result.errors is None
    assert result.data is not None
    return result.data


def by_name(answer: Any) -> Any:
    """With the types of a schema in one order: the specification gives them none."""
    if isinstance(answer, dict):
        answer = {key: by_name(value) for key, value in answer.items()}
        for key, value in answer.items():
            if key in ("types", "a") and isinstance(value, list):
                answer[key] = sorted(value, key=orjson.dumps)
        return answer
    return [by_name(value) for value in answer] if isinstance(answer, list) else answer


def same(view: View, text: str, variables: Mapping[str, Any] | None = None) -> None:
    assert by_name(answered(view, text, variables or {})) == by_name(expected(view, text, variables or {}))


@pytest.mark.fast
@pytest.mark.parametrize("text", STANDARD + OWN)
@pytest.mark.parametrize("rights", [RIGHTS, Rights(None, None, frozenset())])
def test_the_answer_is_graphql_cores(text: str, rights: Rights) -> None:
    variables = {name: True for name in ("s", "i") if f"${name}: Boolean!" in text}
    same(View(BASE, Faces(snapshot(1, *CHAIN[-4:]), rights)), text, variables)


@pytest.mark.slow
def test_every_type_by_name() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN[-3:]), RIGHTS))
    for name in (*view.full.type_map, "D37Thing", "Nothing", "", "D39thing", "d39Thing"):
        same(view, TYPE, {"n": name})


@pytest.mark.fast
def test_with_only_some_departments_the_rest_is_as_if_it_did_not_exist() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN[-4:]), RIGHTS))
    alone = View(BASE, Faces(snapshot(1, *CHAIN[-3:-1]), RIGHTS))
    only = frozenset({"d38", "d39", "nothing"})
    for text in STANDARD:
        assert by_name(answered(view, text, {}, only)) == by_name(expected(alone, text, {}))
    assert answered(view, TYPE, {"n": "D40Thing"}, only) == {"__type": None}
    build_client_schema(answered(view, STANDARD[0], {}, only))  # type: ignore[arg-type]


@pytest.mark.fast
def test_the_sdl_is_that_of_the_whole_schema() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN[-4:]), RIGHTS))
    found, whole = build_schema(joined(sdl(view, kept, no_pause)).decode()), view.full
    assert print_schema(found).split("\n\n") != [""]
    assert {name: print_type(each) for name, each in found.type_map.items() if not name.startswith("__")} == {
        name: print_type(each) for name, each in whole.type_map.items() if not name.startswith("__") and name in found.type_map
    }
    assert whole.type_map.keys() - found.type_map.keys() <= {"ID", "Float", "Int", "String", "Boolean"}


@pytest.mark.slow
@examples(25)
def test_random_catalogs_and_rights(random: Random) -> None:
    dice = Dice(random)
    world = make_world(dice)
    view = View(BASE, Faces(world.snapshot, make_rights(dice, world)))
    for text in (*STANDARD, OWN[3]):
        same(view, text)
    names = list(view.full.type_map)
    for _ in range(3):
        same(view, TYPE, {"n": dice.pick(names)})


@pytest.mark.fast
def test_a_part_is_made_of_one_department_at_a_time() -> None:
    """Nothing of the view that is introspected stays, and none of its departments is made with another."""
    view = View(BASE, Faces(snapshot(1, *CHAIN), RIGHTS))
    document = Documents().check(STANDARD[0], view)
    plan = Plans().plan(view, document, document.operation(None), {})
    made: list[str] = []
    pauses: list[str] = []

    def noticing(department: str, _key: str, make: Callable[[], Iterator[bytes]]) -> Packed:
        made.append(department)
        return kept(department, "", make)

    apart = view.apart()
    question = Question(plan.others["__schema"], Collector(document.node, {}), variables_of(document, plan.operation, {}))
    assert joined(introspect(apart, question, noticing, lambda: pauses.append(made[-1] if made else "")))
    assert made == [f"d{i}" for i in range(41)]
    assert {department: pauses.count(department) > 100 for department in made} == dict.fromkeys(made, True)
    assert not any(len(wing.types) > 1 for faces in (apart.faces, view.faces) for wing in faces._wings.values())


@pytest.mark.fast
def test_a_view_taken_apart_leaves_nothing_for_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        view = View(BASE, Faces(snapshot(1, *CHAIN[-4:]), RIGHTS)).apart()
        made = [weakref.ref(each) for code in view.faces.snapshot.by_department for each in view.types(code).values()]
        assert len(made) > 20
        view.dismantle()
        assert [each() for each in made if each() is not None] == []
    finally:
        gc.enable()
