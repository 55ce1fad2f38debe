"""Mutual TLS or nothing."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from hub.exchange.executors.certificates import HUB, SCHEDULER, Wanted, make_certificates
from hub.exchange.executors.dask import DaskExecutor, check_scheduler, dask_executor
from hub.exchange.executors.dask_tls import DaskFault, Tls, security
from hub.settings import Settings
from tests.exchange.dask.cluster import SECONDS, Cluster
from tests.exchange.dask.tasks import task
from tests.servers.postgres import free_port

if TYPE_CHECKING:
    from distributed import Security

slow = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.mark.fast
def test_without_its_three_files_the_hub_does_not_begin(tmp_path: Path) -> None:
    for given in ({}, {"exchange_tls_ca": tmp_path / "ca.pem", "exchange_tls_cert": tmp_path / "hub.pem"}):
        settings = Settings(home=tmp_path, exchange_executor="dask://scheduler.city.example:8786", **given)
        with pytest.raises(DaskFault, match=r"双向 TLS.*mutual TLS only.*exchange_tls_key.*huitong exchange certificates"):
            dask_executor(settings, None)  # type: ignore[arg-type]


@pytest.mark.fast
def test_no_other_scheme_is_spoken(tmp_path: Path) -> None:
    for url in ("tcp://127.0.0.1:8786", "dask://127.0.0.1", "dask:8786"):
        with pytest.raises(DaskFault, match="dask://HOST:PORT"):
            DaskExecutor(url, Tls(tmp_path, tmp_path, tmp_path), tmp_path, "")


@pytest.mark.parametrize("what", ["run out", "of another authority"])
@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.xdist_group("dask")
async def test_a_hub_that_is_believed_no_longer_says_so_while_chunks_wait(cluster: Cluster, job: Path, tmp_path: Path, what: str) -> None:
    """Its log names the certificate: chunks wait for as long as nobody renews it."""
    make_certificates(tmp_path, [Wanted(HUB, ())], 1)
    made = DaskExecutor(cluster.url, Tls(tmp_path / "ca.pem", tmp_path / "hub.pem", tmp_path / "hub.key"), cluster.folder, cluster.mark)
    if what == "run out":
        make_certificates(tmp_path, [Wanted(HUB, ())], 0, renew=True)
    told = "证书已过期 the certificate has run out" if what == "run out" else "both need certificates of"
    with capture_logs() as logs:
        running = asyncio.create_task(made.run(task(job), lambda rows, size: None))
        while not (said := [line for line in logs if line["event"] == "exchange_scheduler_unreachable"]):
            await asyncio.wait({running}, timeout=0.05)
        running.cancel()
        await asyncio.wait({running})
        await made.close()
    assert told in said[0]["fault"]


class TestSchedulers:
    pytestmark = slow

    @pytest.mark.anyio
    async def test_clear_text_is_not_answered(self, cluster: Cluster) -> None:
        from distributed import Security

        with pytest.raises(OSError, match=r"closed|Timed out"):
            await asyncio.wait_for(_connected(f"tcp://127.0.0.1:{cluster.port}", Security(require_encryption=False)), SECONDS)
        with socket.create_connection(("127.0.0.1", cluster.port), 5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: scheduler\r\n\r\n")
            with suppress(ConnectionResetError):
                assert plain.recv(100) == b""

    def test_nobody_without_a_certificate_is_answered(self, cluster: Cluster) -> None:
        context = ssl.create_default_context(cafile=cluster.tls / "ca.pem")
        plain = socket.create_connection(("127.0.0.1", cluster.port), 5)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as spoken, pytest.raises(ssl.SSLError, match=r"(?i)certificate required"):
            spoken.recv(1)

    @pytest.mark.anyio
    async def test_certificates_of_another_authority_are_refused(self, cluster: Cluster, tmp_path: Path) -> None:
        make_certificates(tmp_path, [Wanted(HUB, ()), Wanted(SCHEDULER, ("127.0.0.1",))], 1)
        stranger = Tls(cluster.tls / "ca.pem", tmp_path / "hub.pem", tmp_path / "hub.key")
        with pytest.raises(OSError, match=r"closed|TLS|Timed out"):
            await _connected(f"tls://127.0.0.1:{cluster.port}", security(stranger, "client"))
        trusting = Tls(tmp_path / "ca.pem", *(cluster.tls / name for name in ("hub.pem", "hub.key")))
        with pytest.raises(OSError, match="certificate"):
            await _connected(f"tls://127.0.0.1:{cluster.port}", security(trusting, "client"))

    @pytest.mark.anyio
    async def test_a_scheduler_by_another_name_is_not_believed(self, cluster: Cluster) -> None:
        with pytest.raises(OSError, match="certificate"):
            await _connected(f"tls://localhost:{cluster.port}", security(cluster.files(HUB), "client"))

    @pytest.mark.anyio
    async def test_programs_cannot_be_run_but_as_tasks(self, cluster: Cluster) -> None:
        from distributed import Client

        async with Client(
            f"tls://127.0.0.1:{cluster.port}", security=security(cluster.files(HUB), "client"), asynchronous=True, set_as_default=False
        ) as client:
            with pytest.raises(ValueError, match="disallowed"):
                await client.run_on_scheduler(print)
            with pytest.raises(ValueError, match="disallowed"):
                await client.run(print)

    def test_the_doctor_speaks_to_it(self, cluster: Cluster, tmp_path: Path) -> None:
        files = cluster.files(HUB)
        trust = {"exchange_tls_ca": files.ca, "exchange_tls_cert": files.cert, "exchange_tls_key": files.key}
        assert check_scheduler(Settings(home=tmp_path, exchange_executor=cluster.url, **trust)) == cluster.url
        with pytest.raises(DaskFault, match="no scheduler answers"):
            check_scheduler(Settings(home=tmp_path, exchange_executor=f"dask://127.0.0.1:{free_port()}", **trust))
        shutil.copytree(cluster.tls, soon := tmp_path / "soon")
        make_certificates(soon, [Wanted(HUB, ())], 29, renew=True)
        ending = {**trust, "exchange_tls_cert": soon / "hub.pem", "exchange_tls_key": soon / "hub.key"}
        with pytest.raises(DaskFault, match=r"runs out on 20\d\d-\d\d-\d\d: .*--renew"):
            check_scheduler(Settings(home=tmp_path, exchange_executor=cluster.url, **ending))
        make_certificates(tmp_path, [Wanted(HUB, ())], 1)
        strange = {**trust, "exchange_tls_cert": tmp_path / "hub.pem", "exchange_tls_key": tmp_path / "hub.key"}
        with pytest.raises(DaskFault, match="no mutual TLS"):
            check_scheduler(Settings(home=tmp_path, exchange_executor=cluster.url, **strange))

    def test_nothing_else_listens(self, cluster: Cluster) -> None:
        processes = [process for process in (cluster.scheduler, *cluster.workers) if process is not None and process.poll() is None]
        for process in processes:
            assert len(_listening(process.pid)) == 1


def _listening(pid: int) -> set[str]:
    """The local addresses at which a process listens (proc(5): ``net/tcp``, state 0A)."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # What is open for a moment is gone at the second look.
        with suppress(FileNotFoundError):
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1])
    return found


async def _connected(address: str, trust: Security) -> None:
    from distributed import Client

    client = Client(address, security=trust, asynchronous=True, set_as_default=False, timeout=3)
    try:
        await client
    finally:
        await client.close()
