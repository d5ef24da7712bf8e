"""Changes of the medium while nothing runs: rot, truncation, misdirected and stale bytes.

A `damage` step says where by counting segments and records; this file finds the place. It
walks over frames by their lengths and looks at no checksum, so that it finds the same places
whatever the code under test makes of them.

    flip       bit `place` of the record, or of the file, is turned
    cut        the file ends `amount` bytes earlier
    zeros      `amount` bytes from `place` become zeros; past the end they are added
    garbage    the same with bytes of no meaning, from the end if `place` is -1
    copy       the record is written over the `place`-th record of the same file
    cross      ... of the segment `other`
    append     the record is written behind the end of the newest file
    plant      the `place`-th record of the file is written inside the record's body, and the
               record's own header rots, so that readers search there
    far        the `place`-th record is the last one, another's, and has a number `amount` too
               high; the record's own header rots
    remove     the file is gone
    stale      the file is as it was when the plan's `snapshot` was taken
    misnamed   the file has the number `amount` in its name

    leftover   a file called `name`, of `amount` bytes, which the log may take for its own
    stranger   a file called `name` that is not the log's
    directory  a directory called `name`

forged.py has those that need right checksums. Spec: SCN-1.2, REC-1.1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.forged import far, foreign, renumbered, undecodable
from fault_injection.log_steps import Damage
from fault_injection.plan import Step
from fault_injection.plan_bounds import BYTES_MAX
from reference.acknowledgement_slots import ACK_NAME
from reference.limits import FRAME_HEADER_BYTES, FRAMES_OFFSET
from reference.segment_header import segment_name, segment_number
from simulators.disk_image import FILLINGS, Image, garbage

STRANGER_TEXT: Final = b"somebody keeps this here\n"
PLANTED_AT: Final = FRAME_HEADER_BYTES + 240
"""Inside the texts of a long record, and so far in that one or two records may have been lost
before it: else its number alone would show that it is none."""
NAME_BYTES_MAX: Final = 255
_LENGTH: Final = struct.Struct("<I")


def segment_names(image: Image) -> list[str]:
    """Return the names of the log's files, oldest first. Any other spelling is not the log's."""
    numbers = {name: segment_number(name) for name in image}
    found = {name: number for name, number in numbers.items() if number is not None}
    return sorted(found, key=found.__getitem__)


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


def records_touched(content: bytes, start: int, end: int) -> int:
    """Return how many records have a byte in [start, end)."""
    return sum(at < end and start < at + length for at, length in record_places(content))


def damaged(image: Image, step: Damage, snapshot: Image) -> Image:
    """Return the image with the damage done. Raises PlanError if the place does not exist."""
    if step.kind in ("leftover", "zeros", "garbage") and step.amount > BYTES_MAX:
        raise PlanError(f"{step}: more than {BYTES_MAX} bytes at once")
    if step.kind in ("leftover", "stranger", "directory"):
        _check_name(step)
    if step.kind in ("leftover", "stranger"):
        fill = STRANGER_TEXT if step.kind == "stranger" else garbage(step.amount)
        return {**image, step.name: fill}
    if step.kind == "directory":
        return dict(image)  # disk_faults.py has it: an image knows regular files alone
    names = segment_names(image)
    name = _name(step, image, names)
    result = dict(image)
    if step.kind == "remove":
        del result[name]
    elif step.kind == "misnamed":
        result[segment_name(step.amount)] = result.pop(name)
    elif step.kind == "renumbered":
        result[segment_name(step.amount)] = _renumbered(step, result.pop(name))
    elif step.kind == "stale":
        if name not in snapshot:
            raise PlanError(f"{step}: no snapshot has {name}")
        result[name] = snapshot[name]
    elif step.kind == "append":
        start, length = _place(step, name, image[name])
        result[segment_at(step, names, -1)] += image[name][start : start + length]
    elif step.kind == "cross":
        start, length = _place(step, name, image[name])
        target = segment_at(step, names, step.other)
        at = record_at(step, target, image[target], step.place)[0]
        result[target] = _over(image[target], at, image[name][start : start + length])
    else:
        result[name] = _changed(step, name, image[name])
    return result


def _changed(step: Damage, name: str, content: bytes) -> bytes:
    """Return the file's new content, for the kinds that change one file in place."""
    start, length = _place(step, name, content)
    match step.kind:
        case "flip":
            bit = start * 8 + step.place
            if not 0 <= bit // 8 < len(content):
                raise PlanError(f"{step}: {name} has no bit {bit}; it has {len(content)} bytes")
            return _over(content, bit // 8, bytes([content[bit // 8] ^ 1 << bit % 8]))
        case "cut":
            return content[: max(0, len(content) - step.amount)]
        case "zeros" | "garbage":
            at = len(content) if step.place == -1 else start + step.place
            return _over(content, at, FILLINGS[step.kind](step.amount))
        case "copy":
            at = record_at(step, name, content, step.place)[0]
            return _over(content, at, content[start : start + length])
        case "plant":
            at, size = record_at(step, name, content, step.place)
            if PLANTED_AT + size > length:
                raise PlanError(f"{step}: a record of {length} bytes has no room for {size}")
            rotten = bytes([content[start + 5] ^ 1])
            planted = _over(content, start + PLANTED_AT, content[at : at + size])
            return _over(planted, start + 5, rotten)
        case "far":
            at = record_at(step, name, content, step.place)[0]
            rotten = bytes([content[start + 5] ^ 1])
            return _over(far(content, at, step.amount), start + 5, rotten)
        case "undecodable":
            start, length = record_at(step, name, content, step.record)
            return undecodable(content, start, length)
        case "foreign":
            return foreign(content, record_places(content))
    raise PlanError(f"{step}: no such kind of damage")


def _renumbered(step: Damage, content: bytes) -> bytes:
    if segment_number(segment_name(step.amount)) is None:
        raise PlanError(f"{step}: {step.amount} is no file number")
    return renumbered(content, record_places(content), step.amount)


def _over(content: bytes, at: int, data: bytes) -> bytes:
    """Return the content with the data at a place, longer if it does not fit."""
    return content[:at] + data + content[at + len(data) :]


def _check_name(step: Damage) -> None:
    """Raise PlanError unless this is the name of a file in a directory: a port's is a real one."""
    encoded = step.name.encode()
    if not encoded or len(encoded) > NAME_BYTES_MAX or step.name in (".", "..") or b"/" in encoded:
        raise PlanError(f"{step}: {step.name!r} is no file's name")


def segment_at(step: Step, names: Sequence[str], index: int) -> str:
    """Return the segment's name, counted from the oldest; -1 is the newest. Raises PlanError."""
    if not names or not -1 <= index < len(names):
        raise PlanError(f"{step}: there is no such file; there are {len(names)} segments")
    return names[index]


def record_at(step: Step, name: str, content: bytes, index: int) -> tuple[int, int]:
    """Return offset and length of a record, counted from 0. Raises PlanError."""
    places = record_places(content)
    if not 0 <= index < len(places):
        raise PlanError(f"{step}: {name} has {len(places)} records")
    return places[index]


def _name(step: Damage, image: Image, names: list[str]) -> str:
    if step.file >= -1:
        return segment_at(step, names, step.file)
    name = step.name if step.file == -3 else ACK_NAME
    if name not in image:
        raise PlanError(f"{step}: there is no such file among {sorted(image)}")
    return name


def _place(step: Damage, name: str, content: bytes) -> tuple[int, int]:
    """Return where the record starts, and its length; the file's start if none is meant."""
    if step.record < 0:
        return 0, len(content)
    return record_at(step, name, content, step.record)
