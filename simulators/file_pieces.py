"""A directory as a program looks at it: names, sizes, and the bytes at some places.

Recovery reads little of a directory. What it reads can be had without building the rest
(file_contents.py), or from a directory that was built.

Spec: SIM-2.5.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from simulators.disk_image import Image
from simulators.file_contents import FileContents


class Files(Protocol):
    """The files of directories that differ in what was `kept`."""

    @property
    def outline(self) -> Hashable:
        """Names and sizes, in alphabetical order: the same for all of them."""

    def piece(self, kept: int, name: str, offset: int, count: int) -> bytes:
        """Return the bytes at a place of a file of one of them."""


@dataclass(slots=True)
class UnbuiltFiles:
    """Those of one decision and one filling (distinct_states.py)."""

    contents: Mapping[str, FileContents]
    outline: Hashable

    @classmethod
    def of(cls, contents: Mapping[str, FileContents]) -> UnbuiltFiles:
        return cls(contents, tuple([(name, each.size) for name, each in contents.items()]))

    def piece(self, kept: int, name: str, offset: int, count: int) -> bytes:
        return self.contents[name].piece(kept, offset, count)


class BuiltFiles:
    """Those of one directory."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self.outline = tuple([(name, len(content)) for name, content in sorted(image.items())])

    def piece(self, kept: int, name: str, offset: int, count: int) -> bytes:
        return self._image[name][offset : offset + count]
