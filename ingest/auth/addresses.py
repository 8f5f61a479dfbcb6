"""From where a request came, and whether requests may come from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from ingest.auth.choice import best_of, prepare_all
from ingest.auth.scheme import Presented, Result, Scheme, Verdict

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOCALLY: Literal["unix"] = "unix"
"""Stands for a peer without an address, that is one on a Unix socket."""

Origin = Address | Literal["unix"]


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

    def hold(self, origin: Origin | None) -> bool:
        """Tell whether *origin* is in one of them; one that cannot be told is in none."""
        if origin is None:
            return False
        return self._local if origin == LOCALLY else any(origin in network for network in self._networks)


def read_peer(peer: str) -> Origin | None:
    """Read the address at the other end of the connection; a Unix socket has none."""
    return read_address(peer) if peer else LOCALLY


def client_address(peer: str, headers: Mapping[str, str], proxies: Networks) -> Origin | None:
    """Find the nearest address that is not a trusted proxy's.

    ``X-Forwarded-For`` is read from the right, and only as far as trusted proxies wrote it: what stands further
    left is what anybody may have sent. None if that address cannot be told.
    """
    origin = read_peer(peer)
    forwarded = headers.get("x-forwarded-for", "")
    for written in reversed(forwarded.split(",") if forwarded else ()):
        if not proxies.hold(origin):
            break
        origin = read_address(written)
    return origin


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
            origin = client_address(presented.peer, presented.headers, self._proxies)
            who = f"the address {origin}" if origin else "an address that cannot be told"
            return Verdict(Result.FORBIDDEN, self.name, f"{who} is not one that may post")
        if not self._schemes:
            return Verdict(Result.ACCEPTED, self.name)
        return best_of(self._schemes, presented)

    def _allows(self, presented: Presented) -> bool:
        return self._allowed.hold(client_address(presented.peer, presented.headers, self._proxies))
