"""The file of destinations: what it may say, who may use what, what becomes of faults in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.exchange.delivery.config import S3, Folder, Table, describe
from hub.exchange.delivery.destinations import Destinations, DestinationsFault, check_destination
from hub.sharing.registry import Application
from schema.faults import Fault

pytestmark = pytest.mark.fast
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "destinations.toml"
HEAD = 'roots = ["{root}"]\n'
FOLDER = '[[destinations]]\ncode = "{code}"\nname = "前置机"\napplications = ["loader"]\nkind = "folder"\nurl = "file://{root}/in"\n'
S3_TEXT = '[[destinations]]\ncode = "a"\nname = "a"\napplications = ["x"]\nkind = "s3"\nurl = "s3://bucket/p"\nsecret = "env:S"\n'
S3_OPTIONS = '[destinations.options]\nendpoint = "https://s"\naccess_key = "k"\n'
TABLE = '[[destinations]]\ncode = "t"\nname = "t"\napplications = ["loader"]\nkind = "table"\nurl = "{url}"\n{more}[destinations.options]\ntable = "人口"\n{options}'


def app(name: str = "loader", client: str = "app_1") -> Application:
    return Application(client, name, "d", "", frozenset(), (), True, ())


def read(directory: Path, text: str) -> Destinations:
    (directory / "home").mkdir(exist_ok=True)
    file = directory / "destinations.toml"
    file.write_text(text)
    return Destinations(file, directory / "home")


def fault(directory: Path, text: str) -> str:
    with pytest.raises(DestinationsFault) as found:
        read(directory, text).content()
    return str(found.value)


def test_no_file_no_destinations(tmp_path: Path) -> None:
    assert Destinations(tmp_path / "none.toml", tmp_path).content().destinations == ()


def test_the_example_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    found = Destinations(EXAMPLE, tmp_path).content().destinations
    assert {type(each) for each in found} == {Folder, S3, Table}
    assert {each.backend for each in found if isinstance(each, Table)} == {"postgresql", "mariadb", "sqlite"}
    assert "secret" not in describe(found[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FOLDER + 'colour = "red"\n', ["destinations.toml:8", "destinations[0].colour", "unknown key"]),
        (FOLDER.replace('kind = "folder"', 'kind = "ftp"'), ["destinations[0]", "folder"]),
        (FOLDER + FOLDER, ["destinations[1].code", "stands twice"]),
        (FOLDER.replace("{root}/in", "/etc"), ["destinations[0].url", "lies under none of the roots"]),
        (FOLDER.replace("{root}/in", "{root}/../../etc"), ["lies under none of the roots"]),
        (FOLDER.replace('["loader"]', "[]"), ["destinations[0].applications"]),
        (S3_TEXT, ["destinations[0].options", "required"]),
        (S3_TEXT.replace("env:S", "hunter2") + S3_OPTIONS, ["destinations[0].secret", "env|file"]),
        (S3_TEXT + '[destinations.options]\nendpoint = "http://s"\naccess_key = "k"\n', ["allow_http"]),
        *((S3_TEXT.replace("bucket/p", f"bucket/{prefix}") + S3_OPTIONS, ["destinations[0].url", "PREFIX"]) for prefix in ("a//b", "../a", "a/.")),
        *(
            (S3_TEXT + S3_OPTIONS.replace("://s", f"://{host}"), ["destinations[0].options", "HOST"])
            for host in ("s:99999", "s:x", "s s", "主机", "u:hunter2@s")
        ),
        (S3_TEXT + S3_OPTIONS.replace('"k"', '"a\\nb"'), ["destinations[0].options.access_key"]),
        (TABLE.format(url="mariadb://u@h:99999/d", more="", options=""), ["destinations[0].url", "65535"]),
        (TABLE.format(url="postgresql://u@h/d", more="", options="").replace("人口", "表" * 22), ["63"]),
        (TABLE.format(url="mariadb://u:hunter2@h/d", more="", options=""), ["destinations[0].url", "password"]),
        (TABLE.format(url="oracle://u@h/d", more="", options=""), ["no such database"]),
        (TABLE.format(url="mariadb://u@h/d?local_infile=1", more="", options=""), ["ssl, ssl_ca"]),
        (TABLE.format(url="mariadb://u@h/d", more="", options='schema = "s"\n'), ["options.schema"]),
        (TABLE.format(url="sqlite:////etc/passwd", more="", options=""), ["lies under none of the roots"]),
        ("roots = [", ["TOML"]),
    ],
)
def test_every_fault_names_its_place_and_remedy_and_no_secret(tmp_path: Path, text: str, said: list[str]) -> None:
    told = fault(tmp_path, (HEAD + text if not text.startswith("roots") else text).replace("{root}", str(tmp_path / "root")).replace("{code}", "a"))
    assert [part for part in said if part not in told] == [], told
    assert "→" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("root", ["{home}", "{home}/in", "/"])
def test_the_hubs_own_directory_is_no_root(tmp_path: Path, root: str) -> None:
    assert "roots[0]" in fault(tmp_path, f'roots = ["{root.format(home=tmp_path / "home")}"]\n')


def test_a_link_out_of_the_roots_is_seen(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "in").symlink_to("/etc")
    assert "lies under none of the roots" in fault(tmp_path, (HEAD + FOLDER).format(root=tmp_path / "root", code="a"))


def test_the_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    found = read(tmp_path, (HEAD + FOLDER).format(root=tmp_path / "root", code="one"))
    assert found.find("one") is not None
    read(tmp_path, "nonsense")
    with pytest.raises(DestinationsFault):
        found.find("one")
    read(tmp_path, (HEAD + FOLDER).format(root=tmp_path / "root", code="another"))
    assert (found.find("one"), found.find("another") is not None) == (None, True)


def test_applications_see_their_own_destinations_alone(tmp_path: Path) -> None:
    found = read(tmp_path, (HEAD + FOLDER).format(root=tmp_path / "root", code="one") + S3_TEXT + S3_OPTIONS)
    assert check_destination(found, "one", app(), "CSV", []).code == "one"
    for code in ("a", "none", "file:///etc", "s3://bucket"):
        with pytest.raises(Fault) as refused:
            check_destination(found, code, app(), "CSV", [])
        assert (refused.value.code.value, refused.value.hint_en) == ("NOT_FOUND", "known: one")
    with pytest.raises(Fault) as refused:
        check_destination(found, "one", app(name="other"), "CSV", [])
    assert (refused.value.code.value, "administrators" in refused.value.hint_en, "管理员" in refused.value.hint_zh) == ("NOT_FOUND", True, True)
    read(tmp_path, "nonsense")
    with pytest.raises(Fault) as refused:
        check_destination(found, "one", app(), "CSV", [])
    assert refused.value.code.value == "INTERNAL"


def test_what_fits_into_a_table(tmp_path: Path) -> None:
    found = read(tmp_path, TABLE.format(url="mariadb://u@h/d", more="", options=""))
    check_destination(found, "t", app("other", "loader"), "PARQUET", [("id",), ("owner", "name")])
    for format_, columns, said in (
        ("CSV", [("id",)], "PARQUET, ARROW"),
        ("ARROW", [("owner_name",), ("owner", "name")], "owner_name"),
        ("ARROW", [("Id",), ("id",)], "Id, id"),
        ("ARROW", [("a" * 64,)], "63"),
    ):
        with pytest.raises(Fault) as refused:
            check_destination(found, "t", app(), format_, columns)
        assert refused.value.code.value == "BAD_INPUT"
        assert said in refused.value.en + refused.value.hint_en
