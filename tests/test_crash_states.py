"""States of a moment: recognised and sampled as an exhaustive, plain search finds them."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable

import pytest

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_point import CrashPoint
from simulators.crash_sampling import sample
from simulators.crash_states import Coverage, crash_states, state_at
from simulators.disk_image import FILLINGS, Image, fillings
from simulators.distinct_states import DistinctState, distinct_cuts, distinct_states
from simulators.file_contents import Key, Numbers
from simulators.file_pieces import BuiltFiles
from simulators.legal_sets import PART_SETS_MAX, LegalSets, bits, closed
from simulators.persistence import PROFILES, Kind, Profile, predecessors
from simulators.sync_failures import SYNC_FAILURES, WEAKEST
from tests.crash_workloads import use_log, use_log_through_a_failed_sync

POSIX_MIN = PROFILES["posix-min"]
REVERTS = SYNC_FAILURES["btrfs"]
SECTOR = 512
NUMBERS = Numbers()
PLAIN_MAX = 1500
"""So many legal sets are built one by one."""


def random_program(disk: CrashFilesystem, seed: int) -> None:
    """Do a little of everything, to few files and few granules, synced now and then."""
    source = random.Random(seed)
    granule = disk.profile.granule_bytes
    for number in range(12):
        files = disk.process_image()
        name = source.choice(sorted(files)) if files else ""
        size = len(files.get(name, b""))
        data = source.choice((b"x", b"\0")) * source.choice((1, granule, granule + 3))
        action = source.choice("caaoottrusde")
        if action == "c" or not files:
            disk.create_exclusive(f"f{number}")
        elif action == "a":
            disk.append(name, data)
        elif action == "o" and size:
            disk.overwrite(name, source.randrange(size), data[:1])
        elif action == "t":
            disk.truncate(name, size // 2)
        elif action == "r":
            disk.rename_new(name, f"r{number}")
        elif action == "u":
            disk.unlink(name)
        elif action == "s":
            disk.sync(name)
        elif action == "d":
            disk.sync_directory()
        elif action == "e":
            disk.fail_sync(name, how=REVERTS if source.random() < 0.3 else WEAKEST)
            with contextlib.suppress(OSError):
                disk.sync(name)
        if source.random() < 0.3:
            disk.mark(number)


def recorded(
    program: Callable[[CrashFilesystem], None], profile: Profile, *, every_operation: bool = False
) -> CrashFilesystem:
    disk = CrashFilesystem(profile, {"old": b"o" * 20}, every_operation=every_operation)
    program(disk)
    disk.end()
    return disk


def plainly(point: CrashPoint, profile: Profile, numbers: Numbers) -> Counter[tuple[Key, str]]:
    """Build the directory of every legal set with every filling, and count the equal ones."""
    return Counter(
        (numbers.of_image(state_at(point, kept, filling).image), filling)
        for kept in LegalSets(point.pending, profile)
        for filling in fillings(point.previous)
    )


def assert_looks_like(state: DistinctState, image: Image, source: random.Random) -> None:
    """What is seen of a directory without building it is what it has."""
    sizes = tuple((name, len(content)) for name, content in image.items())
    assert state.files.outline == sizes == BuiltFiles(image).outline
    for name, size in sizes:
        start, count = source.randrange(size + 1), source.choice((1, 100, 513, size))
        for place in ((0, size), (start, count)):
            found = state.files.piece(state.kept, name, *place)
            assert found == BuiltFiles(image).piece(0, name, *place)
            assert found == image[name][place[0] :][: place[1]]


# ---- Recognised -------------------------------------------------------------


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_directory_is_recognised_and_stands_for_as_many_sets_as_leave_it(
    profile: Profile,
) -> None:
    numbers, source = Numbers(), random.Random(0)
    compared = recognised = 0
    for seed in range(60):
        disk = recorded(lambda disk, seed=seed: random_program(disk, seed), profile)  # type: ignore[misc]
        for point in disk.points:
            legal = LegalSets(point.pending, profile)
            if legal.count > PLAIN_MAX:
                continue
            found: Counter[tuple[Key, str]] = Counter()
            coverage = Coverage()
            for state in distinct_states(point, profile, numbers, coverage=coverage):
                found[state.key, state.filling] += state.sets
                image = state_at(point, state.kept, state.filling).image
                assert numbers.of_image(image) == state.key, "the way to get it leads to it"
                assert_looks_like(state, image, source)
                recognised += state.sets - 1
            assert found == plainly(point, profile, numbers)
            assert coverage.explored == coverage.legal == legal.count
            compared += legal.count
    assert compared > 1000
    assert recognised > 100


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("name", ["posix-min", "btrfs", "hostile"])
def test_a_sample_is_recognised_as_well(name: str) -> None:
    profile, numbers = PROFILES[name], Numbers()
    for point in recorded(use_log, profile).points:
        keys = {numbers.of_image(s.image) for s in crash_states(point, profile, budget=50, seed=3)}
        states = list(distinct_states(point, profile, numbers, budget=50, seed=3))
        assert {state.key for state in states} == keys
        for state in states:
            image = state_at(point, state.kept, state.filling).image
            assert numbers.of_image(image) == state.key
            assert_looks_like(state, image, random.Random(3))


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize(("blocks", "budget"), [(8, 10**5), (20, 300)])
def test_many_writes_that_wait_for_one_are_recognised_or_sampled(blocks: int, budget: int) -> None:
    """On btrfs what is written into a file that was not synced waits for an overwrite."""
    profile = PROFILES["btrfs"]
    disk = CrashFilesystem(profile, {"f": b"o" * 4096})
    disk.append("f", b"n" * 4096 * blocks)
    disk.overwrite("f", 0, b"x")
    disk.overwrite("f", 4096, b"y" * 4096 * blocks)
    disk.end()
    point, numbers, coverage = disk.points[-1], Numbers(), Coverage()
    legal = LegalSets(point.pending, profile)
    for part in legal.parts:
        assert {0, part.mask} <= set(part.sets), "nothing and everything, cut short or not"
        assert len(part.sets) <= 2 * PART_SETS_MAX
    keys = {
        state.key
        for state in distinct_states(point, profile, numbers, budget=budget, coverage=coverage)
    }
    if blocks == 8:
        assert coverage.explored == coverage.legal == legal.count
        assert keys == {key for key, _ in plainly(point, profile, numbers)}
    else:
        assert coverage.is_lower_bound
        assert coverage.explored == budget
        assert len(keys) > budget / 2


@pytest.mark.req("SIM-2.4")
def test_of_the_sets_that_leave_a_directory_one_that_keeps_most_is_named() -> None:
    disk = CrashFilesystem(POSIX_MIN)
    disk.create_exclusive("f")
    disk.append("f", b"x" * 2 * SECTOR)
    disk.end()
    point = disk.points[-1]
    states = list(distinct_states(point, POSIX_MIN, Numbers()))
    (state,) = (s for s in states if len(s.key) == 1 and s.filling == "zeros")
    assert state.sets == 2**3, "two sectors and the size, of a file without a name"
    assert state.kept.bit_count() == len(point.pending) - 1
    disk = CrashFilesystem(POSIX_MIN, {"f": bytes(SECTOR)})
    disk.overwrite("f", 0, bytes(SECTOR))
    disk.end()
    found = list(distinct_states(disk.points[-1], POSIX_MIN, Numbers()))
    assert [(state.kept, state.sets) for state in found] == [(1, 2)] * len(FILLINGS)


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("first", [0, 9])
def test_the_cuts_of_a_disk_leave_each_directory_once_for_what_was_promised(first: int) -> None:
    disk = recorded(use_log, POSIX_MIN)
    found = list(distinct_cuts(disk, budget=50, seed=1, first=first))
    pairs = [
        (
            disk.points[moment].mark,
            frozenset(state_at(disk.points[moment], cut.kept, cut.filling).image.items()),
        )
        for moment, cut in found
    ]
    assert len(set(pairs)) == len(pairs) > 100
    assert set(pairs) == {
        (point.mark, frozenset(state.image.items()))
        for point in disk.points[first:]
        for state in crash_states(point, POSIX_MIN, budget=50, seed=1)
    }


@pytest.mark.req("SIM-2.4", "SIM-2.5")
@pytest.mark.parametrize("name", ["posix-min", "ext4-ordered", "xfs", "btrfs"])
def test_a_state_is_made_again_from_what_was_kept(name: str) -> None:
    for point in recorded(lambda disk: random_program(disk, 7), PROFILES[name]).points:
        for state in crash_states(point, PROFILES[name], budget=100):
            assert state_at(point, state.kept, state.filling) == state


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("name", ["posix-min", "ext4-ordered", "btrfs", "strict"])
def test_a_wanted_set_is_closed_to_the_least_that_has_it_or_the_most_that_is_in_it(
    name: str,
) -> None:
    source = random.Random(name)
    for point in recorded(lambda disk: random_program(disk, 11), PROFILES[name]).points:
        legal = list(LegalSets(point.pending, PROFILES[name]))
        before = predecessors(point.pending, PROFILES[name])
        wanted = source.getrandbits(len(point.pending) or 1) & ((1 << len(point.pending)) - 1)
        above = [each for each in legal if wanted & ~each == 0]
        inside = [each for each in legal if each & ~wanted == 0]
        assert closed(wanted, before, grow=True) == min(above, key=int.bit_count)
        assert closed(wanted, before, grow=False) == max(inside, key=int.bit_count)


# ---- Every moment -----------------------------------------------------------


def pairs(
    program: Callable[[CrashFilesystem], None], profile: Profile, *, every_operation: bool = False
) -> set[tuple[Key, int]]:
    """Every directory that a cut may leave, with how much was promised."""
    disk = recorded(program, profile, every_operation=every_operation)
    found = set()
    for point in disk.points:
        coverage = Coverage()
        for state in distinct_states(point, profile, NUMBERS, budget=1 << 20, coverage=coverage):
            found.add((state.key, point.mark))
        assert coverage.explored == coverage.legal
    return found


@pytest.mark.req("SIM-2.2", "SIM-2.4")
@pytest.mark.parametrize("name", ["posix-min", "ext4-ordered", "ext4-journal", "btrfs", "strict"])
def test_a_cut_between_two_moments_leaves_nothing_that_a_cut_at_a_moment_does_not(
    name: str,
) -> None:
    profile = PROFILES[name]
    for seed in range(40):

        def program(disk: CrashFilesystem, seed: int = seed) -> None:
            random_program(disk, seed)

        few, all_ = recorded(program, profile), recorded(program, profile, every_operation=True)
        assert len(all_.points) > len(few.points)
        assert pairs(program, profile, every_operation=True) == pairs(program, profile)


@pytest.mark.req("SIM-2.2", "SIM-2.3", "SIM-2.4")
@pytest.mark.parametrize("name", ["ext4-ordered", "ext4-journal", "xfs", "btrfs", "strict"])
@pytest.mark.parametrize("program", [use_log, use_log_through_a_failed_sync])
def test_nor_does_it_with_the_log_at_work(
    name: str, program: Callable[[CrashFilesystem], None]
) -> None:
    profile = PROFILES[name]
    assert pairs(program, profile, every_operation=True) == pairs(program, profile)


# ---- A sample ---------------------------------------------------------------


def kept_of(
    budget: int, profile: Profile = POSIX_MIN, seed: int = 0
) -> tuple[CrashPoint, LegalSets, list[int]]:
    disk = CrashFilesystem(profile, {"a": bytes(9 * SECTOR), "b": b""})
    disk.overwrite("a", 0, b"x" * 9 * SECTOR)
    disk.append("b", b"y" * 9 * SECTOR)
    disk.create_exclusive("c")
    disk.rename_new("c", "d")
    disk.unlink("a")
    disk.end()
    point = disk.points[-1]
    legal = LegalSets(point.pending, profile)
    return point, legal, list(sample(legal, point.pending, budget, seed))


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("name", PROFILES)
def test_a_sample_has_different_legal_sets_only_and_as_many_as_the_budget(name: str) -> None:
    _, legal, kept = kept_of(500, PROFILES[name])
    assert len(set(kept)) == len(kept) == min(500, legal.count)
    smallest = legal.smallest_with()
    for each in kept:
        assert all(smallest[index] & ~each == 0 for index in bits(each))
    assert kept_of(500, PROFILES[name])[2] == kept, "the same seed"
    assert name in ("strict", "ext4-journal") or kept_of(500, PROFILES[name], 1)[2] != kept


@pytest.mark.req("SIM-2.4")
def test_the_telling_sets_are_in_a_sample() -> None:
    point, legal, kept = kept_of(4096)
    count, everything, found = len(point.pending), legal.everything, set(kept)
    omit, keep = legal.largest_without(), legal.smallest_with()
    assert {0, everything} <= found
    assert {(1 << length) - 1 for length in range(count)} <= found
    assert set(omit) <= found
    assert set(keep) <= found
    assert {omit[i] & omit[j] for i in range(count) for j in range(i)} <= found
    names = sum(1 << i for i, o in enumerate(point.pending) if o.kind in (Kind.ADD, Kind.DELETE))
    writes = sum(1 << i for i, o in enumerate(point.pending) if o.kind is Kind.WRITE)
    sizes = everything & ~names & ~writes
    for group in (names, writes, sizes):  # under posix-min none of them needs another
        assert {group, everything & ~group} <= found
    for inode in {o.inode for o in point.pending if o.kind is Kind.WRITE}:
        file = sum(
            1 << i
            for i, o in enumerate(point.pending)
            if o.inode == inode and o.kind in (Kind.WRITE, Kind.SIZE)
        )
        assert {file, everything & ~file} <= found


@pytest.mark.req("SIM-2.4")
def test_a_small_budget_is_shared_by_all_kinds() -> None:
    point, legal, kept = kept_of(40)
    count = len(point.pending)
    assert len(kept) == 40
    prefixes = {(1 << length) - 1 for length in range(count)}
    assert len(prefixes & set(kept)) >= 10
    assert len(set(legal.largest_without()) & set(kept)) >= 5
    assert len(set(legal.smallest_with()) & set(kept)) >= 5
    by_chance = [k for k in kept if k.bit_count() in range(count // 3, 2 * count // 3)]
    assert by_chance, "and some is left to chance"
