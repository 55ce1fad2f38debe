"""Delivery into an S3-compatible store: a prefix of its own for each exchange, uploads in parts, digests beside each object, the manifest last."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigFault
from connectors.secrets import read_secret
from hub.exchange.delivery.config import S3
from hub.exchange.delivery.faults import DeliveryFault, foreign, unreachable
from hub.exchange.delivery.target import MANIFEST, Go, Parcel, Target, pieces
from hub.exchange.store import FileRecord
from schema.faults import Code

if TYPE_CHECKING:
    from obstore.store import S3Store

_SHA256, _FILES = "huitong-sha256", "huitong-files"
"""Metadata of an object: its own digest, and that of the files of which a manifest tells."""
_KEY_REFUSED = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch"})
_REHEARSAL = ".huitong-check"
_PARTS_AT_ONCE = 3
_ATTEMPTS, _SECONDS = 3, 60


@contextmanager
def s3_target(destination: S3, parcel: Parcel) -> Iterator[Target]:
    """The prefix in the bucket. Errors of the store are told without their texts, which quote addresses and answers."""
    store, exceptions = opened(destination)
    with _told(exceptions):
        yield S3Target(store, destination, parcel)


def looked(destination: S3) -> None:
    """Lists what lies under the prefix, leaves it at the first, and begins an upload that is broken off before its first byte: no object comes of it.

    Raises:
        DeliveryFault: the bucket cannot be reached, is not there, or may not be written into.
    """
    import obstore

    store, exceptions = opened(destination)
    with _told(exceptions), suppress(_Enough):
        next(iter(obstore.list(store, chunk_size=1)), None)
        obstore.put(store, _REHEARSAL, _nothing())


class _Enough(Exception):
    """The upload could have gone on."""


def _nothing() -> Iterator[bytes]:
    raise _Enough
    yield b""


@contextmanager
def _told(exceptions: Any) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _no_bucket() from None
    except exceptions.BaseError as fault:
        # The driver makes classes of its own of a 403 and a 404 for objects, not for lists.
        refused = isinstance(fault, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError))
        raise _of_answer(str(fault), refused) from None


def _of_answer(text: str, refused: bool) -> DeliveryFault:
    """What an answer of the store comes to, by the code that it names; answers to HEAD name none."""
    code = found[1] if (found := re.search(r"<Code>(\w+)</Code>", text)) else ""
    if code == "NoSuchBucket":
        return _no_bucket()
    if code in _KEY_REFUSED:
        return DeliveryFault(Code.SOURCE_UNAVAILABLE, "对象存储拒绝了访问密钥", "the store refuses the access key; look at access_key and secret")
    if code == "AccessDenied":
        return DeliveryFault(
            Code.SOURCE_UNAVAILABLE,
            "访问密钥在对象存储中的权限不足：须可列举该桶，并在前缀下读取、写入",
            "the access key may not do enough in the store: it has to list the bucket, and to read and write under the prefix",
        )
    if refused:
        return DeliveryFault(
            Code.SOURCE_UNAVAILABLE,
            "对象存储拒绝了访问密钥，或其权限不足：须可列举该桶，并在前缀下读取、写入",
            "the store refuses the access key (look at access_key and secret), or it may not do enough: list the bucket, read and write under the prefix",
        )
    return unreachable("对象存储暂不可用", "the store cannot be used now")


def _no_bucket() -> DeliveryFault:
    return DeliveryFault(Code.SOURCE_UNAVAILABLE, "存储桶不存在", "the bucket does not exist")


def opened(destination: S3) -> tuple[S3Store, Any]:
    """The store, and the classes of its errors.

    Raises:
        DeliveryFault: its driver or its secret is missing.
    """
    try:
        from obstore import exceptions
        from obstore.store import S3Store
    except ImportError:
        raise DeliveryFault(Code.INTERNAL, "未安装对象存储组件", "the store's driver is not installed: pip install 'huitong[s3]'") from None
    options = destination.options
    try:
        secret = read_secret(destination.code, destination.secret)
    except ConfigFault:
        raise DeliveryFault(Code.INTERNAL, "目标的密钥无法读取", "the destination's secret cannot be read (huitong doctor)") from None
    store = S3Store(
        destination.bucket,
        prefix=destination.prefix or None,
        # By this name no environment variable stands over it.
        aws_endpoint_url_s3=options.endpoint,
        region=options.region,
        access_key_id=options.access_key,
        secret_access_key=secret or "",
        virtual_hosted_style_request=options.virtual_host,
        client_options={"allow_http": options.allow_http, "connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=300)},
        retry_config={"max_retries": _ATTEMPTS, "retry_timeout": timedelta(seconds=_SECONDS)},
    )
    return store, exceptions


class S3Target:
    """The objects of one exchange."""

    def __init__(self, store: S3Store, destination: S3, parcel: Parcel) -> None:
        self._store = store
        self._part = destination.options.part_mib << 20
        self._parcel = parcel
        self.place = f"s3://{destination.bucket}/{destination.prefix + '/' if destination.prefix else ''}{parcel.exchange}/"

    def there(self) -> bool:
        """The manifest is, and tells of the same files."""
        found = self._metadata(MANIFEST)
        if found is None:
            return False
        if found.get(_FILES) != self._parcel.digest:
            raise foreign(MANIFEST)
        return True

    def deliver(self, go: Go) -> None:
        """An object that is there already with this digest is not sent again."""
        rows = sent = 0
        for file in self._parcel.files:
            go(rows, sent)
            held = self._metadata(file.name)
            if held is None:
                self._send(file, go, rows, sent)
            elif held.get(_SHA256) != file.sha256:
                raise foreign(file.name)
            rows, sent = rows + file.rows, sent + file.bytes
        go(rows, sent)
        manifest = self._parcel.manifest
        self._put(MANIFEST, manifest, {_SHA256: hashlib.sha256(manifest).hexdigest(), _FILES: self._parcel.digest}, len(manifest))

    def _send(self, file: FileRecord, go: Go, rows: int, sent: int) -> None:
        """The last part is held back until the file was seen to be what it should: an upload that is broken off leaves no object."""

        stopped: list[BaseException] = []

        def asking() -> Iterator[bytes]:
            done = sent
            try:
                for piece in pieces(self._parcel, file, self._part):
                    go(rows, done)
                    yield piece
                    done += len(piece)
            except BaseException as fault:
                stopped.append(fault)
                raise

        content = asking()
        try:
            self._put(file.name, content if file.bytes > self._part else b"".join(content), {_SHA256: file.sha256}, file.bytes)
        except Exception:
            # The driver puts an error of its own in the place of what ended the parts.
            if stopped:
                raise stopped[0] from None
            raise

    def _put(self, name: str, content: bytes | Iterator[bytes], metadata: dict[str, str], size: int) -> None:
        import obstore

        path = f"{self._parcel.exchange}/{name}"
        obstore.put(self._store, path, content, attributes=dict(metadata), chunk_size=self._part, max_concurrency=_PARTS_AT_ONCE)
        if self._metadata(name) != metadata or obstore.head(self._store, path)["size"] != size:
            raise DeliveryFault(Code.INTERNAL, f"{name} 写入后与原文件不符", f"{name} is not what was sent")

    def _metadata(self, name: str) -> dict[str, str] | None:
        """The hub's own metadata of an object; ``None`` where there is none of that name."""
        import obstore

        path = f"{self._parcel.exchange}/{name}"
        try:
            found = obstore.get(self._store, path, options={"head": True})
        except FileNotFoundError:
            return None
        return {key: value for key, value in found.attributes.items() if key in (_SHA256, _FILES)}
