"""What a medium does to bytes that were durable: as data, applied to a directory.

Fault model. No crash, no call that fails: the bytes are other ones than were written.

    FlipBit       one bit has changed
    Erased        a stretch reads as zeros (a lost write, a sector that was replaced)
    Misdirected   bytes of one place, good in themselves, are found at another, in this file
                  or in another one: a write that went astray
    StaleFile     a file is an older version of itself: a restore, or writes that were lost
    Truncated     a file ends early
    NamesSwapped  two files have each other's name

Each is a frozen value of plain fields; `apply` returns the directory after it and changes
nothing. One that names a file or a stretch that is not there does nothing, so that a plan can
be shrunk.

A `ReadFault` is the same for a running process: reads of the file show it, once, some times or
from then on, while the medium is as it was. faulty_filesystem.py takes it.

Spec: SIM-2.13.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.disk_image import Image


@dataclass(frozen=True, slots=True)
class FlipBit:
    """Bit 0 is the lowest of byte 0."""

    file: str
    bit: int

    def apply(self, image: Image) -> Image:
        offset = self.bit // 8
        byte = image.get(self.file, b"")[offset : offset + 1]
        flipped = bytes(each ^ 1 << self.bit % 8 for each in byte)
        return _with_bytes(image, self.file, offset, flipped)


@dataclass(frozen=True, slots=True)
class Erased:
    """Inside the file's size."""

    file: str
    offset: int
    length: int

    def apply(self, image: Image) -> Image:
        end = min(self.offset + self.length, len(image.get(self.file, b"")))
        return _with_bytes(image, self.file, self.offset, bytes(max(0, end - self.offset)))


@dataclass(frozen=True, slots=True)
class Misdirected:
    """The target grows if the bytes go beyond its end."""

    source: str
    source_offset: int
    length: int
    file: str
    offset: int

    def apply(self, image: Image) -> Image:
        found = image.get(self.source, b"")[self.source_offset :][: self.length]
        return _with_bytes(image, self.file, self.offset, found)


@dataclass(frozen=True, slots=True)
class StaleFile:
    """`older`: the file's content then, in hex."""

    file: str
    older: str

    def apply(self, image: Image) -> Image:
        return {**image, self.file: bytes.fromhex(self.older)} if self.file in image else image


@dataclass(frozen=True, slots=True)
class Truncated:
    """To `size` bytes."""

    file: str
    size: int

    def apply(self, image: Image) -> Image:
        if self.file not in image:
            return image
        return {**image, self.file: image[self.file][: self.size]}


@dataclass(frozen=True, slots=True)
class NamesSwapped:
    """Both are there before."""

    file: str
    other: str

    def apply(self, image: Image) -> Image:
        if self.file not in image or self.other not in image:
            return image
        return {**image, self.file: image[self.other], self.other: image[self.file]}


MediumFault = FlipBit | Erased | Misdirected | StaleFile | Truncated | NamesSwapped


@dataclass(frozen=True, slots=True)
class ReadFault:
    """Reads of `change.file` show the change; `at` and `times` are those of a CallFault."""

    change: MediumFault
    at: int = 1
    times: int = 1


def _with_bytes(image: Image, name: str, offset: int, data: bytes) -> Image:
    if name not in image or not data:
        return image
    before = image[name][:offset].ljust(offset, b"\0")
    return {**image, name: before + data + image[name][offset + len(data) :]}
