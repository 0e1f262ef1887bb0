"""Every kind of address that must not be reached, and some that may."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.public_addresses import end_of_path, is_public

NOT_PUBLIC = {
    "this host": "0.0.0.0",
    "private 10": "10.1.2.3",
    "carrier": "100.64.0.1",
    "metadata of Alibaba": "100.100.100.200",
    "loopback": "127.0.0.1",
    "another loopback": "127.8.8.8",
    "metadata of most clouds": "169.254.169.254",
    "metadata of ECS": "169.254.170.2",
    "private 172": "172.31.255.255",
    "metadata of Oracle": "192.0.0.192",
    "documentation": "192.0.2.7",
    "6to4 relay": "192.88.99.1",
    "private 192": "192.168.0.1",
    "benchmark": "198.19.0.1",
    "multicast": "224.0.0.1",
    "multicast of discovery": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified": "::",
    "IPv6 loopback": "::1",
    "metadata behind NAT64": "64:ff9b::a9fe:a9fe",
    "loopback behind NAT64": "64:ff9b::7f00:1",
    "local NAT64": "64:ff9b:1::1",
    "loopback behind 6to4": "2002:7f00:1::1",
    "private behind 6to4": "2002:a00:1::1",
    "metadata, IPv4-compatible": "::a9fe:a9fe",
    "public, IPv4-compatible": "::808:808",
    "loopback, IPv4-mapped": "::ffff:127.0.0.1",
    "metadata, IPv4-mapped": "::ffff:a9fe:a9fe",
    "Teredo with a private client": "2001:0:808:808::80ff:fffe",
    "Teredo with a public client": "2001:0:808:808::f7f7:f7f7",
    "ORCHID": "2001:20::1",
    "IPv6 documentation": "2001:db8::1",
    "new documentation": "3fff::1",
    "unique local": "fd00:ec2::254",
    "link-local": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "IPv6 multicast": "ff02::1",
    "discard": "100::1",
    "segment routing": "5f00::1",
    "not given out": "4000::1",
}
PUBLIC = {
    "plain": "8.8.8.8",
    "beside private 172": "172.32.0.1",
    "beside carrier": "100.128.0.1",
    "IPv6": "2606:4700:4700::1111",
    "mapped": "::ffff:8.8.8.8",
    "NAT64 to a public server": "64:ff9b::808:808",
    "6to4 of a public host": "2002:808:808::1",
}


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC.values(), ids=PUBLIC.keys())
def test_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_as_private(address: object) -> None:
    """Python errs in one direction: what it calls private, reserved or multicast is never to be reached."""
    end = end_of_path(ip_address(str(address)))
    if end.is_private or end.is_multicast or end.is_reserved or end.is_loopback or end.is_link_local:
        assert not is_public(ip_address(str(address)))


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0/96", "64:ff9b::/96"]))
def test_an_inner_address_decides(inner: object, prefix: str) -> None:
    outer = ip_address(int(ip_network(prefix).network_address) | int(ip_address(str(inner))))
    assert end_of_path(outer) == inner
    assert is_public(outer) == is_public(ip_address(str(inner)))
