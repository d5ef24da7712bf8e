"""The simulated disks against real ones: what a kernel kept has to be among what they allow.

As root, each plan runs on a real filesystem in an image file, through the reference's own
adapter. Then the filesystem is shut down in the middle of its work, without writing its log
(the ioctl that filesystems have for this), and mounted again: journal recovery runs, as after
a power cut. What is there then must be one of the directories that the profile allows.

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
KINDS = {"ext4": ("ext4-ordered", 64), "xfs": ("xfs", 320)}
"""Filesystem: its profile, and how many MiB its image needs."""
BEFORE = {"a": b"A" * 10_000, "b": b"B" * 600}
"""What is durable when a plan begins."""


@contextlib.contextmanager
def real_disk(kind: str, directory: Path) -> Iterator[Callable[[], Path]]:
    """Give a function that mounts the filesystem, anew each time it is called."""
    mkfs = shutil.which(f"mkfs.{kind}", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if os.geteuid() != 0:
        pytest.skip("mounting a filesystem needs root")
    if mkfs is None:
        pytest.skip(f"there is no mkfs.{kind} here")
    image, place = directory / "image", directory / "mounted"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(KINDS[kind][1] * 2**20)
    subprocess.run([mkfs, "-q", str(image)], check=True, capture_output=True)

    def mount() -> Path:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)
        command = ["mount", "-o", "loop", str(image), str(place)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"cannot mount: {result.stderr.strip()}")
        return place

    try:
        yield mount
    finally:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)


def cut_power(place: Path) -> None:
    """Stop the filesystem where it is."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, GOING_DOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
    except OSError as error:
        pytest.skip(f"this kernel cannot shut the filesystem down: {error}")
    finally:
        os.close(descriptor)


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


def allowed(plan: Callable[[Filesystem], None], profile: str) -> list[Image]:
    """What the simulated disk may leave after the plan."""
    disk = CrashFilesystem(PROFILES[profile], BEFORE)
    plan(disk)
    disk.end()
    states = crash_states(disk.points[-1], PROFILES[profile], budget=1 << 20)
    return [state.image for state in states]


def contents(place: Path) -> Image:
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.req("SIM-2.2", "SIM-2.6", "DSK-1.1")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_real_kernel_keeps_is_among_what_its_profile_allows(
    kind: str, tmp_path: Path
) -> None:
    profile = KINDS[kind][0]
    with real_disk(kind, tmp_path) as mount:
        for number, plan in enumerate(PLANS):
            place = mount() / f"plan-{number}"
            with OsFilesystem(place) as disk:
                for name, content in BEFORE.items():
                    disk.create_exclusive(name)
                    disk.append(name, content)
                    disk.sync(name)
                disk.sync_directory()
                plan(disk)
                cut_power(place)
            found = contents(mount() / f"plan-{number}")
            sizes = {name: len(content) for name, content in found.items()}
            print(f"{kind} {plan.__name__}: {sizes}")
            assert found in allowed(plan, profile), plan.__name__


@pytest.mark.req("SIM-2.2")
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)
def test_the_profiles_tell_the_plans_apart(plan: Callable[[Filesystem], None]) -> None:
    """Without a real disk: what was synced is in every state, and not everything else is."""
    for profile, _ in KINDS.values():
        images = allowed(plan, profile)
        assert images
        everything = CrashFilesystem(PROFILES[profile], BEFORE)
        plan(everything)
        assert everything.process_image() in images
