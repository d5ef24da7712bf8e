"""CRC-32 as the ticket means it: IEEE 802.3, the one of zlib, PNG and Ethernet.

    polynomial 0x04C11DB7, reflected, initial value and final XOR 0xFFFFFFFF
    check value of b"123456789": 0xCBF43926      (CRC-32C would give 0xE3069283)

A CRC may be continued: crc32(b, crc32(a)) == crc32(a + b). The frame format uses that.

One property must be known to whoever writes a format: continuing a CRC over *its own four
bytes* gives the constant 0x2144DF1C, whatever came before. So a body CRC that covers a
header together with that header's CRC forgets the header. See SPEC.md, "Where the design
was changed", and frame.py.

Spec: FMT-1.2.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

CRC_RESIDUE: Final = 0x2144DF1C
"""crc32 over anything and its own CRC, little-endian: of nothing else, so it verifies both."""

__all__ = ["CRC_RESIDUE", "crc32"]
