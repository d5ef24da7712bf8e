"""What recovery answers, known again by what it looked at.

Recovery is a program: what it does next follows from what the calls so far returned. All
that a call returns follows from the names and sizes in the directory, and from the bytes that
were read. So for directories with the same names and sizes, what recovery reads first is the
same, and where those bytes are equal, what it reads second, and so on: a tree. A directory
whose bytes lead along known branches to an end has the answer that is there, whatever else is
in its files, and recovery need not run. (A torn header of 8 KiB is read in two places of 128
bytes: of 65,536 directories that differ in its sectors, four are different to recovery.)

This holds for a recovery that sees the disk through the calls alone. To see that it does, one
in AUDIT of the directories that were known is recovered all the same, and has to agree.

Spec: SIM-2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.file_pieces import Files
from simulators.persistence import Profile

Answer = TypeVar("Answer", bound=Hashable)

AUDIT: Final = 64

Look = tuple[str, int, int]
"""A file's name at the start, an offset, and how many bytes."""


class WatchedDisk(CrashFilesystem):
    """A disk that notes what of the directory that it began with was looked at."""

    def __init__(self, profile: Profile, image: Image) -> None:
        super().__init__(profile, image)
        self.looks: dict[Look, None] = {}
        """In the order in which they were first made."""
        self._sizes = {name: len(content) for name, content in image.items()}
        self._origins = {inode: name for name, inode in self._cached_names.items()}

    def read(self, name: str, offset: int, count: int) -> bytes:
        found = super().read(name, offset, count)
        # Also where it was written over since: then more is compared than has to be.
        if (origin := self._origins.get(self._cached_names[name])) is not None:
            self.looks[origin, offset, count] = None
        return found

    # Whoever uses these may read everything: the image, or what `points` holds.

    def process_image(self) -> dict[str, bytes]:
        self._look_at_everything()
        return super().process_image()

    def end(self) -> None:
        self._look_at_everything()
        super().end()

    def fail_power(self, after_calls: int | None) -> None:
        self._look_at_everything()
        super().fail_power(after_calls)

    def _look_at_everything(self) -> None:
        self.looks |= dict.fromkeys((name, 0, size) for name, size in self._sizes.items())


@dataclass(slots=True)
class _Step(Generic[Answer]):
    """How far recovery has come: it looks at something, or is done."""

    look: Look | None = None
    then: dict[bytes, _Step[Answer]] = field(default_factory=dict)
    answer: tuple[Answer] | None = None


class RecoveryMemory(Generic[Answer]):
    """Runs recovery on directories, and only where the answer is not known already."""

    def __init__(self, recover: Callable[[CrashFilesystem], Answer], profile: Profile) -> None:
        self._recover = recover
        self._profile = profile
        self._starts: dict[Hashable, _Step[Answer]] = {}
        self._recognised = 0

    def answer(self, files: Files, kept: int, build: Callable[[], Image]) -> Answer:
        """Return what recovery answers for this directory: it is built if that is not known."""
        step = self._starts.get(files.outline)
        while step is not None and step.look is not None:
            step = step.then.get(files.piece(kept, *step.look))
        if step is None or step.answer is None:
            return self._run(build(), files.outline)
        self._recognised += 1
        if self._recognised % AUDIT == 0:
            self._run(build(), files.outline)
        (answer,) = step.answer
        return answer

    def _run(self, image: Image, outline: Hashable) -> Answer:
        disk = WatchedDisk(self._profile, image)
        answer = self._recover(disk)
        step = self._starts.setdefault(outline, _Step())
        for look in disk.looks:
            if step.look is None and step.answer is None:
                step.look = look
            assert step.look == look, "recovery depends on something that it did not read"
            name, offset, count = look
            step = step.then.setdefault(image[name][offset : offset + count], _Step())
        if step.answer is None:
            step.answer = (answer,)
        assert step.look is None, "recovery depends on something that it did not read"
        assert step.answer == (answer,), "recovery depends on something that it did not read"
        return answer
