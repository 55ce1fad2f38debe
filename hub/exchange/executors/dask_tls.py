"""Mutual TLS between hub, scheduler and workers of Dask, without which none of them starts. Importing this module does not load Dask."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptography import x509

if TYPE_CHECKING:
    from distributed import Security

_PROBE_SECONDS = 5.0
Role = Literal["client", "scheduler", "worker"]


class DaskFault(Exception):
    """Dask cannot be used as it is set up. ``str()`` says why and what to do, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the authority that all certificates must be of, this process's certificate, and its key."""

    ca: Path
    cert: Path
    key: Path

    def check(self) -> datetime:
        """When the certificate runs out. Raises DaskFault where a file cannot be used, it has run out, or others may read the key."""
        try:
            for path in (self.ca, self.cert, self.key):
                path.read_bytes()
            if self.key.stat().st_mode & 0o077:
                raise DaskFault(f"密钥可被他人读取 others may read the key: chmod 600 {self.key}")
            ends = x509.load_pem_x509_certificate(self.cert.read_bytes()).not_valid_after_utc
            ssl.create_default_context(cafile=self.ca).load_cert_chain(self.cert, self.key)
        except OSError as fault:
            # SSLError is one; its text names neither file nor content.
            raise DaskFault(f"证书或密钥不可用 a certificate or key cannot be used: {fault.filename or self.cert}: {fault.strerror}") from None
        except ValueError:
            raise DaskFault(f"不是 PEM 证书 is no PEM certificate: {self.cert}") from None
        if ends <= datetime.now(UTC):
            raise DaskFault(f"证书已过期 the certificate has run out: {self.cert}: huitong exchange certificates --renew")
        return ends


def address_of(url: str) -> str:
    """``tls://host:port`` of ``dask://host:port``."""
    scheme, separator, place = url.partition("://")
    if scheme != "dask" or not separator or not place.rpartition(":")[2].isdigit():
        raise DaskFault(f"不是调度进程的地址 is no scheduler's address: {url[:80]}: dask://HOST:PORT")
    return f"tls://{place}"


def probe(url: str, tls: Tls) -> bool:
    """Speaks to the scheduler; ``False`` where there is none, which may come yet.

    Raises:
        DaskFault: one of the two does not trust the other.
    """
    host, _, port = address_of(url).removeprefix("tls://").rpartition(":")
    context = ssl.create_default_context(cafile=tls.ca)
    context.check_hostname = False
    context.load_cert_chain(tls.cert, tls.key)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS) as plain, context.wrap_socket(plain) as spoken:
            # With TLS 1.3 the other side's refusal comes behind the handshake.
            spoken.recv(1)
    except ssl.SSLError as fault:
        raise DaskFault(
            f"与调度进程的双向 TLS 未成立 no mutual TLS with {url}: {fault.reason}: 证书须出自同一证书机构 both need certificates of {tls.ca}"
        ) from None
    except OSError:
        return False
    return True


def security(tls: Tls, role: Role) -> Security:
    """What Dask needs to know of the files; nobody without a certificate of the authority is spoken to.

    Raises:
        DaskFault: a file cannot be used, or Dask is not installed.
    """
    tls.check()
    try:
        from hub.exchange.executors.dask_security import NamedSecurity
    except ImportError as fault:
        raise DaskFault(f"未安装 Dask is not installed ({fault.name}): pip install 'huitong[dask]'") from None
    files: dict[str, str] = {f"tls_{role}_cert": str(tls.cert), f"tls_{role}_key": str(tls.key)}
    return NamedSecurity(require_encryption=True, tls_ca_file=str(tls.ca), tls_min_version=ssl.TLSVersion.TLSv1_3, **files)
