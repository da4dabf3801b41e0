"""A bridge on the host and a veth pair for each container (pyroute2).

The peer is born inside the container's network namespace; the container's first process gives it
its address by ioctl, so that nobody has to enter. A pair dies with its container; the bridge goes
with its last port.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from typing import Any

BRIDGE = "minihv0"
NETWORK, PREFIX, MASK = "10.213", 16, "255.255.0.0"
GATEWAY = f"{NETWORK}.0.1"
SIOCADDRT, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x890B, 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
IFF_UP, RTF_UP, RTF_GATEWAY = 1, 1, 2


def attach(pid: int, name: str, number: int) -> str:
    """Make the pair `name` - eth0 in the namespace of `pid`; return the container's address."""
    from pyroute2 import IPRoute

    with IPRoute() as links:
        bridge = ensure_bridge(links)
        links.link("add", ifname=name, kind="veth", peer={"ifname": "eth0", "net_ns_pid": pid})
        links.link("set", ifname=name, master=bridge, state="up")
    host = number % 65532 + 2
    return f"{NETWORK}.{host >> 8}.{host & 255}"


def ensure_bridge(links: Any) -> int:
    """Return the index of the bridge, made with its address if it is not there."""
    found = links.link_lookup(ifname=BRIDGE)
    if found:
        return int(found[0])
    links.link("add", ifname=BRIDGE, kind="bridge")
    index = int(links.link_lookup(ifname=BRIDGE)[0])
    links.addr("add", index=index, address=GATEWAY, prefixlen=PREFIX)
    links.link("set", index=index, state="up")
    return index


def detach(name: str) -> None:
    """Remove the pair if it is still there, and the bridge if it has no port left."""
    from pyroute2 import IPRoute, NetlinkError

    with IPRoute() as links:
        for index in links.link_lookup(ifname=name):
            with contextlib.suppress(NetlinkError):  # it went by itself, with its namespace
                links.link("del", index=index)
        for index in links.link_lookup(ifname=BRIDGE):
            if not links.link_lookup(master=index):
                with contextlib.suppress(NetlinkError):
                    links.link("del", index=index)


def link_up(name: str) -> None:
    """Switch a device of this network namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        before = fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16s16x", name.encode()))
        flags = struct.unpack("16xH14x", before)[0]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags | IFF_UP))


def configure(address: str) -> None:
    """Inside: give eth0 its address and the default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for call, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, MASK)):
            fcntl.ioctl(s, call, struct.pack("16s", b"eth0") + sockaddr(value) + bytes(8))
        link_up("eth0")
        route = bytes(8) + sockaddr("0.0.0.0") + sockaddr(GATEWAY) + sockaddr("0.0.0.0")
        route += struct.pack("Hh4xQQh6xQQQH6x", RTF_UP | RTF_GATEWAY, 0, 0, 0, 0, 0, 0, 0, 0)
        fcntl.ioctl(s, SIOCADDRT, route)


def sockaddr(address: str) -> bytes:
    """Return a struct sockaddr_in of 16 bytes."""
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
