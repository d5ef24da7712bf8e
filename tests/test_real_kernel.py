"""The simulated disks against real ones: what a kernel kept has to be among what they allow.

As root, each plan runs on a real filesystem in an image file, through the reference's own
adapter. Then the power is cut (fault_injection/ports/real_disk.py), and the filesystem mounted
again: journal recovery runs. What is there then must be one of the directories that the profile
allows.

Skipped, with the reason, where there is no root, no loop device, or no mkfs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fault_injection.ports import real_disk as ports_real_disk
from fault_injection.ports.real_disk import KINDS, Kind, NotHere, RealDisk
from reference.filesystem import Filesystem
from reference.os_filesystem import OsFilesystem
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.disk_image import Image
from simulators.persistence import PROFILES

BEFORE = {"a": b"A" * 10_000, "b": b"B" * 600}
"""What is durable when a plan begins."""


@contextlib.contextmanager
def real_disk(kind: Kind) -> Iterator[RealDisk]:
    """Give a disk, or skip with the reason. In the end it is unmounted."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(ports_real_disk.real_disk(kind))
            disk.mount()
        except NotHere as reason:
            pytest.skip(str(reason))
        yield disk


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
    kind: str,
) -> None:
    with real_disk(KINDS[kind]) as real:
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
