"""Which addresses the hub asks: those that the catalog declares, and never those of machines' own metadata."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

FORBIDDEN = tuple(
    ip_network(block)
    for block in (
        "169.254.0.0/16",  # link-local, RFC 3927; metadata of most clouds
        "fe80::/10",  # link-local, RFC 4291 §2.5.6
        "fd00:ec2::254/128",  # metadata of Amazon's cloud
        "fd20:ce::254/128",  # metadata of Google's cloud
        "100.100.100.200/32",  # metadata of Alibaba's cloud
        "0.0.0.0/32",
        "::/128",
    )
)
_FORM = "write http://HOST:PORT or https://HOST/BASE, nothing behind it"
_NAT64 = ip_network("64:ff9b::/96")


def forbidden(address: str) -> bool:
    """An IP address, as text, to which no request goes, whatever form it is written in. What is no IP address is not forbidden."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(each in network for each in (ip, *_embedded(ip)) for network in FORBIDDEN if each.version == network.version)


def _embedded(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses inside an IPv6 one: mapped (RFC 4291), 6to4 (RFC 3056), NAT64 (RFC 6052)."""
    if not isinstance(ip, IPv6Address):
        return []
    nat64 = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
    return [each for each in (ip.ipv4_mapped, ip.sixtofour, nat64) if each is not None]


def check_address(url: str) -> str:
    """A service's address.

    Raises:
        ValueError: it is none, or is one that is never asked; says why without naming it.
    """
    try:
        address = urlsplit(url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError as error:
        raise ValueError(f"is no address of a service; {_FORM}") from error
    if not sound or address.query or address.fragment or "?" in url or "#" in url or "\\" in url or not url.isprintable() or " " in url:
        raise ValueError(f"is no address of a service; {_FORM}")
    if address.username is not None or address.password is not None:
        raise ValueError("holds credentials; take them out and use `auth` and `secret`")
    if dotted(address.path):
        raise ValueError("holds a '.' or '..' segment; write the path as it is")
    if not _askable(url):
        raise ValueError(f"holds a host name or number that cannot be asked; {_FORM}")
    if forbidden(address.hostname or ""):
        raise ValueError("is link-local or a cloud's metadata service, which is never asked; name the service itself")
    return url


def _askable(url: str) -> bool:
    """Names of hosts follow IDNA 2008 (RFC 5891), numbers RFC 3986 §3.2.2."""
    from httpx2 import URL, InvalidURL

    try:
        return bool(URL(url).raw_host)
    except (InvalidURL, UnicodeError):
        return False


def dotted(path: str) -> bool:
    """A segment of the path is ``.`` or ``..``, also where it is percent-encoded once or twice."""
    return bool({".", ".."} & set(unquote(unquote(path)).replace("\\", "/").split("/")))
