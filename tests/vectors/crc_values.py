"""Vectors of CRC-32: check values, continuation, and the property that shaped the format."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from tests.vectors.document import Json, Vector, content_json
from tests.vectors.two_records import HEADER, frames

RESIDUE = 0x2144DF1C
"""CRC-32 of anything followed by its own CRC."""


def vectors() -> Iterator[Vector]:
    yield _crc("empty", "No bytes.", b"", 0x00000000)
    assert crc32c(b"123456789") == 0xE3069283
    yield _crc("check-value", "The check value. CRC-32C would give e3069283.", b"123456789",
               0xCBF43926)  # fmt: skip
    yield _crc("one-zero", "One zero byte is not nothing.", b"\0", 0xD202EF8D)
    yield _crc("one-ff", "One byte FF.", b"\xff", 0xFF000000)
    yield _crc("32-zeros", "32 zeros. CRC-32C would give 8a9136aa.", bytes(32), 0x190A55AD)
    assert crc32c(bytes(32)) == 0x8A9136AA
    yield _crc("64-kib-of-zeros", "65536 zeros.", bytes(65536), 0xD7978EEB)
    yield _crc("letter-a", "The letter a.", b"a", 0xE8B7BE43)
    yield _crc("text", "Text.", b"The quick brown fox jumps over the lazy dog", 0x414FA339)
    yield _crc(
        "continued", "The check value in two steps: 1234, then 56789 continued.", b"56789",
        0xCBF43926, continues=0x9BE3E0A3,
    )  # fmt: skip
    assert crc32(b"1234") == 0x9BE3E0A3
    yield _crc("continued-by-nothing", "Continuing over no bytes changes nothing.", b"",
               0x12345678, continues=0x12345678)  # fmt: skip
    yield from _residues()
    yield from _frame_steps()


def _crc(
    id: str,
    comment: str,
    data: bytes,
    value: int,
    *,
    continues: int = 0,
    requirements: tuple[str, ...] = ("FMT-1.2",),
) -> Vector:
    given: dict[str, Json] = {"parts": content_json(data), "continues": f"{continues:08x}"}
    return Vector(
        f"crc-{id}", requirements, ["crc"], comment, given, {"crc": f"{value:08x}"}
    )  # fmt: skip


def _residues() -> Iterator[Vector]:
    for name, text in (("one", b"one"), ("another", b"another")):
        own = crc32(text)
        assert crc32(own.to_bytes(4, "little"), own) == RESIDUE
        yield _crc(
            f"residue-{name}",
            f"The CRC of {text.decode()!r} continued over its own four bytes: 2144df1c, whatever "
            "came before. So a CRC must not cover another CRC.",
            own.to_bytes(4, "little"), RESIDUE, continues=own, requirements=("FMT-1.2", "FMT-5.3"),
        )  # fmt: skip


def _frame_steps() -> Iterator[Vector]:
    frame = frames()[0]
    header_crc = int.from_bytes(frame[16:20], "little")
    body_crc = int.from_bytes(frame[-4:], "little")
    tie = HEADER.salt + (1).to_bytes(4, "little") + (8192).to_bytes(8, "little")
    seed = crc32(tie)
    yield _crc(
        "frame-header", "The header CRC of vector frame-first-of-two: salt, file number, offset, "
        "and 16 bytes of header.",
        tie + frame[:16], header_crc, requirements=("FMT-5.3",),
    )  # fmt: skip
    yield _crc(
        "frame-header-in-two-steps", "The same from the CRC over salt, file number and offset.",
        frame[:16], header_crc, continues=seed, requirements=("FMT-5.3",),
    )  # fmt: skip
    yield _crc(
        "frame-body", "The body CRC of that frame: the header CRC continued over the body.",
        frame[20:-4], body_crc, continues=header_crc, requirements=("FMT-5.3",),
    )  # fmt: skip


def crc32c(data: bytes) -> int:
    """Return CRC-32C (Castagnoli), which the log does not use."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
