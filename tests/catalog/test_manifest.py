"""Every rule of a manifest, each with the smallest manifest that breaks it: code, path, line and remedy."""

from __future__ import annotations

import pytest

from hub.catalog.checks import check_manifest
from hub.catalog.manifest import MAX_BYTES, read_manifest
from hub.catalog.problems import Lines, Problem, Refused, path_of
from tests.catalog.small import SMALL, changed, line_of

pytestmark = pytest.mark.fast


def problems(text: str) -> list[Problem]:
    try:
        read = read_manifest(text)
    except Refused as refused:
        return list(refused.problems)
    return check_manifest(read, text)


SHAPE = [
    ('code = "person"', "", "resources[0].code", "[[resources]]", "add it"),
    ('plural = "persons"', 'plural = "persons"\npluarl = "x"', "resources[0].pluarl", "pluarl", "did you mean plural"),
    ('column = "born"', 'column = "born"\nfilterible = true', "resources[0].items[1].filterible", "filterible", "did you mean filterable"),
    ('share = "NAME"', 'shar = "NAME"', "resources[0].items[0].mask.shar", "mask = {", "did you mean share"),
    ('uscc = "115201000093900013"', 'uscc = "115201000093900013"\nteir = "city"', "department.teir", "teir", "did you mean tier"),
    ("[department]", "title = 1\n[department]", "title", "title", "check the spelling"),
    ('level = "INTERNAL"', 'level = "SECRET"', "resources[0].level", "level", "'PUBLIC', 'INTERNAL'"),
    ('sharing_class = "CONDITIONAL"', 'sharing_class = "SOME"', "resources[0].sharing_class", "sharing_class", "'UNCONDITIONAL', 'CONDITIONAL'"),
    ('type = "date"', 'type = "day"', "resources[0].items[1].type", 'type = "day"', "'date'"),
    ('code = "birth_date"', 'code = "birthDate"', "resources[0].items[1].code", "birthDate", "pattern"),
    ('code = "civil_affairs"', 'code = "Civil"', "department.code", 'code = "Civil"', "pattern"),
    ('kind = "sql"', 'kind = "sql"\nsecret = "hunter2"', "sources[0].secret", "secret", "env:"),
    ('kind = "sql"', 'kind = "sql"\npool = 0', "sources[0].pool", "pool", ""),
    ('classification = "307026"', 'classification = "x"', "resources[0].classification", "classification", "pattern"),
    ('object = "person"', 'object = "person; DROP TABLE x"', "resources[0].object", "object", "pattern"),
    ('to = "civil_affairs.person.id_number"', 'to = "person.id_number"', "resources[0].links[0].to", "to =", "pattern"),
    ('operations = ["QUERY", "VERIFY"]', 'operations = ["QUERY", "DELETE"]', "resources[0].operations[1]", "operations", "'QUERY', 'VERIFY'"),
]


@pytest.mark.parametrize(("old", "new", "path", "where", "hint"), SHAPE, ids=[case[2] + "/" + case[3] for case in SHAPE])
def test_shape(old: str, new: str, path: str, where: str, hint: str) -> None:
    text = changed(old, new)
    (problem,) = problems(text)
    assert (problem.code, problem.path) == ("MANIFEST_SHAPE", path)
    assert problem.line == line_of(where, text)
    assert hint in problem.hint
    assert path in problem.message


