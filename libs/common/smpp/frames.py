"""Cutting a TCP stream into PDUs, however the octets are split. SMPP 3.4, 3.2 (header) and 3.3 (integers are big-endian)."""

import struct
from collections.abc import Iterator

HEADER = struct.Struct(">IIII")  # command_length, command_id, command_status, sequence_number
HEADER_OCTETS = 16
PDU_OCTETS_MAX = 70_000  # a message_payload may have 64 KiB (5.3.2.32); nothing else comes near

Frame = tuple[int, int, int, bytes]  # command_id, command_status, sequence_number, body


class BadFrame(Exception):
    """The length of a PDU cannot be true: from here on nobody knows where the next one begins."""


class Frames:
    def __init__(self, pdu_octets_max: int = PDU_OCTETS_MAX) -> None:
        self._rest = b""
        self._octets_max = pdu_octets_max

    def feed(self, data: bytes) -> Iterator[Frame]:
        """What is whole by now; take all of it before the next call. Raises BadFrame after what was good before it."""
        if self._rest:
            data = self._rest + data
        start, end, unpack = 0, len(data), HEADER.unpack_from
        try:
            while end - start >= HEADER_OCTETS:
                size, command, status, sequence = unpack(data, start)
                if not HEADER_OCTETS <= size <= self._octets_max:
                    raise BadFrame(f"a PDU of {size} octets")
                if end - start < size:
                    break
                body = data[start + HEADER_OCTETS : start + size]
                start += size
                yield command, status, sequence, body
        finally:
            self._rest = data[start:]
