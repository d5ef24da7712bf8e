"""The simulated disks against real ones: what a kernel kept has to be among what they allow.

As root, each plan runs on a real filesystem in an image file, through the reference's own
adapter. Then the power is cut in one of two ways, and the filesystem mounted again: journal
recovery runs, as after a power cut. What is there then must be one of the directories that the
profile allows.

    shut down   the filesystem stops where it is, without writing its log (an ioctl)
    copied      the image is copied while the workload stands still, and the copy is mounted:
                what has not been given to the device is gone. For btrfs, which has no such call

Skipped, with the reason, where there is no root, no loop device, or no mkfs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reference.filesystem import Filesystem
from reference.os_filesystem import OsFilesystem
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.disk_image import Image
from simulators.persistence import PROFILES

GOING_DOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN, and XFS_IOC_GOINGDOWN."""
WITHOUT_LOG_FLUSH = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """A filesystem as it is mounted, and what is expected of it."""

    filesystem: str
    profile: str
    image_mib: int
    options: str = "loop"
    can_shut_down: bool = True


KINDS = {
    "ext4": Kind("ext4", "ext4-ordered", 64),
    "ext4-data=journal": Kind("ext4", "ext4-journal", 64, "loop,data=journal"),
    "ext4-data=writeback": Kind("ext4", "ext4-writeback", 64, "loop,data=writeback"),
    "xfs": Kind("xfs", "xfs", 320),
    "btrfs": Kind("btrfs", "btrfs", 128, can_shut_down=False),
    "ext4-copied": Kind("ext4", "ext4-ordered", 64, can_shut_down=False),
}
BEFORE = {"a": b"A" * 10_000, "b": b"B" * 600}
"""What is durable when a plan begins."""


class RealDisk:
    """A filesystem in an image file, mounted anew each time."""

    def __init__(self, kind: Kind, directory: Path) -> None:
        self._kind = kind
        self._image, self._place = directory / "image", directory / "mounted"
        if os.geteuid() != 0:
            pytest.skip("mounting a filesystem needs root")
        path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
        mkfs = shutil.which(f"mkfs.{kind.filesystem}", path=path)
        if mkfs is None:
            pytest.skip(f"there is no mkfs.{kind.filesystem} here")
        self._place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(kind.image_mib * 2**20)
        subprocess.run([mkfs, "-q", str(self._image)], check=True, capture_output=True)

    def mount(self) -> Path:
        self.unmount()
        command = ["mount", "-o", self._kind.options, str(self._image), str(self._place)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"cannot mount: {result.stderr.strip()}")
        return self._place

    def unmount(self) -> None:
        subprocess.run(["umount", str(self._place)], check=False, capture_output=True)

    def cut_power(self) -> None:
        """Stop the filesystem where it is. The next `mount` shows what it kept."""
        if self._kind.can_shut_down:
            shut_down(self._place)
            return
        copy = self._image.with_name("copy")
        shutil.copyfile(self._image, copy)
        self.unmount()
        copy.rename(self._image)


def shut_down(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, GOING_DOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
    except OSError as error:
        pytest.skip(f"this kernel cannot shut the filesystem down: {error}")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def real_disk(kind: Kind, directory: Path) -> Iterator[RealDisk]:
    """Give a disk, and unmount it in the end."""
    disk = RealDisk(kind, directory)
    try:
        yield disk
    finally:
        disk.unmount()


# ---- Plans ------------------------------------------------------------------


def nothing_synced(disk: Filesystem) -> None:
    disk.create_exclusive("new")
    disk.append("new", b"N" * 6000)
    disk.append("b", b"x" * 5000)


def file_synced(disk: Filesystem) -> None:
    disk.create_exclusive("new")
    disk.append("new", b"N" * 6000)
    disk.sync("new")
    disk.append("new", b"M" * 6000)


def directory_synced(disk: Filesystem) -> None:
    disk.create_exclusive("new")
    disk.sync_directory()
    disk.append("new", b"N" * 700)


def both_synced(disk: Filesystem) -> None:
    disk.create_exclusive("new")
    disk.append("new", b"N" * 9000)
    disk.sync("new")
    disk.sync_directory()


def appended_and_synced(disk: Filesystem) -> None:
    for number in range(5):
        disk.append("b", bytes([number]) * 300)
        disk.sync("b")
    disk.append("b", b"z" * 300)


def overwritten(disk: Filesystem) -> None:
    disk.overwrite("a", 100, b"o" * 3000)


def overwritten_and_synced(disk: Filesystem) -> None:
    disk.overwrite("a", 100, b"o" * 3000)
    disk.sync("a")
    disk.overwrite("a", 5000, b"p" * 10)


def unlinked(disk: Filesystem) -> None:
    disk.unlink("b")


def unlinked_and_synced(disk: Filesystem) -> None:
    disk.unlink("b")
    disk.sync_directory()
    disk.unlink("a")


def truncated(disk: Filesystem) -> None:
    disk.truncate("a", 50)
    disk.sync("a")
    disk.truncate("b", 5)


def renamed(disk: Filesystem) -> None:
    disk.create_exclusive("c.new")
    disk.append("c.new", b"C" * 5000)
    disk.sync("c.new")
    disk.rename_new("c.new", "c")


def renamed_and_synced(disk: Filesystem) -> None:
    renamed(disk)
    disk.sync_directory()
    disk.unlink("a")


PLANS = (
    nothing_synced, file_synced, directory_synced, both_synced, appended_and_synced, overwritten,
    overwritten_and_synced, unlinked, unlinked_and_synced, truncated, renamed, renamed_and_synced,
)  # fmt: skip


def allowed(
    plan: Callable[[Filesystem], None], profile: str, budget: int = 1 << 20
) -> Iterator[Image]:
    """What the simulated disk may leave after the plan: nothing, everything, and between."""
    disk = CrashFilesystem(PROFILES[profile], BEFORE)
    plan(disk)
    disk.end()
    for state in crash_states(disk.points[-1], PROFILES[profile], budget=budget):
        yield state.image


def contents(place: Path) -> Image:
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.req("SIM-2.2", "SIM-2.6", "DSK-1.1")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_real_kernel_keeps_is_among_what_its_profile_allows(
    kind: str, tmp_path: Path
) -> None:
    with real_disk(KINDS[kind], tmp_path) as real:
        for number, plan in enumerate(PLANS):
            place = real.mount() / f"plan-{number}"
            with OsFilesystem(place) as disk:
                for name, content in BEFORE.items():
                    disk.create_exclusive(name)
                    disk.append(name, content)
                    disk.sync(name)
                disk.sync_directory()
                plan(disk)
                if KINDS[kind].can_shut_down:
                    real.cut_power()
            if not KINDS[kind].can_shut_down:
                real.cut_power()  # closing writes nothing; an open file would hold the mount
            found = contents(real.mount() / f"plan-{number}")
            sizes = {name: len(content) for name, content in found.items()}
            print(f"{kind} {plan.__name__}: {sizes}")
            assert found in allowed(plan, KINDS[kind].profile), plan.__name__


@pytest.mark.req("SIM-2.2")
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)
def test_the_profiles_tell_the_plans_apart(plan: Callable[[Filesystem], None]) -> None:
    """Without a real disk: what was synced is in every state, and not everything else is."""
    for profile in {kind.profile for kind in KINDS.values()}:
        images = list(allowed(plan, profile, budget=1 << 10))
        assert images
        everything = CrashFilesystem(PROFILES[profile], BEFORE)
        plan(everything)
        assert everything.process_image() in images
