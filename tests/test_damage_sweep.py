"""Every way to damage a small log: each truncation, each bit, each aligned span of zeros.

The oracle is arithmetic on offsets, written down when the records were appended: damage may
cost only the records whose bytes it touched, nothing is invented, and every number that is
gone is in the report.
"""

from __future__ import annotations

import itertools

import pytest

from reference.limits import FRAMES_OFFSET
from reference.report import Fate
from reference.survey import survey_log
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import FIRST, SECOND, disk_with, make_log, small_event

RECORDS = 20


class TwentyRecords:
    """A disk with twenty records, and where each of them lies.

    `renew` lets recovery copy them: killed, opened again, and killed.
    """

    def __init__(self, *, close: bool, renew: bool = False) -> None:
        self.name = FIRST
        self.spans: dict[int, tuple[int, int]] = {}
        self.disk = MemoryFilesystem()
        log = make_log(self.disk)
        end = FRAMES_OFFSET
        for sequence in range(1, RECORDS + 1):
            log.append(small_event(sequence))
            self.spans[sequence] = (end, len(self.disk.files[FIRST]))
            end = len(self.disk.files[FIRST])
        self.end = end
        if close:
            log.close()
        self.disk = self.disk.copy()
        if renew:
            make_log(self.disk)
            self.disk, self.name = self.disk.copy(), SECOND
            assert len(self.disk.files[SECOND]) == self.end, "the same records at the same places"

    def touched(self, start: int, end: int) -> set[int]:
        """The records that have a byte in [start, end)."""
        return {n for n, (low, high) in self.spans.items() if low < end and start < high}


def check(disk: MemoryFilesystem, hit: set[int]) -> WriteAheadLog:
    """Open the damaged disk: exactly the untouched records are there, the rest is reported."""
    log = make_log(disk)
    entries = list(log.replay())
    assert [entry.sequence for entry in entries] == sorted(set(range(1, RECORDS + 1)) - hit)
    assert all(entry.event == small_event(entry.sequence) for entry in entries)
    covered: set[int] = set()
    for damage in log.report.damages:
        if damage.fate in (Fate.LOST, Fate.POSSIBLY_LOST):
            first = damage.first_sequence
            covered |= set(range(first, first + damage.sequence_count))
    assert hit <= covered
    assert not covered & (set(range(1, RECORDS + 1)) - hit), "a record that is there is not lost"
    assert log.next_sequence > RECORDS or not log.report.is_clean
    return log


@pytest.mark.req("REC-6.1", "REP-1.2", "ACK-3.1", "FMT-4.6")
@pytest.mark.parametrize("renew", [False, True], ids=["closed", "renewed"])
def test_truncation_at_every_byte_of_a_clean_log(renew: bool) -> None:
    log = TwentyRecords(close=not renew, renew=renew)
    for size in range(FRAMES_OFFSET, log.end):
        disk = log.disk.copy()
        disk.cut(log.name, size)
        opened = check(disk, {n for n, (_, high) in log.spans.items() if high > size})
        assert opened.append(small_event(0)) > RECORDS, "a number would be reused"


@pytest.mark.req("REC-6.1", "REC-5.2")
def test_truncation_at_every_byte_of_a_killed_log() -> None:
    log = TwentyRecords(close=False)
    for size in range(FRAMES_OFFSET, log.end):
        disk = log.disk.copy()
        disk.cut(FIRST, size)
        opened = make_log(disk)
        whole = [n for n, (_, high) in log.spans.items() if high <= size]
        assert [entry.sequence for entry in opened.replay()] == whole
        is_boundary = size in {low for low, _ in log.spans.values()}
        assert opened.report.is_clean == is_boundary


@pytest.mark.req("REC-1.1", "REC-5.2")
def test_truncation_inside_the_header_block() -> None:
    log = TwentyRecords(close=False)
    for size in itertools.chain(range(0, 300), range(300, FRAMES_OFFSET, 97)):
        disk = log.disk.copy()
        disk.cut(FIRST, size)
        opened = make_log(disk)
        assert list(opened.replay()) == []
        assert opened.append(small_event(1)) >= 1


@pytest.mark.req("REC-2.1", "REC-2.2", "REP-1.2", "FMT-5.4")
@pytest.mark.parametrize("state", ["closed", "killed", "renewed"])
def test_a_flip_of_every_bit_costs_at_most_its_record(state: str) -> None:
    log = TwentyRecords(close=state == "closed", renew=state == "renewed")
    for bit in range(FRAMES_OFFSET * 8, log.end * 8, 1 if state == "closed" else 7):
        disk = log.disk.copy()
        disk.flip_bit(log.name, bit)
        survey = survey_log(disk)
        (hit,) = log.touched(bit // 8, bit // 8 + 1)
        (damage,) = survey.report.damages
        assert damage.sequence_count >= 1
        assert damage.first_sequence == hit
        assert survey.report.entries == RECORDS - 1
        if bit % 64 == 0:
            check(disk, {hit})


@pytest.mark.req("FMT-4.2")
def test_a_flip_of_every_bit_of_the_header_block_costs_no_record() -> None:
    log = TwentyRecords(close=True)
    for bit in itertools.chain(range(128 * 8), range(4096 * 8, (4096 + 128) * 8)):
        disk = log.disk.copy()
        disk.flip_bit(FIRST, bit)
        report = survey_log(disk).report
        assert report.entries == RECORDS
        assert len(report.damages) == 1
    for bit in itertools.chain(range(128 * 8, 4096 * 8, 61), range(4224 * 8, 8192 * 8, 61)):
        disk = log.disk.copy()
        disk.flip_bit(FIRST, bit)
        assert survey_log(disk).report.is_clean, "padding means nothing"


@pytest.mark.req("REC-2.2", "REC-6.1", "REP-1.2")
@pytest.mark.parametrize("span", [8, 64, 512, 4096])
def test_zeroing_every_aligned_span_costs_at_most_the_records_hit(span: int) -> None:
    log = TwentyRecords(close=True)
    for start in range(FRAMES_OFFSET, log.end, span):
        disk = log.disk.copy()
        end = min(start + span, log.end)
        if not any(disk.files[FIRST][start:end]):
            continue
        before = bytes(disk.files[FIRST])
        disk.write_at(FIRST, start, bytes(end - start))
        changed = [i for i in range(start, end) if before[i] != 0]
        hit = log.touched(changed[0], changed[-1] + 1)
        hit = {n for n in hit if any(log.spans[n][0] <= i < log.spans[n][1] for i in changed)}
        check(disk, hit)


@pytest.mark.req("REC-3.1", "REP-1.2")
def test_every_run_of_destroyed_records_costs_just_those() -> None:
    log = TwentyRecords(close=True)
    for first, last in itertools.combinations(range(1, RECORDS + 1), 2):
        disk = log.disk.copy()
        start, end = log.spans[first][0], log.spans[last][1]
        disk.write_at(FIRST, start, b"\xa5" * (end - start))
        check(disk, set(range(first, last + 1)))


@pytest.mark.req("REC-1.1", "REP-1.1")
def test_the_twenty_records_themselves_are_clean() -> None:
    assert make_log(TwentyRecords(close=True).disk).report.is_clean
    assert disk_with(RECORDS).image()[FIRST] == TwentyRecords(close=True).disk.image()[FIRST]
