"""Which reset was sent, to whom, and after what: SYN, FIN and RST segments of the namespace, kept by the kernel.

An AF_PACKET socket that nobody reads until a counter moved costs the traffic next to nothing: its filter lets through
only the segments that open and end connections, and their headers alone."""

import ctypes
import socket
import struct
from dataclasses import dataclass, field

_ETH_P_ALL, _ETH_P_IP, _ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _PACKET_STATISTICS, _SOL_PACKET = 26, 33, 6, 263
_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_BUFFER_BYTES = 64 << 20
_HEADER_BYTES = 128

_AD = 0xFFFFF000  # SKF_AD_OFF of <linux/filter.h>: + 0 protocol, + 4 packet type
# Incoming IPv4 or IPv6, TCP (no extension headers), one of SYN, FIN, RST: its first bytes; anything else: nothing.
_FILTER = [
    (0x28, 0, 0, _AD + 4), (0x15, 14, 0, 4),  # PACKET_OUTGOING: on loopback each packet is seen twice
    (0x28, 0, 0, _AD), (0x15, 0, 5, _ETH_P_IP),
    (0x30, 0, 0, 9), (0x15, 0, 10, socket.IPPROTO_TCP),
    (0xB1, 0, 0, 0), (0x50, 0, 0, 13), (0x05, 0, 0, 4),
    (0x15, 0, 6, _ETH_P_IPV6), (0x30, 0, 0, 6), (0x15, 0, 4, socket.IPPROTO_TCP),
    (0x30, 0, 0, 40 + 13),
    (0x54, 0, 0, _FIN | _SYN | _RST), (0x15, 1, 0, 0),
    (0x06, 0, 0, _HEADER_BYTES), (0x06, 0, 0, 0),
]


@dataclass(frozen=True)
class Segment:
    source: tuple
    target: tuple
    flags: int
    seq: int
    ack: int
    payload: int

    def __str__(self):
        names = "".join(name for bit, name in ((_SYN, "S"), (_FIN, "F"), (_RST, "R"), (_ACK, ".")) if self.flags & bit)
        ends = " > ".join(f"{host}:{port}" for host, port in (self.source, self.target))
        return f"{ends} [{names}] seq {self.seq} ack {self.ack} payload {self.payload}"


def _parse(packet: bytes) -> Segment:
    if packet[0] >> 4 == 4:
        header, length, family, at = (packet[0] & 15) * 4, struct.unpack_from(">H", packet, 2)[0], socket.AF_INET, 12
    else:
        header, length, family, at = 40, 40 + struct.unpack_from(">H", packet, 4)[0], socket.AF_INET6, 8
    size = 4 if family == socket.AF_INET else 16
    hosts = [socket.inet_ntop(family, packet[at + n * size:at + (n + 1) * size]) for n in (0, 1)]
    source, target, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", packet, header)
    payload = length - header - (offset >> 4) * 4
    return Segment((hosts[0], source), (hosts[1], target), flags, seq, ack, payload)


class Recorder:
    """Records from its making on, in the namespace of the calling thread. PermissionError without CAP_NET_RAW."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        program = b"".join(struct.pack("HBBI", *step) for step in _FILTER)
        self._program = ctypes.create_string_buffer(program)
        filter_of = struct.pack("HL", len(_FILTER), ctypes.addressof(self._program))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_of)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.setblocking(False)
        self._seen: list[Segment] = []
        self.lost = 0

    def close(self):
        self._socket.close()

    def segments(self) -> list[Segment]:
        """All so far, in order; `lost` counts those for which the buffer had no room."""
        while True:
            try:
                self._seen.append(_parse(self._socket.recv(_HEADER_BYTES)))
            except BlockingIOError:
                break
        self.lost += struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1]
        return self._seen


@dataclass
class Resets:
    """What RSTs were sent for.

    The late ones come after the end, when both sides have all that the other sent, and FIN. Seen on loopback, whose
    packets queue at the CPU that sends them: client FIN; server FIN with its ack; the client's last ACK, at which
    the server's kernel forgets the connection; now the server's ACK from before its FIN, late from the other CPU;
    TIME_WAIT at the client answers that with its last ACK again, which to the server belongs to no connection."""

    broken: list[str] = field(default_factory=list)  # conversations that one broke, each as text
    refused: list[str] = field(default_factory=list)  # those that never began: nobody listened on that port
    late: int = 0


def resets(segments: list[Segment]) -> Resets:
    found = Resets()
    conversations = {}
    for segment in segments:
        key = frozenset((segment.source, segment.target))
        if segment.flags & (_SYN | _ACK) == _SYN:
            conversations[key] = []
        conversation = conversations.setdefault(key, [])
        if segment.flags & _RST:
            if _over(conversation, segment):
                found.late += 1
            else:
                kind = found.refused if _refused(conversation, segment) else found.broken
                kind.append("\n".join(str(s) for s in (*conversation, segment)))
        conversation.append(segment)
    return found


def _refused(conversation: list, reset: Segment) -> bool:
    """`reset` answers a SYN, and there was nothing else."""
    return (bool(conversation) and all(s.flags & (_SYN | _ACK) == _SYN for s in conversation)
            and reset.source == conversation[0].target and reset.ack == conversation[-1].seq + 1 & 0xFFFFFFFF)


def _over(conversation: list, reset: Segment) -> bool:
    """Both FINs were there before `reset`, and unless the client sends it, the server's acknowledges the client's."""
    if not conversation or conversation[0].flags & (_SYN | _ACK) != _SYN:
        return False
    client = conversation[0].source
    fins = {True: [], False: []}
    for segment in conversation:
        if segment.flags & _FIN:
            fins[segment.source == client].append(segment)
    if not fins[True] or not fins[False]:
        return False
    if reset.source == client:
        return True
    last = fins[True][-1]
    end = (last.seq + last.payload + 1) & 0xFFFFFFFF
    return any(fin.ack == end for fin in fins[False])
