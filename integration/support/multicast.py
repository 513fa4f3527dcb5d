"""Multicast without a library: senders, foreign receivers, and what the kernel says about memberships."""

import socket
import struct
from pathlib import Path

from .settings import PATIENCE

_MCAST_JOIN_GROUP = 42
_OWN = "/proc/thread-self/net"


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def send(group: str, port: int, messages, interface: str, source: str = ""):
    """Each of `messages` as a datagram to the group, from this thread's namespace."""
    with socket.socket(family_of(group), socket.SOCK_DGRAM) as sock:
        index = socket.if_nametoindex(interface)
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4x4xi", index))
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        if source:
            sock.bind((source, 0))
        for message in messages:
            sock.sendto(message, (group, port))


def receiver(group: str, port: int, interface: str) -> socket.socket:
    """What other programs do: a wildcard socket that shares its port and has joined a group."""
    sock = socket.socket(family_of(group), socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    if sock.family == socket.AF_INET:
        level, address = socket.IPPROTO_IP, struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_pton(sock.family, group))
    else:
        level = socket.IPPROTO_IPV6
        address = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(sock.family, group), 0)
    request = struct.pack("=I4x128s", socket.if_nametoindex(interface), address)
    sock.setsockopt(level, _MCAST_JOIN_GROUP, request)
    sock.settimeout(PATIENCE)
    return sock


def memberships(interface: str) -> set:
    """The groups that this thread's namespace has joined on the interface, by /proc/net/igmp and igmp6."""
    groups, device = set(), None
    for line in Path(f"{_OWN}/igmp").read_text().splitlines()[1:]:
        fields = line.split()
        if not line.startswith("\t"):
            device = fields[1]
        elif device == interface:
            groups.add(socket.inet_ntop(socket.AF_INET, struct.pack("=I", int(fields[0], 16))))
    for line in Path(f"{_OWN}/igmp6").read_text().splitlines():
        fields = line.split()
        if fields[1] == interface:
            groups.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[2])))
    return groups