PERSON = SMALL[SMALL.index("[[resources]]") :]
OPEN = 'level = "PUBLIC"\nsharing_class = "UNCONDITIONAL"\nlegal_basis = ["x"]\nopen_class = "OPEN"'
CLASSES = 'level = "INTERNAL"\nsharing_class = "CONDITIONAL"\nlegal_basis = ["某法第一条"]\nopen_class = "CLOSED"'
RULES = [
    ('uscc = "115201000093900013"', 'uscc = "115201000093900012"', "USCC_INVALID", "department.uscc", "uscc"),
    ('code = "civil_affairs"', 'code = "catalog"', "NAME_RESERVED", "department.code", 'code = "catalog"'),
    ("reader@db", "reader:pw@db", "SECRET_IN_URL", "sources[0].url", "url"),
    ("postgresql+asyncpg://reader@db.example:5432", "http://[::1", "URL_INVALID", "sources[0].url", "url"),
    ("[[sources]]", '[[sources]]\ncode = "db"\nkind = "sql"\nurl = "sqlite:////x.db"\n\n[[sources]]', "DUPLICATE", "sources[1].code", None),
    ('code = "birth_date"', 'code = "id_number"', "DUPLICATE", "resources[0].items[1].code", None),
    ('plural = "persons"', 'plural = "person"', "NAME_TAKEN", "resources[0].plural", "plural"),
    ('level = "INTERNAL"', 'level = "CLASSIFIED"', "CLASSIFIED", "resources[0].level", "level"),
    ('column = "born"', 'column = "born"\nlevel = "CLASSIFIED"', "CLASSIFIED", "resources[0].level", None),
    ('legal_basis = ["某法第一条"]', "legal_basis = []", "LEGAL_BASIS", "resources[0].legal_basis", "legal_basis"),
    ('level = "INTERNAL"', 'level = "PUBLIC"', "LEVEL_CLASS", "resources[0].sharing_class", "sharing_class"),
    ('open_class = "CLOSED"', 'open_class = "OPEN"', "LEVEL_OPEN", "resources[0].open_class", "open_class"),
    ('object = "person"', "", "OBJECT_MISSING", "resources[0].object", "[[resources]]"),
    ('kind = "sql"', 'kind = "rest"', "ENDPOINT_MISSING", "resources[0].endpoint", "[[resources]]"),
    ('identifiers = ["id_number"]', 'identifiers = ["id_numbr"]', "UNKNOWN_ITEM", "resources[0].identifiers", "identifiers"),
    ('identifiers = ["id_number"]', 'identifiers = ["id_number", "birth_date"]', "IDENTIFIER_TYPE", "resources[0].identifiers[1]", "identifiers"),
    ('column = "born"', 'column = "born"\nsharing_class = "UNCONDITIONAL"', "ITEM_CLASS", "resources[0].items[1].sharing_class", 'g_class = "UNC'),
    ('code = "birth_date"', 'code = "not"', "NAME_RESERVED", "resources[0].items[1].code", 'code = "not"'),
    ('share = "NAME"', 'share = "NAEM"', "UNKNOWN_MASK", "resources[0].items[0].mask", "mask"),
    ('column = "born"', 'column = "born"\nmask = {open = "NAME"}', "MASK_TYPE", "resources[0].items[1].mask", 'mask = {open = "NAME"}'),
    ('share = "NAME"', 'share = "DATE_TO_YEAR"', "MASK_TYPE", "resources[0].items[0].mask", "mask"),
    ('item = "id_number"', 'item = "id_numbr"', "UNKNOWN_ITEM", "resources[0].links[0].item", "item ="),
    ('field = "parent"', 'field = "id_number"', "NAME_TAKEN", "resources[0].links[0].field", "field"),
    ('to = "civil_affairs.person.id_number"', 'to = "civil_affairs.person.birth_date"', "LINK_TARGET", "resources[0].links[0].to", "to ="),
    ('to = "civil_affairs.person.id_number"', 'to = "civil_affairs.persn.id_number"', "LINK_TARGET", "resources[0].links[0].to", "to ="),
    ('item = "id_number"', 'item = "birth_date"', "LINK_TYPE", "resources[0].links[0].to", "to ="),
]


@pytest.mark.parametrize(("old", "new", "code", "path", "where"), RULES, ids=[f"{case[2]}/{case[3]}/{i}" for i, case in enumerate(RULES)])
def test_rule(old: str, new: str, code: str, path: str, where: str | None) -> None:
    text = changed(old, new)
    problem = next(each for each in problems(text) if (each.code, each.path) == (code, path))
    if where is not None:
        assert problem.line == line_of(where, text)
    assert problem.line is not None
    assert any("\u4e00" <= c <= "\u9fff" for c in problem.message), "Chinese"
    assert any(c.isascii() and c.isalpha() for c in problem.message), "English"


def test_identifiers_that_go_break_verification_and_links() -> None:
    assert {problem.code for problem in problems(changed('identifiers = ["id_number"]', "identifiers = []"))} == {"IDENTIFIER_MISSING", "LINK_TARGET"}


def test_no_resource_takes_the_name_of_anothers_aggregates() -> None:
    part = SMALL[SMALL.index("[[resources]]") :]
    twin = part.replace('code = "person"', 'code = "persons_aggregate"').replace('plural = "persons"', 'plural = "more_persons"')
    assert ("NAME_TAKEN", "resources[1].code") in {(problem.code, problem.path) for problem in problems(f"{SMALL}\n{twin}")}


def test_a_cohort_is_at_least_one_row() -> None:
    assert problems(changed('level = "INTERNAL"', 'level = "INTERNAL"\ncohort = 5')) == []
    (problem,) = problems(changed('level = "INTERNAL"', 'level = "INTERNAL"\ncohort = 0'))
    assert problem.path == "resources[0].cohort"


def test_nothing_is_wrong_with_the_small_one_and_the_example(example: str) -> None:
    assert problems(SMALL) == []
    assert problems(example) == []
    assert problems(changed(CLASSES, OPEN)) == []


