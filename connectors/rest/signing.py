"""Signs requests with an HMAC (RFC 2104) whose bytes the catalog declares."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable

import httpx2
from cryptography.hazmat.primitives import hashes, hmac

from connectors.rest.options import Signature

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {"HMAC-SHA256": hashes.SHA256, "HMAC-SM3": hashes.SM3}


class Signer:
    """Signs the parts in ``signs``, in that order, joined by line feeds (0x0A), without one at the end; all as UTF-8.

    ``method``: upper case. ``path``: path and query as they stand in the request line. ``timestamp``: decimal, Unix time.
    ``body``: lower-case hexadecimal of the body's SHA-256, of its SM3 for HMAC-SM3; of no bytes where there is no body.
    ``key_id``: ``client_id``. The key is the secret's UTF-8.
    """

    def __init__(self, signature: Signature, key_id: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._signature = signature
        self._key_id = key_id
        self._secret = secret.encode()
        self._clock = clock

    def sign(self, request: httpx2.Request) -> None:
        """Sets the headers."""
        signature = self._signature
        now = self._clock()
        parts = {
            "method": request.method,
            "path": request.url.raw_path.decode("ascii"),
            "timestamp": str(int(now * 1000) if signature.time == "milliseconds" else int(now)),
            "body": self._digest(request.content).hex(),
            "key_id": self._key_id,
        }
        signed = self._mac("\n".join(parts[part] for part in signature.signs).encode())
        text = signed.hex() if signature.encoding == "hex" else b64encode(signed).decode("ascii")
        request.headers[signature.signature] = signature.prefix + text
        if signature.timestamp is not None:
            request.headers[signature.timestamp] = parts["timestamp"]
        if signature.key_id is not None:
            request.headers[signature.key_id] = self._key_id

    def _digest(self, content: bytes) -> bytes:
        digest = hashes.Hash(_HASHES[self._signature.algorithm]())
        digest.update(content)
        return digest.finalize()

    def _mac(self, content: bytes) -> bytes:
        mac = hmac.HMAC(self._secret, _HASHES[self._signature.algorithm]())
        mac.update(content)
        return mac.finalize()
