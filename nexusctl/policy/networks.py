"""CIDR blocks: which are so large that they stand for everywhere."""

from ipaddress import IPv4Network, IPv6Network, ip_network

# 10.0.0.0/8 is the largest private network there is: what is larger has public addresses in it.
LARGEST_NETWORK = 8


def network_of(address: object) -> IPv4Network | IPv6Network | None:
    """The network of a CIDR block; None where it is none."""
    try:
        return ip_network(str(address), strict=False)
    except ValueError:
        return None


def is_everywhere(address: object) -> bool:
    """Whether a CIDR block is larger than any private network, as 0.0.0.0/0 and its halves are."""
    network = network_of(address)
    return network is not None and network.prefixlen < LARGEST_NETWORK
