"""The address of the client of a request.

The server takes it from X-Forwarded-For if the connection comes from one of TRUSTED_PROXIES. No other code reads that
header, which anybody may send.
"""

import ipaddress

from django.http import HttpRequest

# A provider gives a whole network of this size to one customer, who can change the address within it at will.
IPV6_PREFIX_LENGTH = 64


def get_client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address; None when it is unknown or malformed."""
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    return str(address) if address else None


def get_client_network(request: HttpRequest) -> str | None:
    """Return the IPv4 address, or the first address of the IPv6 network, by which clients are told apart."""
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX_LENGTH), strict=False).network_address)
    return str(address) if address else None


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
