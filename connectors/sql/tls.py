"""TLS to a database, by the names that libpq has for it (PostgreSQL documentation, §34.19 SSL Support)."""

from __future__ import annotations

import ssl

from connectors.errors import ConfigFault

_MODES = ("disable", "require", "verify-ca", "verify-full")


def tls_context(source: str, mode: object, authority: object) -> ssl.SSLContext | None:
    """What a driver connects with: encrypted for ``require``, with the server's certificate checked for ``verify-ca``, and its name for ``verify-full``.

    ``authority`` is a file of certificates (PEM) to trust in the place of the system's. ``None`` is plain text.

    Raises:
        ConfigFault: the mode is not known, or the file cannot be read.
    """
    if mode is None or mode == "disable":
        if authority is None:
            return None
        raise ConfigFault(f"{source}: `ssl_ca` without TLS", "add ssl=verify-full, or take ssl_ca out")
    if mode not in _MODES:
        raise ConfigFault(f"{source}: `ssl` is none of {', '.join(_MODES)}", "write ssl=verify-full")
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigFault(f"{source}: the file that `ssl_ca` names holds no certificates", "name a PEM file that the hub's user may read") from error
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_NONE if mode == "require" else ssl.CERT_REQUIRED
    return context
