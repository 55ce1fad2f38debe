"""The exchange's own authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from hub.exchange.executors.certificates import HUB, SCHEDULER, CertificateFault, Wanted, make_certificates
from hub.exchange.executors.dask_tls import DaskFault, Tls

pytestmark = pytest.mark.fast
WANTED = [Wanted(HUB, ()), Wanted(SCHEDULER, ("exchange.city.example", "10.1.2.3", "::1"))]


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_certificates_are_of_the_authority_and_keys_for_their_owner_alone(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls", WANTED, 30)
    assert {path.name for path in made} == {f"{name}.{end}" for name in ("ca", "hub", "scheduler") for end in ("pem", "key")}
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
    ca, scheduler, hub = (read(tmp_path / "tls" / f"{name}.pem") for name in ("ca", "scheduler", "hub"))
    builder = PolicyBuilder().store(Store([ca]))
    for host in ("exchange.city.example",):
        builder.build_server_verifier(x509.DNSName(host)).verify(scheduler, [])
    builder.build_client_verifier().verify(hub, [])
    with pytest.raises(VerificationError):
        builder.build_server_verifier(x509.DNSName("other.city.example")).verify(scheduler, [])
    assert hub.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    assert timedelta(days=29) < scheduler.not_valid_after_utc - datetime.now(UTC) < timedelta(days=30)
    for name in ("hub", "scheduler"):
        Tls(tmp_path / "tls/ca.pem", tmp_path / f"tls/{name}.pem", tmp_path / f"tls/{name}.key").check()


def test_what_is_there_stays_until_it_is_to_be_renewed(tmp_path: Path) -> None:
    make_certificates(tmp_path, WANTED, 30)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make_certificates(tmp_path, WANTED, 30) == []
    assert [path.name for path in make_certificates(tmp_path, [*WANTED, Wanted("worker", ("10.1.2.4",))], 30)] == ["worker.pem", "worker.key"]
    make_certificates(tmp_path, WANTED, 60, renew=True)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after["ca.pem"] == before["ca.pem"]
    assert after["hub.pem"] != before["hub.pem"]
    PolicyBuilder().store(Store([read(tmp_path / "ca.pem")])).build_client_verifier().verify(read(tmp_path / "hub.pem"), [])


def test_half_an_authority_is_not_replaced(tmp_path: Path) -> None:
    make_certificates(tmp_path, WANTED, 30)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(CertificateFault, match=r"ca\.key"):
        make_certificates(tmp_path, WANTED, 30)
    assert not (tmp_path / "ca.key").exists()


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    make_certificates(tmp_path, WANTED, 30)
    ca, cert, key = (tmp_path / name for name in ("ca.pem", "hub.pem", "hub.key"))
    with pytest.raises(DaskFault, match=r"none\.pem"):
        Tls(tmp_path / "none.pem", cert, key).check()
    with pytest.raises(DaskFault, match=r"hub\.pem"):
        Tls(ca, cert, tmp_path / "scheduler.key").check()
    with pytest.raises(DaskFault, match=r"hub\.key"):
        Tls(ca, key, key).check()
    key.chmod(0o644)
    with pytest.raises(DaskFault, match="chmod 600"):
        Tls(ca, cert, key).check()


def test_a_certificate_that_has_run_out_is_told(tmp_path: Path) -> None:
    make_certificates(tmp_path, [Wanted(HUB, ())], 0)
    with pytest.raises(DaskFault, match="run out"):
        Tls(tmp_path / "ca.pem", tmp_path / "hub.pem", tmp_path / "hub.key").check()
