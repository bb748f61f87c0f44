"""HTTP connections to addresses that others choose: only to public ones, and with a time limit for the whole exchange.

The address is checked on the connection itself. A check before the connection would not help: the name may resolve to
another address a moment later (DNS rebinding).
"""

import contextlib
import ipaddress
import socket
import threading
import time
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final

from requests import Timeout
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses that Python calls global, though no host on the internet answers at them, or not the host they name.
REFUSED_NETWORKS: Final = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # relay of 6to4
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "2002::/16",  # 6to4, which contains an IPv4 address
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
]
GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052; the last 32 bits are an IPv4 address


class PrivateAddressError(Exception):
    """The host's address is not a public one."""


def is_public_address(text: str) -> bool:
    """Return whether the IP address is one of a host on the internet.

    An IPv6 address that contains an IPv4 address is judged by that one if a gateway may translate it (IPv4-mapped,
    NAT64), and refused otherwise.
    """
    address: IPAddress = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        elif address not in GLOBAL_UNICAST:
            return False
    is_refused = any(address in network for network in REFUSED_NETWORKS if network.version == address.version)
    return address.is_global and not address.is_multicast and not is_refused


class Deadline:
    """A time limit for all connections that this thread opens in a `with` block: afterwards they are broken off."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._break_off)
        self._timer.daemon = True
        self._sockets: list[Any] = []
        self._lock = threading.Lock()
        self._token: Token[Deadline | None] | None = None

    def __enter__(self) -> "Deadline":
        self._token = current_deadline.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._token is not None:
            current_deadline.reset(self._token)

    def get_remaining_seconds(self) -> float:
        return self._ends_at - time.monotonic()

    def raise_if_over(self) -> None:
        """Raise requests.Timeout when the time is over: what was read until then may lack its end."""
        if self.get_remaining_seconds() <= 0:
            raise Timeout("The time for the whole exchange is over.")

    def watch(self, connection: Any) -> None:
        """Break off this connected socket, too, when the time is over."""
        with self._lock:
            self._sockets.append(connection)
        if self.get_remaining_seconds() <= 0:
            self._break_off()

    def _break_off(self) -> None:
        with self._lock:
            for connection in self._sockets:
                # A thread that reads from the socket wakes up; closing it would not wake it.
                with contextlib.suppress(OSError):  # it is closed already
                    connection.shutdown(socket.SHUT_RDWR)


current_deadline: ContextVar[Deadline | None] = ContextVar("current_deadline", default=None)


class LimitedHTTPConnection(HTTPConnection):
    """A connection under the current deadline."""

    def connect(self) -> None:
        super().connect()
        _watch(self.sock)


class PublicHTTPSConnection(HTTPSConnection):
    """A connection under the current deadline that is made to a public address only."""

    def connect(self) -> None:
        super().connect()
        _watch(self.sock)

    def _new_conn(self) -> socket.socket:
        """Connect to one of the addresses that were checked.

        Raises:
            PrivateAddressError: one of the host's addresses is not public.
        """
        failure: Exception = NewConnectionError(self, "The host has no address.")
        for address in self._resolve_host():
            try:
                return create_connection(
                    (address, self.port),
                    self._get_timeout(),
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except TimeoutError:
                failure = ConnectTimeoutError(self, f"Connection to {self.host} timed out.")
            except OSError as error:
                failure = NewConnectionError(self, f"Failed to establish a new connection: {error}")
        raise failure

    def _resolve_host(self) -> list[str]:
        host = self._dns_host.strip("[]")
        try:
            answers = socket.getaddrinfo(host.encode("idna").decode("ascii"), self.port, proto=socket.IPPROTO_TCP)
        except UnicodeError as error:
            raise LocationParseError(f"'{host}', label empty or too long") from error
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        addresses = list(dict.fromkeys(str(socket_address[0]) for *_rest, socket_address in answers))
        if not all(map(is_public_address, addresses)):
            raise PrivateAddressError(self.host)
        return addresses

    def _get_timeout(self) -> float | None:
        deadline = current_deadline.get()
        if deadline is None:
            return self.timeout
        remaining = deadline.get_remaining_seconds()
        if remaining <= 0:
            raise ConnectTimeoutError(self, "The time for the whole exchange is over.")
        return min(self.timeout or remaining, remaining)


def _watch(connection: Any) -> None:
    deadline = current_deadline.get()
    if deadline is not None:
        deadline.watch(connection)


class _LimitedPool(HTTPConnectionPool):
    ConnectionCls = LimitedHTTPConnection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = PublicHTTPSConnection


class LimitedAdapter(HTTPAdapter):
    """Adapter of `requests` that opens the connections above: https to public addresses, http to any."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _LimitedPool, "https": _PublicPool}
