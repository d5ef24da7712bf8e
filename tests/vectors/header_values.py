"""Vectors of the 128-byte blocks: segment headers and acknowledgement slots."""

from __future__ import annotations

from collections.abc import Iterator

from reference.acknowledgement_slots import ACK_MAGIC
from reference.segment_header import SEGMENT_MAGIC
from tests.vectors.building import LOG_A, LOG_B, bits_apart, flip, put, raw_header, raw_slot
from tests.vectors.document import Json, Vector, content_json
from tests.vectors.two_records import HEADER

SALT = bytes.fromhex("a1a2a3a4a5a6a7a8")
FILE_NUMBER_HIGHEST = 2**32 - 1 - 2**16
SEQUENCE_HIGHEST = 2**64 - 1 - 2**16


def vectors() -> Iterator[Vector]:
    yield from _good_headers()
    yield from _bad_headers()
    yield from _unsupported_headers()
    yield from _good_slots()
    yield from _bad_slots()


def _given(type: str, data: bytes) -> dict[str, Json]:
    return {"type": type, "parts": content_json(data)}


# ---- Segment headers --------------------------------------------------------


def _good(
    id: str,
    comment: str,
    number: int,
    *,
    requirements: str = "FMT-4.1",
    flags: str = "header",
    minor: int = 0,
    log_id: bytes = LOG_A,
    previous: bytes = bytes(16),
    salt: bytes = SALT,
    sync_word: bytes = SALT[:4],
    numbers: tuple[int, int, int] = (1, 1, 1),
    reserved: bytes = b"",
) -> Vector:
    data = raw_header(
        number, minor=minor, log_id=log_id, previous=previous, salt=salt, numbers=numbers,
        reserved=reserved,
    )  # fmt: skip
    assert len(data) == 128
    header = {
        "file_number": number,
        "log_id": log_id.hex(),
        "previous_log_id": previous.hex(),
        "salt": salt.hex(),
        "relocated_from": str(numbers[0]),
        "continues_from": str(numbers[1]),
        "first_sequence": str(numbers[2]),
    }
    return Vector(
        f"header-{id}", requirements.split(), flags.split(), comment,
        _given("segment-header", data), {"header": header, "sync_word": sync_word.hex()},
    )  # fmt: skip


def _good_headers() -> Iterator[Vector]:
    yield _good(
        "first-file", "The header of the log of two records (SPEC.md, section 13).", 1,
        log_id=HEADER.log_id, salt=HEADER.salt,
    )  # fmt: skip
    yield _good(
        "all-fields", "Every field in use.", 7, previous=LOG_B, numbers=(90, 100, 105),
        requirements="FMT-4.1 FMT-4.5 FMT-4.6",
    )  # fmt: skip
    yield _good(
        "sync-word-of-zeros", "The first half of the salt is zeros: the sync word is FF FF FF FF.",
        1, salt=bytes(4) + b"\1\2\3\4", sync_word=b"\xff" * 4, requirements="FMT-5.2",
    )  # fmt: skip
    yield _good(
        "salt-of-zeros", "A salt of zeros is unlucky and legal.",
        1, salt=bytes(8), sync_word=b"\xff" * 4, requirements="FMT-5.2",
    )  # fmt: skip
    yield _good(
        "sync-word-with-one-zero", "Only four zeros are replaced, not one.",
        1, salt=bytes(3) + SALT[3:], sync_word=bytes(3) + SALT[3:4], requirements="FMT-5.2",
    )  # fmt: skip
    yield _good(
        "minor-higher", "A higher minor is read as this one.", 1, minor=9, flags="header version",
        requirements="FMT-4.3",
    )  # fmt: skip
    yield _good(
        "minor-higher-reserved-in-use", "A later minor may use the reserved bytes.", 1,
        minor=1, reserved=bytes(range(1, 41)), flags="header version", requirements="FMT-4.3",
    )  # fmt: skip
    yield _good(
        "file-number-highest", "The highest file number that counts.", FILE_NUMBER_HIGHEST,
        flags="header extreme", requirements="FMT-4.4",
    )  # fmt: skip
    yield _good(
        "sequence-highest", "The highest sequence that counts.", 1,
        numbers=(1, 1, SEQUENCE_HIGHEST), flags="header extreme", requirements="FMT-4.4",
    )  # fmt: skip


