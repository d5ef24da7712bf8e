"""A real filesystem in an image file, whose power can be cut: tier T4, and the profiles' measure.

    with real_disk(KINDS["ext4"]) as disk:
        place = disk.mount()            # a directory to work in
        disk.cut_power()                # it stops where it is; descriptors give EIO from now on
        place = disk.mount()            # after journal recovery: what a power cut has left

The power is cut in one of two ways:

    shut down   an ioctl stops the filesystem, without writing its log, or after it
    copied      the image is copied while the workload stands still, and the copy is mounted:
                what has not been given to the device is gone. For btrfs, which has no such call

It needs root, a loop device and the filesystem's mkfs; `NotHere` says which is missing. At the
end, also after Ctrl-C, nothing is mounted any more, and with the mount its loop device is gone.

Spec: PRT-2.3, SIM-2.6.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GOING_DOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN, and XFS_IOC_GOINGDOWN."""
WITH_LOG_FLUSH, WITHOUT_LOG_FLUSH = 1, 2
PREFIX: Final = "procmond-disk-"
UNMOUNT_ATTEMPTS: Final = 100
"""A process that was killed holds the mount until the kernel has let its files go."""
UNMOUNT_PAUSE_SECONDS: Final = 0.02


class NotHere(Exception):
    """This machine cannot do it. The message is the reason, for a report."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A filesystem as it is mounted, and what is expected of it."""

    filesystem: str
    profile: str
    """Of the simulated disk that allows at least what this one does."""
    image_mib: int
    options: str
    can_shut_down: bool = True


# A long commit interval: what was not synced is not made durable by the clock meanwhile.
KINDS: Final = {
    "ext4": Kind("ext4", "ext4-ordered", 64, "loop,commit=600"),
    "ext4-data=journal": Kind("ext4", "ext4-journal", 64, "loop,commit=600,data=journal"),
    "ext4-data=writeback": Kind("ext4", "ext4-writeback", 64, "loop,commit=600,data=writeback"),
    "xfs": Kind("xfs", "xfs", 320, "loop"),
    "btrfs": Kind("btrfs", "btrfs", 128, "loop,commit=300", can_shut_down=False),
    "ext4-copied": Kind("ext4", "ext4-ordered", 64, "loop,commit=600", can_shut_down=False),
}


class RealDisk:
    """A filesystem in an image file, mounted anew each time. Made by `real_disk`."""

    def __init__(self, kind: Kind, directory: Path) -> None:
        """Make the filesystem. Raises NotHere."""
        self._kind = kind
        self._has_power = False
        self._image, self._place = directory / "image", directory / "mounted"
        if os.geteuid() != 0:
            raise NotHere("mounting a filesystem needs root")
        if not Path("/dev/loop-control").exists():
            raise NotHere("there is no loop device here")
        path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
        mkfs = shutil.which(f"mkfs.{kind.filesystem}", path=path)
        if mkfs is None:
            raise NotHere(f"there is no mkfs.{kind.filesystem} here")
        self._place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(kind.image_mib * 2**20)
        if error := _run([mkfs, "-q", str(self._image)]):
            raise NotHere(f"mkfs.{kind.filesystem} failed: {error}")

    @property
    def can_flush(self) -> bool:
        """Whether the power can also be cut after the filesystem has written its log."""
        return self._kind.can_shut_down

    def mount(self) -> Path:
        """Mount what is on the image, and return where. Raises NotHere."""
        self.unmount()
        command = ["mount", "-o", self._kind.options, str(self._image), str(self._place)]
        if error := _run(command):
            raise NotHere(f"cannot mount {self._kind.filesystem}: {error}")
        self._has_power = True
        return self._place

    def mounted(self) -> Path:
        """Return where it is mounted; mount it unless it is, with its power on. Raises NotHere."""
        return self._place if self._has_power and self._is_mounted() else self.mount()

    def unmount(self) -> None:
        """Let it go: the mount, and the loop device behind it. Raises OSError if it stays."""
        error = ""
        for _ in range(UNMOUNT_ATTEMPTS):
            if not self._is_mounted():
                return
            if error := _run(["umount", str(self._place)]):
                time.sleep(UNMOUNT_PAUSE_SECONDS)
        # Detached, it goes with the last process that has a file of it open.
        _run(["umount", "--lazy", str(self._place)])
        raise OSError(f"{self._place} cannot be unmounted: {error}")

    def _is_mounted(self) -> bool:
        """Ask the kernel's list: the root of an xfs that is shut down cannot even be looked at."""
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
        place = os.path.realpath(self._place.parent) + f"/{self._place.name}"
        escaped = place.replace("\\", "\\134").replace(" ", "\\040")
        return any(line.split(" ")[1] == escaped for line in mounts.splitlines())

    def cut_power(self, *, flush_log: bool = False) -> None:
        """Stop the filesystem where it is. The next `mount` shows what it kept.

        With `flush_log` its log is written first, where that can be asked for (`can_flush`).
        Raises NotHere.
        """
        self._has_power = False
        if self._kind.can_shut_down:
            self._shut_down(WITH_LOG_FLUSH if flush_log else WITHOUT_LOG_FLUSH)
            return
        copy = self._image.with_name("copy")
        if error := _run(["cp", "--sparse=always", str(self._image), str(copy)]):
            raise NotHere(f"the image cannot be copied: {error}")
        # The mounted one keeps its bytes under a name of its own until it is let go.
        copy.replace(self._image)

    def _shut_down(self, how: int) -> None:
        descriptor = os.open(self._place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, GOING_DOWN, struct.pack("I", how))
        except OSError as error:
            raise NotHere(f"this kernel cannot shut the filesystem down: {error}") from error
        finally:
            os.close(descriptor)


@contextmanager
def real_disk(kind: Kind) -> Iterator[RealDisk]:
    """Give a disk; in the end it is unmounted and its image deleted. Raises NotHere."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory, _terminated_is_interrupted():
        disk = RealDisk(kind, Path(directory))
        try:
            yield disk
        finally:
            with _undisturbed():
                disk.unmount()


def why_not(kind: Kind) -> str:
    """Return why this cannot be done here, after trying it; empty if it can."""
    try:
        with real_disk(kind) as disk:
            disk.mount()
            disk.cut_power()
            disk.mount()
    except (NotHere, OSError) as error:
        return str(error)
    return ""


def _run(command: Sequence[str]) -> str:
    """Run it; return what was wrong, empty if nothing.

    Ctrl-C on a terminal goes to a whole group of processes: in one of its own, mounting and
    unmounting are not left in the middle.
    """
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, process_group=0,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if result.returncode == 0:
        return ""
    return result.stderr.strip() or f"{command[0]}: exit code {result.returncode}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a second Ctrl-C wait until the disk is let go."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that the disk is let go then too."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # only the main thread can: another one is not told of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
