"""What the commands say before they become processes of Dask."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from hub.cli.app import run
from hub.exchange.executors.certificates import HUB, SCHEDULER, Wanted, make_certificates
from hub.exchange.executors.dask_process import SchedulerOptions
from hub.ledger.subjects import Subjects
from tests.exchange.dask.cluster import PROCESS, ROOT, SECONDS, Cluster

FILES = ("ca.pem", "scheduler.pem", "scheduler.key")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> object:
    """Runs a command in this process; its exit code and what it says."""
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "home"))

    def call(*arguments: object) -> tuple[int, str]:
        code = run(["exchange", *map(str, arguments)])
        return code, "".join(capsys.readouterr())

    return call


def tls(folder: Path) -> list[str]:
    return [part for name, file in zip(("--ca", "--cert", "--key"), FILES, strict=True) for part in (name, str(folder / file))]


@pytest.mark.slow
def test_certificates_are_made_once(told: object, tmp_path: Path) -> None:
    given = ("certificates", "--to", tmp_path / "tls", "--scheduler", "exchange.city.example", "--worker", "10.1.2.4", "--worker", "10.1.2.5")
    assert callable(told)
    code, said = told(*given)
    assert (code, "ca.key" in said, "worker-10.1.2.5.pem" in said) == (0, True, True)
    assert told(*given)[1].startswith("证书齐全")
    assert told("certificates", "--to", tmp_path / "tls", "--scheduler", "no host", "--worker", "10.1.2.4")[0] == 1


@pytest.mark.slow
def test_a_worker_says_what_it_lacks(told: object, tmp_path: Path) -> None:
    assert callable(told)
    make_certificates(tmp_path, [Wanted(HUB, ()), Wanted(SCHEDULER, ("127.0.0.1",))], 1)
    given = ["worker", "--scheduler", "dask://127.0.0.1:9", "--host", "127.0.0.1", "--folder", tmp_path / "exchange", "--keys", tmp_path / "keys"]
    assert "--ca --cert --key" in told(*given)[1]
    assert told(*given)[0] == 1
    assert "没有交换目录" in told(*given, *tls(tmp_path))[1]
    (tmp_path / "exchange").mkdir()
    assert "标识密钥" in told(*given, *tls(tmp_path))[1]
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "ledger-signing.pem").write_text("of the hub")
    assert "no worker needs: ledger-signing.pem" in told(*given, *tls(tmp_path))[1]
    (tmp_path / "scheduler.key").chmod(0o644)
    assert "chmod 600" in told(*given, *tls(tmp_path))[1]
    assert told("worker", "--scheduler", "127.0.0.1:9", "--host", "127.0.0.1")[0] == 1


@pytest.mark.slow
def test_a_scheduler_is_not_started_without_tls(told: object) -> None:
    assert callable(told)
    code, said = told("scheduler")
    assert (code, "双向 TLS" in said, "huitong exchange certificates" in said) == (1, True, True)


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_worker_of_another_authority_is_told_so(cluster: Cluster, told: object, tmp_path: Path) -> None:
    assert callable(told)
    make_certificates(tmp_path, [Wanted(SCHEDULER, ("127.0.0.1",))], 1)
    Subjects.in_directory(tmp_path / "keys")
    code, said = told("worker", "--scheduler", cluster.url, "--host", "127.0.0.1", "--folder", tmp_path, "--keys", tmp_path / "keys", *tls(tmp_path))
    assert (code, "同一证书机构" in said) == (1, True)
    mixed = ["--ca", cluster.tls / "ca.pem", "--cert", tmp_path / "scheduler.pem", "--key", tmp_path / "scheduler.key"]
    assert "同一证书机构" in told("worker", "--scheduler", cluster.url, "--host", "127.0.0.1", "--folder", tmp_path, "--keys", tmp_path / "keys", *mixed)[1]


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_port_in_use_is_told(cluster: Cluster) -> None:
    ca, cert, key = (str(cluster.tls / name) for name in FILES)
    options = SchedulerOptions((ca, cert, key), "127.0.0.1", cluster.port, "info")
    done = subprocess.run([*PROCESS, "scheduler", json.dumps(asdict(options))], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, "无法监听 cannot listen" in done.stderr, "Traceback" in done.stderr) == (3, True, False)
