"""Connections to addresses that others choose are made to public addresses only."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from omnichannel.core.network.public_http import LimitedAdapter, PrivateAddressError, is_public_address

PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]
PRIVATE_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1.1.1.1",
    "64:ff9b:1:ffff::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:101:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", LimitedAdapter())
        yield session


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let each look-up of a name return the next answer, the last one repeatedly; return the list of names."""
    names: list[str] = []
    remaining = list(answers)
    resolve = socket.getaddrinfo

    def fake(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host)[-1].isalpha():
            return resolve(host, port, *args, **kwargs)
        names.append(host)
        addresses = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return names


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_addresses_on_the_internet_are_public(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_other_addresses_are_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_not_connected_to(session: requests.Session, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        with pytest.raises((PrivateAddressError, requests.exceptions.InvalidURL)):
            session.get(f"https://{host}:{server.getsockname()[1]}/", timeout=5)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_name_with_one_private_address_among_others_is_refused(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, ["1.1.1.1", "127.0.0.1"])
    with pytest.raises(PrivateAddressError):
        session.get("https://files.example/", timeout=5)


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = resolve_to(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(AssertionError, match=r"93\.184\.216\.34"):  # the guard of the tests
        session.get("https://files.example/", timeout=5)
    assert names == ["files.example"]
