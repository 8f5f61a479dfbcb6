"""From where a request came, and whether requests may come from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ingest.auth.choice import best_of, prepare_all
from ingest.auth.scheme import Presented, Result, Scheme, Verdict

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOCALLY = "unix"
"""What stands for every peer without an address, that is one on a Unix socket."""


def read_network(text: str) -> Network | str:
    """Read an address, a network or ``unix``.

    Raises:
        ValueError: if it is none of these, or has bits set that the network leaves out.
    """
    return text if text == LOCALLY else ip_network(text)


def read_address(text: str) -> Address | None:
    """Read an address as proxies write it, with a port or without; None if it is none.

    >>> read_address("[2001:db8::1]:443"), read_address("192.0.2.1:80"), read_address("::ffff:192.0.2.1")
    (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'), IPv4Address('192.0.2.1'))
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Networks:
    """A list of networks."""

    def __init__(self, networks: Iterable[Network | str]) -> None:
        listed = tuple(networks)
        self._local = LOCALLY in listed
        self._networks = tuple(each for each in listed if not isinstance(each, str))

    def hold(self, address: Address | None) -> bool:
        """Tell whether *address* is in one of them; None is that of a Unix socket."""
        if address is None:
            return self._local
        return any(address in network for network in self._networks)


def client_address(peer: str, headers: Mapping[str, str], proxies: Networks) -> Address | None:
    """Find the nearest address that is not a trusted proxy's.

    ``X-Forwarded-For`` is read from the right, and only as far as trusted proxies wrote it: what stands further
    left is what anybody may have sent. None if that address cannot be told.
    """
    address = read_address(peer)
    for written in reversed(headers.get("x-forwarded-for", "").split(",")):
        if not proxies.hold(address) or not written.strip():
            break
        address = read_address(written)
        if address is None:
            break
    return address


class AllowedAddresses:
    """Lets in by address: alone, or as a condition on other schemes."""

    name = "addresses"

    def __init__(self, allowed: Networks, proxies: Networks, schemes: Sequence[Scheme] = ()) -> None:
        self._allowed = allowed
        self._proxies = proxies
        self._schemes = tuple(schemes)
        self.challenge = ", ".join(scheme.challenge for scheme in self._schemes if scheme.challenge)
        self.reads_body = any(scheme.reads_body for scheme in self._schemes)

    async def prepare(self, presented: Presented) -> None:
        """Prepare what the address does not rule out."""
        if self._allows(presented):
            await prepare_all(self._schemes, presented)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        if not self._allows(presented):
            address = client_address(presented.peer, presented.headers, self._proxies)
            who = f"the address {address}" if address else "an address that cannot be told"
            return Verdict(Result.FORBIDDEN, self.name, f"{who} is not one that may post")
        if not self._schemes:
            return Verdict(Result.ACCEPTED, self.name)
        return best_of(self._schemes, presented)

    def _allows(self, presented: Presented) -> bool:
        return self._allowed.hold(client_address(presented.peer, presented.headers, self._proxies))
