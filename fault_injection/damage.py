"""Changes of the medium while nothing runs: rot, truncation, misdirected and stale bytes.

A `damage` step says where by counting segments and records; this file finds the place. It
walks over frames by their lengths and looks at no checksum, so that it finds the same places
whatever the code under test makes of them.

    flip       bit `place` of the record, or of the file, is turned
    cut        the file ends `amount` bytes earlier
    zeros      `amount` bytes from `place` become zeros; past the end they are added
    garbage    the same with bytes of no meaning
    copy       the record is written over the `place`-th record of the same file
    append     the record is written behind the end of the newest file
    remove     the file is gone
    stale      the file is as it was when the plan's `snapshot` was taken

Spec: SCN-1.2, REC-1.1.
"""

from __future__ import annotations

import struct
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_steps import Damage
from reference.limits import FRAME_HEADER_BYTES, FRAMES_OFFSET
from simulators.disk_image import Image, garbage, zeros

ACKNOWLEDGEMENTS: Final = "procmond.ack"
_LENGTH: Final = struct.Struct("<I")


def segment_names(image: Image) -> list[str]:
    """Return the names of the log's files, oldest first."""
    names = [name for name in image if name.startswith("procmond-") and name.endswith(".wal")]
    return sorted(names, key=lambda name: int(name[9:-4]))


def record_places(content: bytes) -> list[tuple[int, int]]:
    """Return offset and length of each record, walking by their lengths."""
    places = []
    offset = FRAMES_OFFSET
    while offset + FRAME_HEADER_BYTES <= len(content):
        (body,) = _LENGTH.unpack_from(content, offset + 4)
        length = FRAME_HEADER_BYTES + body
        if offset + length > len(content):
            break
        places.append((offset, length))
        offset += length
    return places


def damaged(image: Image, step: Damage, snapshot: Image) -> Image:
    """Return the image with the damage done. Raises PlanError if the place does not exist."""
    names = segment_names(image)
    if step.file == -2:
        name = ACKNOWLEDGEMENTS
    elif -1 <= step.file < len(names):
        name = names[step.file]
    else:
        name = ""
    if name not in image:
        raise PlanError(f"{step}: there is no such file among {sorted(image)}")
    content = bytearray(image[name])
    start, length = _place(step, name, bytes(content))
    result = dict(image)
    match step.kind:
        case "flip":
            bit = start * 8 + step.place
            if bit // 8 >= len(content):
                raise PlanError(f"{step}: {name} has {len(content)} bytes")
            content[bit // 8] ^= 1 << bit % 8
        case "cut":
            del content[max(0, len(content) - step.amount) :]
        case "zeros" | "garbage":
            fill = zeros if step.kind == "zeros" else garbage
            at = start + step.place
            content[at : at + step.amount] = fill(step.amount)
        case "copy":
            record = content[start : start + length]
            other, _ = record_places(bytes(content))[step.place]
            content[other : other + len(record)] = record
        case "append":
            newest = names[-1]
            record = content[start : start + length]
            result[newest] = image[newest] + bytes(record)
            return result
        case "remove":
            del result[name]
            return result
        case "stale":
            content[:] = snapshot.get(name, b"")
        case _:
            raise PlanError(f"{step}: no such kind of damage")
    result[name] = bytes(content)
    return result


def _place(step: Damage, name: str, content: bytes) -> tuple[int, int]:
    """Return where the record starts, and its length; the file's start if none is meant."""
    if step.record < 0:
        return 0, len(content)
    places = record_places(content)
    if step.record >= len(places):
        raise PlanError(f"{step}: {name} has {len(places)} records")
    return places[step.record]
