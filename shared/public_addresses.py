"""Which addresses belong to the public internet, by where a packet to them ends.

`ipaddress.is_global` asks whether an address is routed, and answers differently in different patches of Python: it is
True for an IPv6 address that a gateway turns into 127.0.0.1 or into a cloud's metadata service, for multicast and for
site-local addresses. So the special blocks of IANA's registries stand here, and an IPv4 address inside an IPv6 one is
judged by itself.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_SPECIAL_IPV4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' address translation; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4, deprecated
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that has been given out; loopback, private, link-local, site-local, multicast and `::/96` lie outside of it."""

_SPECIAL_IPV6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, among them Teredo, whose addresses carry two IPv4 addresses
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")


def end_of_path(address: IPAddress) -> IPAddress:
    """Where a packet to `address` arrives: the IPv4 address inside a mapped, NAT64 or 6to4 address, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _IPV4_MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return address


def is_public(address: IPAddress) -> bool:
    """Whether a packet to `address` ends at a unicast host of the public internet.

    Teredo (2001::/32) and IPv4-compatible addresses (::/96) are refused whatever they carry: both are deprecated, and
    no public server is reached by them.
    """
    end = end_of_path(address)
    if isinstance(end, IPv4Address):
        return not any(end in block for block in _SPECIAL_IPV4)
    return end in _GLOBAL_UNICAST and not any(end in block for block in _SPECIAL_IPV6)


def parse_network(text: str) -> IPNetwork:
    """`10.0.0.0/8`, `fd00::/8` or a single address.

    Raises:
        ValueError: it is none.
    """
    return ip_network(text.strip())
