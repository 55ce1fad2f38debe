"""A document that is plainly valid is valid by all of graphql-core's rules: random documents, and what random changes make of them."""

from __future__ import annotations

import re
from itertools import count
from random import Random
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse, validate
from hypothesis import event, note

from schema.documents import _RULES, root_names
from schema.faces import Faces
from schema.plainly import plainly_valid
from schema.view import View
from tests.schema.city import city, grant, rights
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import BASE
from tests.schema.worlds import make_rights, make_world
from tests.schema.writing import Writer

pytestmark = pytest.mark.fast

ODD = build_schema("""
    directive @skip(if: Boolean!) on FIELD
    scalar Any
    enum Side { LEFT RIGHT }
    input One @oneOf { a: Int b: String c: [Int!] }
    input Deep { needed: Int! list: [[Side!]!] more: Deep one: One other: Int! = 3 }
    interface Named { name: String }
    type Cat implements Named { name(short: Boolean! = true, in: [Deep!]): String! side: Side friends: [Cat!]! self: Cat named: Named any: Any either: Either }
    union Either = Cat | Query
    type Query { cat(id: ID!, one: One, deep: Deep, n: Int, f: Float, s: [String], side: Side, any: Any): Cat named: Named either: Either me: Query n: Int }
    """)
ODD_DOCUMENTS = (
    '{ cat(id: 1, one: {a: 1}, deep: {needed: 2, list: [[LEFT], RIGHT], one: {b: "x"}}) { name(short: false) self { friends { side } } } }',
    "query A($id: ID!, $n: Int, $s: [String], $on: Boolean!, $side: Side = LEFT) { cat(id: $id, n: $n, s: $s, side: $side) { name @skip(if: $on) any } n }",
    "query ($n: Int!, $d: Deep!, $o: One) { a: cat(id: 7, n: $n, deep: $d, one: $o, f: 1) { self { self { name } } } b: me { me { n } } __typename }",
    'query ($n: Int) { cat(id: "x", one: {a: $n}, any: {x: [1, {y: $n}]}, f: 1.5, s: ["a", null, "b"]) { named { name } either { ... on Cat { name } } } }',
    '{ named { name ... on Cat { side } } me { n n } cat(id: "a", s: "one", deep: null) { name(in: [{needed: 1, other: 2}, {needed: 3}]) } }',
    "query A { ...F n } query B { me { n } } fragment F on Query { me { n } cat(id: 1) { name } }",
    '{ __schema { types { fields { type { fields { name } } } } } __type(name: "Cat") { name } }',
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|\$?[_A-Za-z]\w*|-?[0-9][0-9.eE+-]*|@[A-Za-z]+|[^\sA-Za-z]')
_INSERTED = (
    *(
        "__typename",
        "x: __typename",
        "name",
        "n",
        "nodes",
        "first: 1",
        "id: 1",
        "$v",
        "null",
        "true",
        "1",
        "99999999999",
        "1.5",
        '"text"',
        "LEFT",
        "[]",
        "{}",
        "[[1]]",
        "{a: 1, a: 2}",
    ),
    *(
        "@skip(if: true)",
        "@include(if: $on)",
        "@skip(if: 1)",
        "@skip",
        "@defer",
        "@deprecated",
        "... { __typename }",
        "...F",
        "{ __typename }",
        "($v: Int)",
        "($v: Int = 1)",
    ),
    *(
        "$v: String",
        "$v: Cat",
        "$v: Nothing",
        "(first: 1)",
        "(first: $v)",
        "query Q { __typename }",
        "mutation { x }",
        "subscription { n }",
        "fragment F on Query { n }",
        "!",
        "=  1",
    ),
)


def changed(dice: Dice, text: str) -> str:
    """The document with one to three tokens taken away, doubled, exchanged or put in."""
    tokens = _TOKEN.findall(text)
    for _ in range(dice.number(1, 3)):
        place = dice.number(0, len(tokens) - 1)
        match dice.number(0, 5):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                tokens[place] = dice.pick(tokens)
            case 3:
                tokens.insert(place, dice.pick(_INSERTED))
            case 4:
                tokens[place] = dice.pick(_INSERTED)
            case _:
                other = dice.number(0, len(tokens) - 1)
                tokens[place], tokens[other] = tokens[other], tokens[place]
        if not tokens:
            return "{"
    return " ".join(tokens)


def parsed(text: str) -> DocumentNode | None:
    """The document, where it is one."""
    try:
        return parse(text, no_location=True, max_lexical_tokens=3000)
    except GraphQLError:
        return None


def sound(schema: GraphQLSchema, text: str) -> bool:
    """Whether the document is plainly valid; then graphql-core must think so as well."""
    document = parsed(text)
    if document is None or not plainly_valid(schema, document):
        return False
    note(f"HYPOTHESIS_SEED={SEED}\n{text}")
    assert validate(schema, document, _RULES) == []
    return True


class PlainWriter(Writer):
    """Writes documents without fragments, whose response keys are all different."""

    def document(self) -> str | None:
        """A document."""
        numbers, text = count(), super().document()
        return None if text is None else re.sub(r"\b[ud][0-9]+: ", lambda _: f"k{next(numbers)}: ", text)

    def selection(self, type_: Any, depth: int) -> str:
        """Fields alone."""
        return "{ " + " ".join(self.one_field(type_, depth) for _ in range(self.dice.number(1, 4))) + " }"

    def alias(self, name: str, unique: bool = False) -> str:
        """One of its own."""
        return super().alias(name, unique=True)


@examples(12)
def test_what_is_plainly_valid_is_valid(random: Random) -> None:
    dice = Dice(random)
    world = make_world(dice, False)
    view = View(BASE, Faces(world.snapshot, make_rights(dice, world)))
    for write in (Writer, PlainWriter, PlainWriter):
        text = write(dice, world, view).document()
        if text is not None:
            schema = view.schema(root_names(parse(text)))
            event(f"{write.__name__} plain: {sound(schema, text)}")
            accepted = sum(sound(schema, changed(dice, text)) for _ in range(15))
            event(f"changed and plain: {bool(accepted)}")


@examples(40)
def test_what_is_plainly_valid_is_valid_in_an_odd_schema(random: Random) -> None:
    dice = Dice(random)
    for text in ODD_DOCUMENTS:
        for _ in range(8):
            event(f"plain, changed: {sound(ODD, changed(dice, text))}")


PLAIN = (
    "query ($d: String!, $first: Int = 5) { civilAffairs { persons(where: {district: {eq: $d}}, first: $first) { nodes { name } } } }",
    "query ($n: String!) { civilAffairs { verifyPerson(subject: {idNumber: $n}, claims: {name: $n}) { outcome } } }",
    "{ __typename }",
    "{ civilAffairs { persons(first: 2) { nodes { name household { address } } totalCount } a: persons { edges { cursor node { phone } } } } }",
    "query Q($n: String!, $on: Boolean!) { civilAffairs { person(idNumber: $n) { name @skip(if: $on) phone @include(if: true) @skip(if: false) } } }",
    '{ civilAffairs { persons(where: {district: {eq: "520102"}, or: [{name: {in: ["a", "b"]}}]}, orderBy: [{district: ASC}]) { nodes { name } } } }',
)


@pytest.mark.parametrize("text", PLAIN)
def test_usual_documents_are_plain(text: str) -> None:
    """Else every new document costs a walk by all rules."""
    hub, _ = city()
    document = parse(text)
    assert plainly_valid(hub.view(rights(grant())).schema(root_names(document)), document)


@pytest.mark.parametrize(
    "text",
    [
        "{ nonsense }",
        "{ __typename { x } }",
        "{ civilAffairs }",
        "{ civilAffairs { persons { nodes { name { x } } } } }",
        "{ civilAffairs { persons(first: 1, first: 2) { totalCount } } }",
        '{ civilAffairs { persons(first: "2") { totalCount } } }',
        "{ civilAffairs { persons(first: 9999999999) { totalCount } } }",
        "{ civilAffairs { persons(second: 2) { totalCount } } }",
        "{ civilAffairs { person { name } } }",
        "{ civilAffairs { person(idNumber: null) { name } } a: civilAffairs { persons { nodes { name @skip } } } }",
        "query ($a: Int) { __typename }",
        "query ($a: Int, $a: Int) { civilAffairs { persons(first: $a) { totalCount } } }",
        "query ($a: String) { civilAffairs { persons(first: $a) { totalCount } } }",
        "{ civilAffairs { persons(first: $a) { totalCount } } }",
        "query ($a: Boolean) { __typename @skip(if: $a) }",
        "{ __typename @skip(if: true) @skip(if: true) }",
        "{ __typename @nonsense }",
        "query @skip(if: true) { __typename }",
        '{ civilAffairs { persons(where: {district: {eq: "a", eq: "b"}}) { totalCount } } }',
        "{ a: __typename a: civilAffairs { __typename } }",
        "{ ...F } fragment F on Query { nonsense }",
        "query ($d: Int) { civilAffairs { persons(where: {district: {eq: $d}}) { totalCount } } }",
        'query ($n: Int = "x") { civilAffairs { persons(first: $n) { totalCount } } }',
        "query ($n: String) { civilAffairs { verifyPerson(subject: {idNumber: $n}, claims: {}) { outcome } } }",
        '{ civilAffairs { verifyPerson(subject: {}, claims: {name: "x"}) { outcome } } }',
        '{ civilAffairs { verifyPersons(requests: [{subject: {idNumber: "x"}}]) { outcome } } }',
        "mutation { __typename }",
        "{ __typename } { __typename }",
    ],
)
def test_what_is_wrong_is_not_plain(text: str) -> None:
    hub, _ = city()
    document = parse(text)
    schema = hub.view(rights(grant())).schema(root_names(document))
    assert validate(schema, document, _RULES)
    assert not plainly_valid(schema, document)