def _fault(
    id: str,
    comment: str,
    data: bytes,
    fault: str,
    requirements: str = "FMT-4.4",
    flags: str = "header",
) -> Vector:
    return Vector(
        f"header-{id}", requirements.split(), flags.split(), comment,
        _given("segment-header", data), {"fault": fault},
    )  # fmt: skip


def _bad_headers() -> Iterator[Vector]:
    good = raw_header(1, salt=SALT)
    for length in (0, 127):
        yield _fault(
            f"of-{length}-bytes", f"{length} bytes are no header.", good[:length], "short",
            "FMT-4.1", "header truncated",
        )  # fmt: skip
    yield _fault("of-zeros", "128 zeros. Their CRC is not zero.", bytes(128), "crc", "FMT-4.3",
                 "header zeros")  # fmt: skip
    for field, offset in (
        ("magic", 0), ("major", 8), ("flags", 12), ("file-number", 16), ("log-id", 20),
        ("salt", 52), ("first-sequence", 76), ("reserved", 84), ("crc", 124),
    ):  # fmt: skip
        rotten = flip(good, offset)
        assert bits_apart(good, rotten) == 1
        yield _fault(
            f"rotten-{field}", f"One bit of {field} rotted: the CRC is looked at first.", rotten,
            "crc", "FMT-4.3", "header bit-rot",
        )  # fmt: skip
    crlf = SEGMENT_MAGIC.replace(b"\r\n", b"\n").ljust(8, b"\0")
    for name, magic, comment in (
        ("of-ack-file", ACK_MAGIC, "The magic of the acknowledgement file"),
        ("text-mode", crlf, "The magic after a copy in text mode (CR LF became LF)"),
        ("seven-bit", b"\x09" + SEGMENT_MAGIC[1:], "The magic after a seven-bit channel"),
    ):
        yield _fault(
            f"magic-{name}", f"{comment}, with a CRC that holds.", raw_header(1, magic=magic),
            "magic", "FMT-4.1",
        )  # fmt: skip
    yield _fault(
        "magic-and-major-other", "Another magic and another major: it is not ours, so it is of no "
        "version.", raw_header(1, magic=b"RIFFWAVE", major=2), "magic", "FMT-4.3",
        "header version",
    )  # fmt: skip
    beyond = SEQUENCE_HIGHEST + 1
    for name, data, comment in (
        ("file-number-0", raw_header(0), "File number 0."),
        ("file-number-beyond", raw_header(FILE_NUMBER_HIGHEST + 1), "2^32 - 2^16."),
        ("file-number-2-to-32-1", raw_header(2**32 - 1), "2^32 - 1."),
        ("log-id-zero", raw_header(1, log_id=bytes(16)), "A log_id of zeros."),
        ("relocated-from-0", raw_header(1, numbers=(0, 1, 1)), "Sequences start at 1."),
        ("relocated-above", raw_header(1, numbers=(3, 2, 4)), "relocated_from > continues_from."),
        ("continues-above", raw_header(1, numbers=(1, 5, 4)), "continues_from > first_sequence."),
        ("sequence-beyond", raw_header(1, numbers=(1, 1, beyond)), "first_sequence 2^64 - 2^16."),
        ("sequence-2-to-64-1", raw_header(1, numbers=(1, 1, 2**64 - 1)), "2^64 - 1."),
    ):
        yield _fault(
            f"{name}", f"{comment} The CRC holds.", data, "fields", flags="header extreme"
        )  # fmt: skip


