"""``huitong exchange scheduler``, ``worker`` and ``certificates``: exchanges worked on by other machines."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.options import AsJson
from hub.cli.output import note, show_record
from hub.cli.serve import LogLevel
from hub.exchange.executors.dask_tls import Tls, probe
from hub.settings import Settings, load_settings

SCHEDULER = "huitong exchange scheduler --host 10.1.2.3 --ca ca.pem --cert scheduler.pem --key scheduler.key"
WORKER = (
    "huitong exchange worker --scheduler dask://exchange.city.example:8786 --host 10.1.2.4 --ca ca.pem --cert worker.pem --key worker.key "
    "--keys /srv/worker/keys --folder /mnt/exchange"
)
CERTIFICATES = "huitong exchange certificates --to tls --scheduler exchange.city.example --worker worker-1.city.example --worker worker-2.city.example"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?\Z")
Ca = Annotated[Path | None, typer.Option(help="证书机构 The authority's certificate. Default: HUITONG_EXCHANGE_TLS_CA")]
Cert = Annotated[Path | None, typer.Option(help="本进程的证书 This process's certificate. Default: HUITONG_EXCHANGE_TLS_CERT")]
Key = Annotated[Path | None, typer.Option(help="证书的密钥 The certificate's key, mode 0600. Default: HUITONG_EXCHANGE_TLS_KEY")]


def scheduler(
    host: Annotated[str, typer.Option(help="监听地址 Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 Port; 0 takes a free one.")] = 8786,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    log_level: LogLevel = "info",
) -> None:
    """启动调度进程 Serve the scheduler of exchange workers, by mutual TLS only, until Ctrl-C or SIGTERM. It keeps nothing."""
    from hub.exchange.executors.dask_process import SchedulerOptions, become

    tls = _tls(load_settings(), ca, cert, key)
    become(SchedulerOptions(_paths(tls), host, port, log_level))


def worker(
    scheduler: Annotated[str, typer.Option(metavar="URL", help="调度进程 The scheduler: dask://HOST:PORT.")],
    host: Annotated[str, typer.Option(help="监听地址，调度进程由此连接 Address to listen on, by which the scheduler reaches it.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 Port; 0 takes a free one.")] = 0,
    slots: Annotated[int, typer.Option(min=1, max=64, help="同时处理的分块数 Chunks worked on at once; start one worker per core rather.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="各机器共享的交换目录 The exchange directory, shared by all. Default: exchange in the home")] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="密钥目录，其中仅有 ledger-subjects.key 与 pseudonyms/ Directory with a copy of these two of the hub's keys alone. Default: keys in the home"
        ),
    ] = None,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    log_level: LogLevel = "info",
) -> None:
    """启动执行进程 Work on chunks of exchanges until Ctrl-C or SIGTERM. Passwords of sources come from its own environment and files."""
    from hub.exchange.executors.dask_process import WorkerOptions, become, folder_fault
    from hub.exchange.executors.worker_keys import KeysMissing, WorkerKeys, needless

    settings = load_settings()
    tls = _tls(settings, ca, cert, key)
    probe(scheduler, tls)
    folder, keys = (folder or settings.exchanges).absolute(), (keys or settings.keys).absolute()
    if wrong := folder_fault(folder):
        raise CliFault(wrong)
    if others := needless(keys):
        note(
            f"→ {keys} 中有执行进程不需要的密钥 holds keys that no worker needs: {', '.join(others)}: 持有执行证书者可在执行进程上运行程序，"
            f"请将 ledger-subjects.key 与 pseudonyms/ 单独复制到一个目录，以 --keys 指定 whoever holds a certificate can run programs on workers; "
            "copy these two alone into a directory, and name it by --keys"
        )
    try:
        WorkerKeys(keys)
    except KeysMissing as fault:
        raise CliFault(str(fault), "--keys DIR") from None
    become(WorkerOptions(scheduler, _paths(tls), host, port, slots, str(folder), str(keys), log_level))


def certificates(
    to: Annotated[Path, typer.Option("--to", file_okay=False, help="目录 Folder for the files; the authority that is there is used again.")],
    scheduler: Annotated[list[str], typer.Option(metavar="HOST", help="调度进程的主机名或地址 Host name or address of the scheduler; may be repeated.")],
    worker: Annotated[list[str], typer.Option(metavar="HOST", help="执行进程的主机名或地址 Host name or address of a worker; may be repeated.")],
    days: Annotated[int, typer.Option(min=1, max=1825, help="有效期（天） Days for which the certificates are valid.")] = 730,
    renew: Annotated[bool, typer.Option("--renew", help="重新签发 Issue those that are there again, by the same authority.")] = False,
    as_json: AsJson = False,
) -> None:
    """签发证书 Make the exchange's own authority, and certificates of hub, scheduler and workers. Makes only what is missing."""
    from hub.exchange.executors.certificates import HUB, SCHEDULER, CertificateFault, Wanted, make_certificates

    for host in (*scheduler, *worker):
        if not _HOST.match(host):
            raise CliFault(f"不是主机名或地址 no host name or address: {host}", "exchange.city.example, 10.1.2.3")
    wanted = [Wanted(HUB, ()), Wanted(SCHEDULER, tuple(scheduler)), *(Wanted(f"worker-{host.replace(':', '-')}", (host,)) for host in dict.fromkeys(worker))]
    try:
        made = make_certificates(to, wanted, days, renew)
    except CertificateFault as fault:
        raise CliFault(str(fault)) from None
    show_record({"made": [str(path) for path in made]}, as_json, "\n".join(map(str, made)) or "证书齐全，未作更改 all are there; nothing was changed")
    if not as_json:
        note(
            "→ 持有其中任一密钥者可在执行进程上运行程序 whoever holds one of these keys can run programs on the workers: 妥善分发 hand each to its machine alone"
        )
        note(f"→ {to / 'ca.key'} 可签发新证书，应离线保存 issues new certificates: keep it offline")


def _tls(settings: Settings, ca: Path | None, cert: Path | None, key: Path | None) -> Tls:
    """The files of mutual TLS, which can be used."""
    given = {"ca": ca or settings.exchange_tls_ca, "cert": cert or settings.exchange_tls_cert, "key": key or settings.exchange_tls_key}
    if missing := [f"--{name}" for name, path in given.items() if path is None]:
        raise CliFault(f"只用双向 TLS，缺少 mutual TLS only; missing: {' '.join(missing)}", "huitong exchange certificates --help")
    if find_spec("distributed") is None:
        raise CliFault("未安装 Dask is not installed", "pip install 'huitong[dask]'")
    tls = Tls(**{name: path.absolute() for name, path in given.items() if path is not None})
    tls.check()
    return tls


def _paths(tls: Tls) -> tuple[str, str, str]:
    return str(tls.ca), str(tls.cert), str(tls.key)
