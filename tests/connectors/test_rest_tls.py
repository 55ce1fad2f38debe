"""HTTPS to a REST service: the certificate's name and authority are checked, though the address that is connected to was resolved before."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import SourceRefused
from connectors.rest import RestConnector
from connectors.spi import Source, SourceConfig
from tests.connectors.answering import reading

pytestmark = [pytest.mark.anyio, pytest.mark.fast]
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"items": [{"n": 1}]}'


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Signed by itself, for ``localhost`` alone."""
    return self_signed(tmp_path / "service.pem")


def self_signed(path: Path) -> Path:
    """Another one each time."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def secured(certificate: Path) -> AsyncIterator[tuple[int, list[bytes]]]:
    """The port of an HTTPS server, and the heads of the requests that reached it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()
        await server.wait_closed()


def opened(url: str, **options: object) -> Source:
    return RestConnector().open(SourceConfig("city.register", "rest", url, options=options))


async def test_a_certificate_of_a_named_authority_is_accepted(certificate: Path) -> None:
    async with secured(certificate) as (port, heads):
        source = opened(f"https://localhost:{port}", ca_file=str(certificate))
        assert await source.fetch(reading(), {}) == [(1,)]
        assert len(heads) == 1
        await source.close()


async def test_a_source_that_is_opened_anew_trusts_the_authority_that_the_file_holds_by_then(certificate: Path, tmp_path: Path) -> None:
    renewed = self_signed(tmp_path / "renewed.pem")
    async with secured(renewed) as (port, heads):
        before = opened(f"https://localhost:{port}", ca_file=str(certificate))
        with pytest.raises(SourceRefused, match="certificate is not accepted"):
            await before.fetch(reading(), {})
        await asyncio.to_thread(renewed.replace, certificate)
        after = opened(f"https://localhost:{port}", ca_file=str(certificate))
        assert await after.fetch(reading(), {}) == [(1,)]
        assert len(heads) == 1
        await before.close()
        await after.close()


@pytest.mark.parametrize(("host", "named"), [("localhost", False), ("127.0.0.1", True)])
async def test_another_authority_or_name_is_not(certificate: Path, host: str, named: bool) -> None:
    """Nothing is sent to it, and it is not tried again."""
    async with secured(certificate) as (port, heads):
        source = opened(f"https://{host}:{port}", **({"ca_file": str(certificate)} if named else {}))
        with pytest.raises(SourceRefused, match="certificate is not accepted"):
            await source.fetch(reading(), {})
        assert heads == []
        await source.close()