LEVELS = ["PUBLIC", "INTERNAL", "CLASSIFIED"]
SHARING = ["UNCONDITIONAL", "CONDITIONAL", "NOT_SHARED"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("opened", ["OPEN", "AUTHORIZED", "CLOSED"])
@pytest.mark.parametrize("basis", [True, False])
def test_levels_and_classes(level: str, sharing: str, opened: str, basis: bool) -> None:
    """CLS-02, CLS-03, CLS-04: which combinations may be imported."""
    classes = f'level = "{level}"\nsharing_class = "{sharing}"\nlegal_basis = {["x"] if basis else []}\nopen_class = "{opened}"'
    found = {problem.code for problem in problems(changed(CLASSES, classes.replace("'", '"')))}
    if level == "CLASSIFIED":
        assert found == {"CLASSIFIED"}
        return
    expected = set()
    if sharing != "UNCONDITIONAL" and not basis:
        expected.add("LEGAL_BASIS")
    if level == "PUBLIC" and sharing != "UNCONDITIONAL":
        expected.add("LEVEL_CLASS")
    if opened == "OPEN" and level != "PUBLIC":
        expected.add("LEVEL_OPEN")
    assert found == expected


def two_items(first: str, second: str) -> str:
    text = SMALL.replace("id_number", first)
    return text.replace('code = "birth_date"', f'code = "{second}"')


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(two_items("id_1", "id1"), id="items"),
        pytest.param(changed('field = "parent"', 'field = "id_1"', two_items("id1", "born")), id="link and item"),
        pytest.param(SMALL + SMALL[SMALL.index("[[resources.links]]") :], id="two links"),
        pytest.param(
            SMALL + changed('plural = "persons"', 'plural = "edges"', changed('code = "person"', 'code = "person_edge"', PERSON)), id="resource and edge type"
        ),
        pytest.param(
            SMALL + changed('plural = "persons"', 'plural = "wheres"', changed('code = "person"', 'code = "person_where"', PERSON)),
            id="resource and filter type",
        ),
        pytest.param(SMALL.replace("civil_affairs", "page_info"), id="department and PageInfo"),
        pytest.param(SMALL.replace("civil_affairs", "int"), id="department and Int"),
    ],
)
def test_no_two_things_get_one_graphql_name(text: str) -> None:
    assert {problem.code for problem in problems(text)} & {"NAME_TAKEN", "NAME_RESERVED", "DUPLICATE"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("[department\nx = 1\n", 1), ("[department]\ncode = 'x\n'\n", 2), ("[department]\ncode = 'x'\ncode = 'y'\n", 3), ("a = 1\n\0", 2)],
)
def test_syntax(text: str, line: int) -> None:
    (problem,) = problems(text)
    assert problem.code == "MANIFEST_SYNTAX"
    assert problem.line == line


def test_size() -> None:
    (problem,) = problems("##" + "长" * (MAX_BYTES // 3))
    assert problem.code == "MANIFEST_TOO_LARGE"


def test_every_fault_at_once() -> None:
    text = changed("reader@db", "reader:pw@db", changed('share = "NAME"', 'share = "NAEM"', changed('field = "parent"', 'field = "id_number"')))
    assert {problem.code for problem in problems(text)} == {"SECRET_IN_URL", "UNKNOWN_MASK", "NAME_TAKEN"}


def test_lines_of_nested_arrays() -> None:
    text = """a = 1 # first
[[resources]] # one
code = "x"
[[resources.items]]
code = "i0"
[[resources.items]]
  code = "i1"
mask = {share = "A",
  open = "B"}
[[resources]]
[[ resources.items ]]
"code" = 1
[resources.endpoint]
path = "/x"
[resources.endpoint.keys.id]
parameter = "p"
"""
    lines = Lines(text)
    assert {path: lines.line(path) for path in ("a", "resources[0].code", "resources[0].items[0].code", "resources[0].items[1].code")} == {
        "a": 1,
        "resources[0].code": 3,
        "resources[0].items[0].code": 5,
        "resources[0].items[1].code": 7,
    }
    assert lines.line("resources[0].items[1].mask.open") == 8, "an inline table stands on its key's line"
    assert lines.line("resources[1].items[0]") == 11
    assert lines.line("resources[1].endpoint.path") == 14
    assert lines.line("resources[1].endpoint.keys.id.parameter") == 16
    assert lines.line("resources[1].items[0].name") == 11, "what is missing is told at what should hold it"
    assert lines.line("nowhere") is None
    assert path_of(("resources", 0, "items", 1, "code")) == "resources[0].items[1].code"
