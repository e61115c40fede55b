"""PayerAddress: which network address can be a payer's own, as a gateway must see it."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_NEVER = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "carrier-grade NAT": ("100.64.0.0/10",),
    "multicast or reserved": ("224.0.0.0/3", "ff00::/8"),
}
_NEAR = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}


def _ranges(kinds: dict[str, tuple[str, ...]]) -> tuple[tuple[str, IPv4Network | IPv6Network], ...]:
    return tuple((kind, ip_network(each)) for kind, ranges in kinds.items() for each in ranges)


_NEVER_PAYERS = _ranges(_NEVER)
_NOT_FROM_AFAR = _ranges(_NEVER | _NEAR)


def why_no_payers_address(text: str, *, gateway_is_local: bool) -> str | None:
    """
    Say what is wrong with an address as a payer's own, or None: nothing.

    A shop's server that forwards its own address, or a proxy's, binds the page to a
    machine that pays nothing. Where the gateway itself is on loopback, payers are
    there or in the same house. ``ipaddress`` calls ranges for documentation private, so
    the ranges are named here. The answer never repeats the address.
    """
    try:
        address = _plain(ip_address(text))
    except ValueError:
        return "no IP address"
    for kind, network in _NEVER_PAYERS if gateway_is_local else _NOT_FROM_AFAR:
        if address in network:
            return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} address"
    return None


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside an IPv6 one; a zone is meaningless elsewhere."""
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        message = "an address with a zone is only good on its own link"
        raise ValueError(message)
    return address.ipv4_mapped or address
