"""Witnesses in the settings, and the commands of whoever runs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.app import run
from hub.settings import Settings, SettingsFault, load_settings
from hub.witness.home import WitnessHome
from tests.witness.build import NAME, address, new_witness
from tests.witness.spec import Log, cosigned_at, leaves, root

pytestmark = pytest.mark.slow


@pytest.fixture
def line(tmp_path: Path) -> str:
    with new_witness(tmp_path / "w") as witness:
        return address(witness)


def test_none_by_default() -> None:
    found = Settings().witnessing
    assert (found.witnesses, found.quorum, found.stops) == ((), 0, False)


def test_one_witness_is_waited_for_and_grace_is_that_of_x_road(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_WITNESSES", f" {line} , ")
    found = load_settings().witnessing
    assert [(one.key.name, one.url) for one in found.witnesses] == [(NAME, "http://one/add-checkpoint")]
    assert (found.quorum, found.grace_seconds, found.stops) == (1, 14_400, True)


def test_several_from_the_file(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_witness(tmp_path / "w2", name="court.example/w") as other:
        lines = [line, address(other, "two/prefix/")]
    (tmp_path / "huitong.toml").write_text(f"witnesses = {lines!r}\nwitness_quorum = 2\nwitness_grace_seconds = 0\n")
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    found = load_settings().witnessing
    assert [one.url for one in found.witnesses] == ["http://one/add-checkpoint", "http://two/prefix/add-checkpoint"]
    assert (found.quorum, found.stops) == (2, False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: line.partition(" ")[0], "needs its address"),
        (lambda line: line.replace("http://one", "ftp://one"), "needs its address"),
        (lambda line: line.replace("http://one", "http://user@one"), "needs its address"),
        (lambda line: line[1:], "no cosigning key"),
        (lambda line: f"{Log().vkey} http://one", "no cosigning key"),
        (lambda _: "nonsense", "not a witness's verifier key"),
        (lambda line: f"{line},{line}", "stands twice"),
    ],
)
def test_what_is_wrong_is_named(line: str, change: object, told: str) -> None:
    assert callable(change)
    with pytest.raises(SettingsFault, match=told):
        load_settings(witnesses=change(line))


def test_a_quorum_of_more_than_there_are(line: str) -> None:
    with pytest.raises(SettingsFault, match="is more than the 1 witnesses"):
        load_settings(witnesses=line, witness_quorum=2)
    with pytest.raises(SettingsFault, match="is more than the 0 witnesses"):
        load_settings(witness_quorum=1)


def test_from_init_to_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, log = tmp_path / "w", Log()

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run(["witness", *map(str, arguments), "--home", str(home)])
        said = capsys.readouterr()
        return code, said.out, said.err

    assert call("show")[0] == 1, "there is none yet"
    code, vkey, hint = call("init", NAME)
    assert code == 0
    assert vkey.startswith(f"{NAME}+")
    assert f'witnesses = ["{vkey.strip()} https://…"]' in hint
    assert call("init", NAME)[1] == vkey, "again, and nothing changed"
    assert call("init", "another.example/w")[0] == 1
    assert (home.stat().st_mode & 0o77, (home / "witness.pem").stat().st_mode & 0o777) == (0, 0o600)

    (tmp_path / "log.key").write_text(log.vkey + "\n")
    (tmp_path / "bad.key").write_text("nonsense")
    assert call("trust", tmp_path / "bad.key")[0] == 1
    assert call("trust", tmp_path / "log.key")[0] == 0
    assert "known already" in call("trust", tmp_path / "log.key")[1]

    witness = WitnessHome(home).open()
    assert witness.add_checkpoint(log.request(0, leaves(5))).status == 200
    assert call("evidence") == (0, "无分叉证据 no evidence of forks\n", "")
    witness.add_checkpoint(log.request(5, leaves(5, "b")))
    witness.close()
    assert log.origin in call("show")[1]
    assert cosigned_at(vkey.strip(), call("show", log.origin)[1]) is not None
    assert call("show", "another")[0] == 1
    code, shown, _ = call("evidence")
    assert code == 1
    assert log.note(5, root(leaves(5))).splitlines()[2] in shown
    assert log.note(5, root(leaves(5, "b"))).splitlines()[2] in shown

    (home / "witness.pem").chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        WitnessHome(home).open()
