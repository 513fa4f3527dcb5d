"""A screenshot's pixels: PNG as browsers write it (8 bits a channel, no palette, not interlaced), nothing else."""

import struct
import zlib


class Picture:
    """`origin`: where on the page its upper left corner is."""

    def __init__(self, data: bytes, origin: tuple = (0, 0)):
        self._origin = origin
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        packed, at = b"", 8
        while at < len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            body = data[at + 8: at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", body)
                assert depth == 8 and colours in (2, 6) and not interlaced
                self._channels = 3 if colours == 2 else 4
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        self._packed = zlib.decompress(packed)
        self._rows = [bytes(self.width * self._channels)]

    def pixel(self, x: float, y: float) -> tuple:
        """Red, green and blue at that place of the page."""
        row = self._row(int(y) - self._origin[1])
        at = (int(x) - self._origin[0]) * self._channels
        return tuple(row[at: at + 3])

    def _row(self, y: int) -> bytes:
        while len(self._rows) <= y + 1:
            self._rows.append(self._unfiltered(len(self._rows) - 1, self._rows[-1]))
        return self._rows[y + 1]

    def _unfiltered(self, y: int, above: bytes) -> bytes:
        """PNG specification, section 9: each byte is a difference to its neighbours."""
        start = y * (len(above) + 1)
        kind, row = self._packed[start], bytearray(self._packed[start + 1: start + 1 + len(above)])
        step = self._channels
        if kind == 0:
            return bytes(row)
        for at, value in enumerate(row):
            left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
            guess = {1: left, 2: above[at], 3: (left + above[at]) // 2, 4: _paeth(left, above[at], corner)}[kind]
            row[at] = (value + guess) & 255
        return bytes(row)


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    return min((left, up, corner), key=lambda one: abs(near - one))
