"""Delivery into an S3-compatible store: parts, digests, what is there already, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import obstore
import pytest

from hub.exchange.delivery.config import S3
from hub.exchange.delivery.faults import DeliveryFault, Interrupted
from hub.exchange.delivery.s3 import looked, opened
from hub.exchange.store import FileRecord
from tests.exchange.delivery.parcels import bring, destination, parcel, stopping_at
from tests.servers.s3 import S3Server, running_s3

pytestmark = pytest.mark.slow
SECRET = "the-secret-key"
_numbers = count()


@pytest.fixture
def where(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3:
    """A prefix in a bucket of its own."""
    monkeypatch.setenv("STORE_SECRET", SECRET)
    # Nothing of the hub's own environment leads elsewhere.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bucket = f"bucket-{next(_numbers)}"
    s3.make_bucket(bucket)
    return store(tmp_path, bucket, s3.endpoint)


def store(directory: Path, bucket: str, endpoint: str, **options: Any) -> S3:
    about = {"endpoint": endpoint, "access_key": "KEY", "allow_http": True, "part_mib": 5, **options}
    found = destination(directory, kind="s3", url=f"s3://{bucket}/from/hub", secret="env:STORE_SECRET", options=about)
    assert isinstance(found, S3)
    return found


def objects(where: S3) -> dict[str, int]:
    found, _ = opened(where)
    return {each["path"]: each["size"] for part in obstore.list(found) for each in part}


def large(what: Any, megabytes: int) -> Any:
    """The parcel with a first file of so many parts."""
    import hashlib

    content = b"".join(bytes([n]) * (1 << 20) for n in range(megabytes)) + b"the end"
    (what.folder / "data-00001.parquet").write_bytes(content)
    file = FileRecord("data-00001.parquet", 50, len(content), hashlib.sha256(content).hexdigest())
    return replace(what, files=(file, *what.files[1:]))


def test_files_in_parts_then_the_manifest_once(tmp_path: Path, where: S3) -> None:
    what = large(parcel(tmp_path), 12)
    assert bring(where, what, tmp_path)
    found, _ = opened(where)
    assert objects(where) == {f"exchange_a/{file.name}": file.bytes for file in what.files} | {"exchange_a/manifest.json": len(what.manifest)}
    for file in what.files:
        answer = obstore.get(found, f"exchange_a/{file.name}")
        assert answer.attributes["huitong-sha256"] == file.sha256
        assert bytes(answer.bytes()) == (what.folder / file.name).read_bytes()
    assert json.loads(bytes(obstore.get(found, "exchange_a/manifest.json").bytes())) == json.loads(what.manifest)
    assert not bring(where, what, tmp_path)


@pytest.mark.parametrize("calls", [1, 3, 6])
def test_what_is_interrupted_leaves_whole_objects_alone_and_is_completed(tmp_path: Path, where: S3, calls: int) -> None:
    what = large(parcel(tmp_path), 12)
    with pytest.raises(Interrupted):
        bring(where, what, tmp_path, stopping_at(calls, Interrupted))
    assert "exchange_a/manifest.json" not in objects(where)
    assert set(objects(where).values()) <= {file.bytes for file in what.files}
    assert bring(where, replace(what, attempt=2), tmp_path)
    assert len(objects(where)) == 3


def test_a_file_that_is_not_what_the_manifest_says_does_not_arrive(tmp_path: Path, where: S3) -> None:
    what = large(parcel(tmp_path), 12)
    with (what.folder / "data-00001.parquet").open("r+b") as file:
        file.write(b"\xff")
    with pytest.raises(DeliveryFault) as fault:
        bring(where, what, tmp_path)
    assert (fault.value.code.value, fault.value.lasting) == ("INTERNAL", True)
    assert objects(where) == {}


@pytest.mark.parametrize("name", ["data-00001.parquet", "manifest.json"])
def test_what_others_put_there_is_not_overwritten(tmp_path: Path, where: S3, name: str) -> None:
    found, _ = opened(where)
    obstore.put(found, f"exchange_a/{name}", b"of somebody else")
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), tmp_path)
    assert (fault.value.code.value, fault.value.lasting) == ("CONFLICT", True)
    assert bytes(obstore.get(found, f"exchange_a/{name}").bytes()) == b"of somebody else"


def test_a_look_at_a_bucket_that_is_missing_says_so(tmp_path: Path, where: S3, s3: S3Server) -> None:
    """To whoever checks destinations, before the first delivery: that the store could not be used would be looked for in the network."""
    looked(where)
    with pytest.raises(DeliveryFault) as fault:
        looked(store(tmp_path, "no-such-bucket", s3.endpoint))
    assert "the bucket does not exist" in fault.value.reason


@pytest.fixture(scope="module")
def strict() -> Iterator[tuple[S3Server, dict[str, tuple[str, str]]]]:
    """A store that looks at keys, signatures and policies, with a bucket of the name ``kept``; keys and their secrets."""
    with running_s3() as server:
        server.make_bucket("kept")
        keys = {"writer": server.make_key("writer", "s3:*"), "reader": server.make_key("reader", "s3:GetObject", "s3:ListBucket")}
        server.be_strict()
        yield server, keys


@pytest.mark.parametrize(
    ("who", "key", "secret", "told"),
    [
        ("writer", None, None, None),
        ("writer", "NOBODYS", None, "refuses the access key;"),
        ("writer", None, "another", "refuses the access key;"),
        ("reader", None, None, "may not do enough"),
    ],
)
def test_a_store_that_is_strict(
    tmp_path: Path,
    strict: tuple[S3Server, dict[str, tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    key: str | None,
    secret: str | None,
    told: str | None,
) -> None:
    """A look says what a delivery would come to, and leaves nothing; a key that may read alone is no wrong key."""
    server, keys = strict
    monkeypatch.setenv("STORE_SECRET", secret or keys[who][1])
    where = store(tmp_path, "kept", server.endpoint, access_key=key or keys[who][0])
    if told is None:
        looked(where)
        assert objects(where) == {}
        assert bring(where, parcel(tmp_path), tmp_path)
        # Who may only read would find it delivered.
        obstore.delete(opened(where)[0], list(objects(where)))
        return
    for attempt in (lambda: looked(where), lambda: bring(where, parcel(tmp_path), tmp_path)):
        with pytest.raises(DeliveryFault) as fault:
            attempt()
        assert not fault.value.lasting
        assert told in fault.value.reason or "look at access_key and secret" in fault.value.reason
        assert not [word for word in (*keys[who], secret or who, "127.0.0.1") if word in fault.value.reason]
    with pytest.raises(DeliveryFault, match=told):
        looked(where)


def test_what_cannot_be_reached_is_told_without_the_secret(tmp_path: Path, where: S3, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for wrong in (store(tmp_path, "no-such-bucket", s3.endpoint), store(tmp_path, "bucket", "http://127.0.0.1:9")):
        with pytest.raises(DeliveryFault) as fault:
            bring(wrong, parcel(tmp_path), tmp_path)
        told.append((fault.value.reason, fault.value.lasting))
    monkeypatch.delenv("STORE_SECRET")
    with pytest.raises(DeliveryFault) as fault:
        bring(where, parcel(tmp_path), tmp_path)
    told.append((fault.value.reason, fault.value.lasting))
    assert [("bucket does not exist" in told[0][0]), ("cannot be used now" in told[1][0]), ("secret cannot be read" in told[2][0])] == [True] * 3
    assert {lasting for _, lasting in told} == {False}
    assert not any(word in reason for reason, _ in told for word in (SECRET, "STORE_SECRET", "127.0.0.1"))
