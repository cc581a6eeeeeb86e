"""Terraform's functions on numbers, conversions, and address blocks."""

import ipaddress
import math
import re

from nexusctl.configuration.arguments import items, number, text, whole
from nexusctl.configuration.conversion import as_number, exact_number
from nexusctl.configuration.values import Failed, Number, Undecided

_MAX_RANGE = 1024
_MAX_BASE = 36


def abs_(value: object) -> Number:
    """Terraform's abs()."""
    return as_number(abs(exact_number(number(value))))


def ceil(value: object) -> Number:
    """Terraform's ceil()."""
    return math.ceil(exact_number(number(value)))


def floor(value: object) -> Number:
    """Terraform's floor()."""
    return math.floor(exact_number(number(value)))


def max_(*values: object) -> Number:
    """Terraform's max()."""
    if not values:
        raise Failed
    return max((number(value) for value in values), key=exact_number)


def min_(*values: object) -> Number:
    """Terraform's min()."""
    if not values:
        raise Failed
    return min((number(value) for value in values), key=exact_number)


def sum_(values: object) -> Number:
    """Terraform's sum()."""
    found = items(values)
    if not found:
        raise Failed
    total = exact_number(number(found[0]))
    for value in found[1:]:
        total = exact_number(as_number(total + exact_number(number(value))))
    return as_number(total)


def parseint(digits: object, base: object) -> int:
    """Terraform's parseint()."""
    found, of = text(digits), whole(base)
    if not 2 <= of <= _MAX_BASE or len(found) > _MAX_RANGE:  # noqa: PLR2004
        raise Undecided
    if not re.fullmatch(r"-?[0-9a-zA-Z]+", found):
        raise Undecided if found.startswith("+") or "_" in found else Failed
    try:
        return int(found, of)
    except ValueError:
        raise Failed from None


def range_(*limits: object) -> list[Number]:
    """Terraform's range()."""
    found = [exact_number(number(limit)) for limit in limits]
    start, end = (exact_number(0), found[0]) if len(found) == 1 else (found[0], found[1])
    step = found[2] if len(found) > 2 else exact_number(1 if start <= end else -1)  # noqa: PLR2004
    if not step or (step > 0) != (start <= end):
        raise Failed if start != end or not step else Undecided
    if all(each.denominator == 1 for each in (start, end, step)):
        whole_numbers = range(int(start), int(end), int(step))
        if len(whole_numbers) > _MAX_RANGE:
            raise Failed
        return list(whole_numbers)
    numbers = list[Number]()
    while (start < end) if step > 0 else (start > end):
        numbers.append(as_number(start))
        start += step
        if len(numbers) > _MAX_RANGE:
            raise Failed
    return numbers


def _network(prefix: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    address, slash, length = text(prefix).partition("/")
    if not slash or not length.isdecimal():
        raise Undecided
    return ipaddress.ip_network(f"{address}/{length}", strict=False)


def cidrhost(prefix: object, host: object) -> str:
    """Terraform's cidrhost()."""
    network, index = _network(prefix), whole(host)
    if not -network.num_addresses <= index < network.num_addresses:
        raise Failed
    return _address(network.network_address + (index % network.num_addresses))


def cidrnetmask(prefix: object) -> str:
    """Terraform's cidrnetmask()."""
    network = _network(prefix)
    if network.version != 4:  # noqa: PLR2004
        raise Failed
    return str(network.netmask)


def cidrsubnet(prefix: object, bits: object, index: object) -> str:
    """Terraform's cidrsubnet()."""
    network, more, which = _network(prefix), whole(bits), whole(index)
    length = network.prefixlen + more
    if more < 0 or length > network.max_prefixlen or not 0 <= which < 2**more:
        raise Failed
    step = 1 << (network.max_prefixlen - length)
    return f"{_address(network.network_address + which * step)}/{length}"


def cidrsubnets(prefix: object, *bits: object) -> list[str]:
    """Terraform's cidrsubnets()."""
    network = _network(prefix)
    position, found = int(network.network_address), []
    for each in bits:
        length = network.prefixlen + whole(each)
        if not network.prefixlen < length <= network.max_prefixlen:
            raise Failed
        step = 1 << (network.max_prefixlen - length)
        position = -(-position // step) * step
        if position + step > int(network.network_address) + network.num_addresses:
            raise Failed
        found.append(f"{_address(type(network.network_address)(position))}/{length}")
        position += step
    return found


def _address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 6 and "." in str(address):  # noqa: PLR2004
        raise Undecided
    return str(address)