def _unsupported_headers() -> Iterator[Vector]:
    for name, major, flags in (
        ("major-2", 2, 0), ("major-0", 0, 0), ("major-65535", 2**16 - 1, 0), ("flag-1", 1, 1),
        ("flag-2-to-31", 1, 2**31), ("major-2-and-flags", 2, 3),
    ):  # fmt: skip
        yield Vector(
            f"header-{name}", ["FMT-4.3"], ["header", "version"],
            "The CRC holds: a version or feature that this reader lacks.",
            _given("segment-header", raw_header(1, major=major, flags=flags)),
            {"unsupported": {"major": major, "flags": flags}},
        )  # fmt: skip
    yield Vector(
        "header-major-2-bad-fields", ["FMT-4.3"], ["header", "version"],
        "Major 2, and fields that would be wrong in 1: in 2 they may mean something else.",
        _given("segment-header", raw_header(0, major=2, log_id=bytes(16), numbers=(0, 0, 0))),
        {"unsupported": {"major": 2, "flags": 0}},
    )  # fmt: skip


# ---- Acknowledgement slots --------------------------------------------------


def _slot(
    id: str,
    comment: str,
    *,
    minor: int = 0,
    generation: int = 9,
    through: int = 0,
    next_sequence: int = 1,
    clean: tuple[int, int] = (0, 0),
    flags: str = "acknowledgements",
) -> Vector:
    data = raw_slot(
        minor=minor, generation=generation, through=through, next_sequence=next_sequence,
        clean=clean,
    )  # fmt: skip
    slot = {
        "generation": str(generation),
        "log_id": LOG_A.hex(),
        "acknowledged_through": str(through),
        "next_sequence": str(next_sequence),
        "clean_file": clean[0],
        "clean_length": str(clean[1]),
    }
    return Vector(
        f"slot-{id}", ["ACK-1.1"], flags.split(), comment, _given("acknowledgement-slot", data),
        {"slot": slot, "stands_at": 4096 if generation % 2 else 0},
    )  # fmt: skip


def _good_slots() -> Iterator[Vector]:
    yield _slot("first", "Nothing acknowledged. Odd generations stand at 4096.")
    yield _slot("even-generation", "Even generations stand at 0.", generation=10)
    yield _slot(
        "all-fields", "Every field in use.", generation=2**40, through=100, next_sequence=151,
        clean=(7, 83_886_080),
    )  # fmt: skip
    yield _slot("minor-higher", "A higher minor is read as this one.", minor=3,
                flags="acknowledgements version")  # fmt: skip
    yield _slot(
        "sequence-highest", "The highest watermark.", through=SEQUENCE_HIGHEST,
        next_sequence=SEQUENCE_HIGHEST + 1, flags="acknowledgements extreme",
    )  # fmt: skip
    yield _slot(
        "generation-highest", "The highest generation, 2^64 - 1 - 2^16.",
        generation=SEQUENCE_HIGHEST, flags="acknowledgements extreme",
    )  # fmt: skip


def _bad_slots() -> Iterator[Vector]:
    good = raw_slot(through=5, next_sequence=9)
    for id, data, comment, flags in (
        ("zeros", bytes(128), "128 zeros.", "zeros"),
        ("short", good[:127], "127 bytes.", "truncated"),
        ("rotten-watermark", flip(good, 40), "One bit of the watermark rotted.", "bit-rot"),
        ("rotten-crc", flip(good, 127), "One bit of the CRC rotted.", "bit-rot"),
        ("torn", put(good, 64, bytes(64)), "Its second half is zeros: a torn write.", "torn"),
        ("magic", raw_slot(magic=SEGMENT_MAGIC), "The magic of a segment; the CRC holds.", ""),
        ("major-2", raw_slot(major=2), "Major 2: missing, not refused.", "version"),
        ("flag", raw_slot(flags=1), "An incompatible flag: missing, not refused.", "version"),
        ("generation-beyond", raw_slot(generation=SEQUENCE_HIGHEST + 1),
         "Generation 2^64 - 2^16: no next one could be told from it.", "extreme"),
        ("through-next", raw_slot(through=9, next_sequence=9),
         "The watermark is not below the next number.", "numbers"),
        ("next-beyond", raw_slot(through=9, next_sequence=SEQUENCE_HIGHEST + 2),
         "A next number of 2^64 - 2^16 + 1.", "extreme"),
    ):  # fmt: skip
        yield Vector(
            f"slot-{id}", ["ACK-1.1", "ACK-1.2"], ["acknowledgements", *flags.split()], comment,
            _given("acknowledgement-slot", data), {"fault": "unusable"},
        )  # fmt: skip
