"""The core and a real log, driven by hand: sending, answers, paging, deadlines, shutdown."""

from __future__ import annotations

import errno

import pytest

from reference.codec import encode_event, encode_timestamp
from reference.connector_config import ConnectorConfig
from reference.connector_inputs import (
    Condition,
    EventsStored,
    IdentityFailed,
    IdentityStarted,
    PageFailed,
    PageRead,
    ReadPage,
    TimerFired,
)
from reference.connector_states import State
from reference.errors import DiskRejected
from reference.frame import encode_frame
from reference.limits import NS_PER_S, ConfigError
from reference.link_messages import (
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Publish,
    Refuse,
)
from simulators.connector_driver import ConnectorDriver
from simulators.memory_filesystem import MemoryFilesystem
from tests.connector_helpers import (
    SECOND_NS,
    HandBroker,
    acknowledge,
    conditions,
    levels,
    linked,
    make_connector,
    publish_numbers,
)
from tests.wal_helpers import (
    FIRST,
    disk_with,
    frames_of,
    header_of,
    make_log,
    rot_frame_body,
    small_config,
    small_event,
    without,
)

TINY = ConnectorConfig(buffer_bytes=1000)
"""Six small events."""


def connector(events: int = 0, config: ConnectorConfig | None = None) -> ConnectorDriver:
    return make_connector(disk_with(events) if events else MemoryFilesystem(), config)


def large_disk() -> MemoryFilesystem:
    """A log larger than what a reader takes in at once: 60 events of 40 kB."""
    disk = MemoryFilesystem()
    log = make_log(disk)
    log.append_batch([small_event(number, "x" * 40_000) for number in range(1, 61)])
    assert log.close().clean
    return disk


FEW = ConnectorConfig(buffer_bytes=200_000)
"""Some of them."""


def received_all(driver: ConnectorDriver, broker: HandBroker) -> list[int]:
    """Acknowledge until nothing is left, letting time pass when nothing happens."""
    received = broker.hears_numbers()
    for _ in range(200):
        if not driver.core.backlog:
            break
        broker.says(Acknowledge(received[-1]))
        driver.settle_down()
        more = broker.hears_numbers()
        received += more
        if not more:
            driver.advance(SECOND_NS)
    return received


# ---- Sending ----------------------------------------------------------------


@pytest.mark.req("LNK-2.1", "CON-3.1")
def test_hello_comes_first_and_nothing_before_welcome() -> None:
    driver = connector(3)
    driver.connect()
    driver.link_up()
    messages = HandBroker(driver).hears()
    assert messages == [Hello(1, "procmond", driver.log.log_id, 0)]
    publish_numbers(driver, 4, 4)
    assert driver.outbox == b""


@pytest.mark.req("LNK-2.2", "LNK-3.1")
def test_never_more_than_the_window_is_outstanding() -> None:
    driver = connector(10)
    broker = linked(driver, window=3)
    assert broker.hears_numbers() == [1, 2, 3]
    publish_numbers(driver, 11, 11)
    assert broker.hears_numbers() == []
    broker.says(Acknowledge(2))
    assert broker.hears_numbers() == [4, 5]
    assert driver.core.outstanding == 3


@pytest.mark.req("LNK-3.2", "LNK-2.3")
def test_what_was_sent_and_not_acknowledged_is_sent_again_in_order() -> None:
    driver = connector(5)
    broker = linked(driver, window=4)
    broker.says(Acknowledge(1))
    driver.link_drops()
    publish_numbers(driver, 6, 6)
    driver.advance(SECOND_NS)
    broker = linked(driver, window=10, acknowledged_through=2)
    assert broker.hears_numbers() == [3, 4, 5, 6]
    assert driver.core.counters.repeated == 3
    assert driver.core.counters.published == 9


@pytest.mark.req("CLI-4.3")
def test_nothing_is_outstanding_on_a_link_that_was_not_welcomed() -> None:
    driver = connector(5)
    linked(driver)
    assert driver.core.outstanding == 5
    driver.link_drops()
    assert driver.core.outstanding == 0
    driver.advance(SECOND_NS)
    driver.link_up()
    assert driver.core.outstanding == 0


@pytest.mark.req("LNK-3.2")
def test_an_equal_acknowledgement_is_ignored() -> None:
    driver = connector(3)
    broker = linked(driver)
    broker.says(Acknowledge(2), Acknowledge(2))
    assert driver.is_linked
    assert driver.core.backlog == 1


@pytest.mark.req("LNK-3.3", "LNK-4.1")
@pytest.mark.parametrize("sequence", [1, 4, 5])
def test_a_refusal_of_what_is_not_outstanding_is_a_violation(sequence: int) -> None:
    driver = connector(4)
    broker = linked(driver, window=2)
    broker.says(Acknowledge(1), Refuse(sequence, "no"))
    assert driver.core.link.violations == 1
    assert driver.core.backlog == 3


@pytest.mark.req("LNK-4.1")
def test_a_good_message_before_a_bad_one_in_the_same_piece_counts() -> None:
    driver = connector(3)
    broker = linked(driver)
    driver.receive(b"\x0c\0\0\0\x05\0\0\0" + (2).to_bytes(8, "little") + b"\xff\xff\xff\xff")
    assert driver.core.backlog == 1
    assert not driver.is_linked
    assert "4294967295" in driver.core.link.problem
    assert broker.hears_numbers() == []


@pytest.mark.req("LNK-4.1", "LNK-4.2")
def test_what_follows_an_error_in_the_same_piece_is_not_looked_at() -> None:
    driver = connector(3)
    broker = linked(driver)
    broker.says(Error("enough"), Acknowledge(3))
    assert driver.core.backlog == 3
    assert driver.core.link.problem == "the broker gave up on the link: enough"
    assert driver.core.link.violations == 0


@pytest.mark.req("LNK-1.1", "DEL-1.1")
def test_half_a_message_of_a_link_that_broke_is_forgotten_with_it() -> None:
    driver = connector(3)
    linked(driver)
    driver.receive(b"\x0c\0\0\0\x05\0")
    driver.link_drops()
    broker = linked(driver)
    assert driver.is_linked, driver.core.link.problem
    acknowledge(broker, 3)
    assert driver.core.backlog == 0


@pytest.mark.req("LNK-4.2", "CLI-4.3")
def test_what_a_broker_says_is_one_short_printable_line_in_a_report() -> None:
    driver = connector(2)
    broker = linked(driver)
    broker.says(Refuse(1, "a\nb\x1b[2J"), Error("x" * 10_000 + "\r"))
    texts = [report.text for report in driver.said.reports]
    assert texts[1] == "sequence 1 goes to the dead-letter file: refused: a?b?[2J"
    assert texts[2] == f"the broker gave up on the link: {'x' * 200}..."
    driver.settle_down()
    (letter,) = driver.log._dead_letters.letters()
    assert letter.reason == "refused: a\nb\x1b[2J", "the letter has it as it was"


@pytest.mark.req("DLQ-2.1")
def test_a_refusal_text_is_cut_to_what_a_letter_keeps() -> None:
    driver = connector(1)
    broker = linked(driver)
    broker.says(Refuse(1, "x" * 5000))
    driver.settle_down()
    assert driver.core.backlog == 0
    assert driver.core.counters.refused == 1
    (letter,) = driver.log._dead_letters.letters()
    assert letter.reason == ("refused: " + "x" * 5000)[:1000]


@pytest.mark.req("DLQ-2.1", "DLQ-1.1")
def test_a_dead_letter_holds_the_event_as_it_was_stored() -> None:
    driver = connector(2)
    linked(driver).says(Refuse(2, "no"))
    driver.settle_down()
    (letter,) = driver.log._dead_letters.letters()
    assert (letter.sequence, letter.log_id) == (2, driver.log.log_id)
    payload = driver.said.sent[2][-len(letter.payload) :]
    assert letter.payload == payload


@pytest.mark.req("DLQ-2.2")
def test_a_letter_that_failed_and_is_not_wanted_any_more_blocks_nothing() -> None:
    driver = connector(2)
    broker = linked(driver)
    broker.says(Refuse(1, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    linked(driver, acknowledged_through=0).says(Acknowledge(2))
    disk = driver.log._filesystem
    assert isinstance(disk, MemoryFilesystem)
    disk.fail("sync", "procmond.dead", errno.EIO)
    driver.settle_down()
    assert not driver.core.backpressure.is_blocked
    assert driver.core.backlog == 0


@pytest.mark.req("DLQ-2.1", "LNK-2.3")
def test_an_event_whose_letter_is_stored_before_its_turn_is_not_sent_again() -> None:
    driver = connector(4)
    broker = linked(driver)
    broker.says(Refuse(3, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=2)
    assert broker.hears_numbers() == [1, 2]
    driver.settle_down()
    broker.says(Acknowledge(2))
    assert broker.hears_numbers() == [4]


# ---- Memory and pages -------------------------------------------------------


@pytest.mark.req("BUF-1.1", "BUF-1.2", "BUF-2.1", "CON-2.1")
def test_what_does_not_fit_stays_in_the_log_and_comes_back_in_order() -> None:
    driver = connector(config=TINY)
    publish_numbers(driver, 1, 40)
    assert driver.core.buffer.used_bytes <= 1000
    assert driver.core.backlog == 40
    assert driver.core.buffer.is_spilled
    broker = linked(driver, window=4)
    received = broker.hears_numbers()
    while driver.core.backlog:
        acknowledge(broker, received[-1])
        received += broker.hears_numbers()
        assert driver.core.buffer.used_bytes <= 1000
    assert received == list(range(1, 41))
    assert driver.log.acknowledged_through == 40


@pytest.mark.req("BUF-2.1", "BPR-1.3")
def test_a_backlog_that_fits_is_in_memory_when_the_log_was_opened() -> None:
    driver = connector(5)
    assert not driver.core.buffer.is_spilled
    assert driver.core.buffer.sequences() == [1, 2, 3, 4, 5]
    assert levels(driver) == ["released", "triggered", "released"]


@pytest.mark.req("BUF-2.1")
def test_pages_are_read_without_a_link_too() -> None:
    driver = connector(30, TINY)
    assert driver.core.buffer.is_spilled
    assert 500 < driver.core.buffer.used_bytes <= 1000


@pytest.mark.req("BUF-2.1", "WAL-6.1")
def test_over_its_life_a_connector_reads_each_byte_of_the_log_once() -> None:
    disk = disk_with(200)
    size = len(disk.files[FIRST])
    driver = make_connector(disk, TINY)  # recovery reads the file too
    disk.bytes_read = 0
    broker = linked(driver, window=100)
    while driver.core.backlog:
        acknowledge(broker, broker.hears_numbers()[-1])
    assert size < 2**20
    assert disk.bytes_read <= 2 * size, "read in chunks as large as the file, and not per page"


@pytest.mark.req("BUF-2.1")
def test_events_stored_while_a_page_is_read_follow_in_the_next_one() -> None:
    driver = connector(20, TINY)
    broker = linked(driver, window=100)
    received = broker.hears_numbers()
    broker.says(Acknowledge(received[-1]))
    assert any(isinstance(job, ReadPage) for job in driver.jobs)
    publish_numbers(driver, 21, 23)
    while driver.core.backlog:
        driver.settle_down()
        received += broker.hears_numbers()
        broker.says(Acknowledge(received[-1]))
    assert received == list(range(1, 24))


@pytest.mark.req("BUF-2.1", "LNK-2.3")
def test_what_the_broker_has_of_what_was_spilled_is_looked_at_and_not_sent() -> None:
    disk = disk_with(30)
    driver = make_connector(disk, TINY)
    broker = linked(driver, acknowledged_through=28)
    driver.settle_down()
    assert broker.hears_numbers() == [29, 30]
    assert driver.log.acknowledged_through == 28
    acknowledge(broker, 30)
    assert driver.core.backlog == 0
    assert not driver.core.buffer.is_spilled
    publish_numbers(driver, 31, 31)
    assert driver.core.buffer.sequences() == [31]


@pytest.mark.req("BUF-2.3", "DLQ-2.1", "DEL-1.1")
def test_a_welcome_does_not_settle_what_was_spilled_and_can_never_be_sent() -> None:
    """Its letter was under way when the process was killed; the broker has what came behind."""
    disk = disk_with(12, close=False)
    offset = len(disk.files[FIRST])
    frame_room = 2**20 - 4 - 8 - 8 - len("events.process.start")
    timestamp = encode_timestamp(0)
    padding = frame_room + 1 - len(timestamp) - len(encode_event(small_event(13)))
    payload = timestamp + encode_event(small_event(13, "y" * padding))
    disk.files[FIRST] += encode_frame(header_of(disk).frame_key, offset, 13, payload)
    driver = make_connector(disk, TINY)
    assert 13 not in driver.core.buffer.sequences()
    linked(driver, acknowledged_through=13)
    assert driver.core.backlog > 0
    driver.settle_down()
    assert driver.core.backlog == 0
    (letter,) = driver.log._dead_letters.letters()
    assert letter.sequence == 13
    assert letter.reason.startswith("oversize")


@pytest.mark.req("BUF-1.1")
@pytest.mark.parametrize("room", [0, -1])
def test_an_event_that_fills_memory_to_the_byte_is_held(room: int) -> None:
    driver = connector()
    publish_numbers(driver, 1, 3)
    size = driver.core.buffer.used_bytes
    other = connector(config=ConnectorConfig(buffer_bytes=size + room))
    publish_numbers(other, 1, 3)
    assert other.core.buffer.is_spilled is (room < 0)


@pytest.mark.req("BUF-2.1", "LNK-2.3")
def test_what_the_broker_has_by_the_time_a_page_comes_is_not_taken_in() -> None:
    driver = connector(30, TINY)
    broker = linked(driver, window=100)
    broker.says(Acknowledge(broker.hears_numbers()[-1]))
    (request,) = (job for job in driver.jobs if isinstance(job, ReadPage))
    driver.jobs.remove(request)
    page = driver._disk.read_page(request)  # read, and not yet told of
    assert isinstance(page, PageRead)
    first, second, third = (entry.sequence for entry in page.page.entries[:3])
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=100, acknowledged_through=second)
    driver.handle(page)
    assert broker.hears_numbers()[0] == third
    assert first not in driver.core.buffer.sequences()


@pytest.mark.req("BUF-1.1", "BUF-2.1")
def test_an_event_that_is_stored_while_a_page_is_read_is_held_once() -> None:
    """The page may have it too, if it was read late."""
    driver = connector(30, TINY)
    broker = linked(driver, window=100)
    broker.says(Acknowledge(broker.hears_numbers()[-1]))
    assert any(isinstance(job, ReadPage) for job in driver.jobs)
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=100, acknowledged_through=30)
    publish_numbers(driver, 31, 31)
    driver.jobs.sort(key=lambda job: isinstance(job, ReadPage))  # all is settled when it is read
    driver.settle_down()
    assert driver.core.buffer.sequences() == [31]
    assert broker.hears_numbers() == [31]
    assert driver.core.buffer.used_bytes == len(driver.said.sent[-1])


@pytest.mark.req("BUF-2.1", "CON-2.2")
def test_numbers_that_nobody_told_of_are_read_from_the_log() -> None:
    """A commit that was stored in part names numbers only."""
    driver = connector()
    numbers = driver.log.append_batch([small_event(1), small_event(2)])
    driver.handle(EventsStored((), numbers[-1]))
    assert driver.core.buffer.is_spilled
    publish_numbers(driver, 3, 3)
    driver.settle_down()
    assert linked(driver).hears_numbers() == [1, 2, 3]


@pytest.mark.req("BUF-1.1", "BUF-2.1")
def test_an_event_that_a_page_has_before_its_storing_was_told_is_held_once() -> None:
    driver = connector(30, TINY)
    broker = linked(driver, window=100)
    broker.says(Acknowledge(broker.hears_numbers()[-1]))
    assert any(isinstance(job, ReadPage) for job in driver.jobs)
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=100, acknowledged_through=30)
    entries = driver.log.store([driver.log.encode(small_event(31))])
    driver.jobs.sort(key=lambda job: isinstance(job, ReadPage))
    driver.settle_down()
    driver.handle(EventsStored(tuple(entries), 31))
    assert broker.hears_numbers() == [31]
    assert driver.core.buffer.used_bytes == len(driver.said.sent[-1])


@pytest.mark.req("BUF-2.1", "DEL-1.1")
def test_an_event_behind_one_that_nobody_told_of_does_not_pass_it() -> None:
    driver = connector()
    assert driver.log.append(small_event(1)) == 1
    assert driver.publish([small_event(2), small_event(3)]) == [2, 3]
    driver.settle_down()
    broker = linked(driver)
    assert broker.hears_numbers() == [1, 2, 3]


@pytest.mark.req("BUF-2.1", "BPR-1.2", "REC-6.1")
def test_numbers_at_the_end_that_recovery_settled_are_no_backlog() -> None:
    disk = disk_with(10, close=False)
    rot_frame_body(disk, 9)
    driver = make_connector(disk)
    assert driver.log.next_sequence > 11
    assert driver.core.backlog == 9
    assert not driver.core.buffer.is_spilled
    assert levels(driver)[-1] == "released"


@pytest.mark.req("WAL-4.2", "BUF-2.1", "LNK-3.1")
def test_burned_numbers_are_stepped_over() -> None:
    driver = connector(2)
    disk = driver.log._filesystem
    assert isinstance(disk, MemoryFilesystem)
    driver.publish([small_event(3)])
    for call in ("append", "truncate"):
        disk.fail(call, driver.log.segment_names[-1], errno.EIO)
    with pytest.raises(Exception, match="could not be undone"):
        driver.publish([small_event(4)])
    (number,) = driver.publish([small_event(5)])
    assert number > 4
    driver.settle_down()
    broker = linked(driver)
    assert broker.hears_numbers() == [1, 2, 3, number]
    acknowledge(broker, number)
    assert driver.log.acknowledged_through == number


@pytest.mark.req("CON-2.1", "CON-2.2", "WAL-1.4")
def test_a_batch_that_is_stored_in_part_delivers_that_part() -> None:
    config = small_config(2)
    driver = make_connector(MemoryFilesystem(), wal_config=config)
    disk = driver.log._filesystem
    assert isinstance(disk, MemoryFilesystem)
    disk.fail("append", driver.log.segment_names[0], errno.ENOSPC, times=0)
    driver.publish([small_event(1)])
    disk.fail("append", "procmond-00002.wal", errno.ENOSPC, skip=1)
    with pytest.raises(DiskRejected) as caught:
        driver.publish([small_event(2), small_event(3)])
    assert caught.value.stored == (2,)
    driver.settle_down()
    assert linked(driver).hears_numbers() == [1, 2]


class MisreadingDisk(MemoryFilesystem):
    """Gives a wrong byte of one place, the second time that it is read, as a bad cable does."""

    __slots__ = ("misread_at", "reads")

    def __init__(self, disk: MemoryFilesystem) -> None:
        super().__init__(disk.files)
        self.misread_at = -1
        self.reads = 0

    def read(self, name: str, offset: int, count: int) -> bytes:
        data = super().read(name, offset, count)
        if name == FIRST and offset <= self.misread_at < offset + len(data):
            index = self.misread_at - offset
            self.reads += 1
            if self.reads != 2:
                return data
            return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        return data


@pytest.mark.req("REP-2.1", "DEL-1.1")
def test_only_a_second_look_makes_a_record_lost() -> None:
    disk = MisreadingDisk(large_disk())
    driver = make_connector(disk, FEW)
    frames = frames_of(disk)
    disk.flip_bit(FIRST, (frames[44].offset + 60) * 8)
    disk.misread_at = frames[45].offset + 60
    disk.reads = 0
    assert received_all(driver, linked(driver, window=100)) == without(range(1, 61), 45)
    assert disk.reads >= 3, "read, misread while 45 was looked at again, and read well"
    assert driver.core.counters.lost == 1


@pytest.mark.req("REP-2.1", "ACK-5.1")
def test_a_last_record_that_rots_while_the_log_is_open_holds_nothing_up() -> None:
    disk = large_disk()
    driver = make_connector(disk, FEW)
    disk.flip_bit(FIRST, (frames_of(disk)[-1].offset + 60) * 8)
    assert received_all(driver, linked(driver, window=100)) == list(range(1, 60))
    assert driver.log.acknowledged_through == 60
    assert not driver.core.buffer.is_spilled


@pytest.mark.req("REP-2.1", "DEL-1.1")
def test_a_record_that_rots_while_the_log_is_open_is_told_of_and_stepped_over() -> None:
    disk = large_disk()
    driver = make_connector(disk, FEW)
    (rotten,) = (frame for frame in frames_of(disk) if frame.sequence == 50)
    disk.flip_bit(FIRST, (rotten.offset + 60) * 8)
    broker = linked(driver, window=100)
    assert received_all(driver, broker) == [*range(1, 50), *range(51, 61)]
    assert Condition.LOST in conditions(driver)
    assert driver.core.counters.lost == 1
    assert driver.log.acknowledged_through == 60


@pytest.mark.req("BUF-2.1", "DEL-1.4")
def test_a_page_that_cannot_be_read_is_tried_again_later() -> None:
    disk = large_disk()
    driver = make_connector(disk, FEW)
    broker = linked(driver, window=100)
    disk.fail("read", FIRST, errno.EIO, times=2)
    assert received_all(driver, broker) == list(range(1, 61))
    assert conditions(driver).count(Condition.PAGE_FAILED) == 2


@pytest.mark.req("REC-9.3", "BUF-2.1", "DEL-1.1")
def test_entries_that_a_degraded_log_hides_are_not_taken_as_settled() -> None:
    disk = disk_with(6, close=False)
    for call in ("create_exclusive", "overwrite"):
        disk.fail(call, error=errno.ENOSPC, times=1000)
    driver = make_connector(disk)
    assert driver.log.report.degraded
    assert driver.core.backlog == 6
    assert Condition.PAGE_FAILED in conditions(driver)
    assert driver.core.buffer.is_spilled
    broker = linked(driver)
    assert broker.hears_numbers() == []
    disk.heal()
    (number,) = driver.publish([small_event(7)])
    driver.advance(SECOND_NS)
    driver.settle_down()
    assert broker.hears_numbers() == [1, 2, 3, 4, 5, 6, number]


@pytest.mark.req("REC-9.3", "BUF-2.1")
def test_what_comes_before_the_entries_that_are_hidden_is_delivered() -> None:
    """Older files were synced before their successor existed."""
    config = small_config(3)
    disk = disk_with(8, config, close=False)
    for call in ("create_exclusive", "overwrite"):
        disk.fail(call, error=errno.ENOSPC, times=1000)
    driver = make_connector(disk, wal_config=config)
    broker = linked(driver)
    assert broker.hears_numbers() == [1, 2, 3, 4, 5, 6]
    assert driver.core.buffer.is_spilled
    assert Condition.PAGE_FAILED in conditions(driver)


# ---- Time -------------------------------------------------------------------


@pytest.mark.req("CON-3.2")
def test_the_waiting_doubles_up_to_half_a_minute() -> None:
    driver = connector(1)
    driver.connect()
    waits = []
    for _ in range(11):
        driver.link_fails()
        began_ns = driver.now_ns
        while not driver.wants_link:
            assert driver.timer_ns is not None
            driver.advance(driver.timer_ns - driver.now_ns)
        waits.append(driver.now_ns - began_ns)
    milliseconds = [wait // 10**6 for wait in waits]
    assert milliseconds == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]
    assert conditions(driver) == [Condition.LINK_PROBLEM], "the same reason is told once"


@pytest.mark.req("CON-3.2")
def test_being_welcomed_does_not_start_the_waiting_anew_but_an_answer_does() -> None:
    driver = connector(3)
    driver.connect()
    for _ in range(3):
        driver.link_fails()
        driver.advance(SECOND_NS)
    linked(driver).says(Error("I die at every event"))
    driver.advance(800 * 10**6 - 1)
    assert not driver.wants_link
    driver.advance(1)
    broker = linked(driver)
    broker.says(Acknowledge(1))
    driver.link_drops()
    driver.advance(100 * 10**6)
    assert driver.wants_link


@pytest.mark.req("CON-3.2")
def test_connect_begins_an_attempt_at_once() -> None:
    driver = connector()
    driver.connect()
    driver.link_fails()
    assert driver.core.link.state is State.WAITING
    driver.connect()
    assert driver.wants_link


@pytest.mark.req("CON-3.3")
def test_a_connection_that_does_not_come_is_given_up() -> None:
    driver = connector()
    driver.connect()
    driver.advance(10 * SECOND_NS)
    assert not driver.wants_link
    assert "no connection, for 10 s" in driver.core.link.problem
    driver.advance(SECOND_NS)
    assert driver.wants_link


@pytest.mark.req("CON-3.3")
def test_a_broker_that_does_not_welcome_is_left() -> None:
    driver = connector()
    driver.connect()
    driver.link_up()
    driver.advance(10 * SECOND_NS)
    assert not driver.is_linked
    assert "no Welcome, for 10 s" in driver.core.link.problem


@pytest.mark.req("CON-3.3", "LNK-1.3")
def test_a_silent_link_is_asked_and_then_left() -> None:
    driver = connector()
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    assert broker.hears() == [Ping(1)]
    broker.says(Pong(1))
    driver.advance(10 * SECOND_NS)
    assert broker.hears() == [Ping(2)]
    driver.advance(20 * SECOND_NS - 1)
    assert driver.is_linked
    driver.advance(1)
    assert not driver.is_linked
    assert "said nothing, for 30 s" in driver.core.link.problem


@pytest.mark.req("CON-3.3")
def test_any_message_keeps_the_link_and_puts_the_ping_off() -> None:
    driver = connector(9)
    broker = linked(driver)
    for through in range(1, 9):
        driver.advance(9 * SECOND_NS)
        broker.says(Acknowledge(through))
    assert Ping(1) not in broker.hears()
    assert driver.is_linked


@pytest.mark.req("CON-3.3")
def test_other_messages_do_not_ask_again_while_a_ping_is_unanswered() -> None:
    driver = connector(3)
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    broker.says(Acknowledge(1))
    driver.advance(15 * SECOND_NS)
    broker.says(Acknowledge(2))
    driver.advance(15 * SECOND_NS)
    assert [message for message in broker.hears() if isinstance(message, Ping)] == [Ping(1)]
    broker.says(Pong(1))
    driver.advance(10 * SECOND_NS)
    assert broker.hears() == [Ping(2)]


@pytest.mark.req("LNK-4.1", "CON-3.3")
@pytest.mark.parametrize("nonces", [(2,), (1, 1), (0,)])
def test_a_pong_that_answers_no_ping_is_a_violation(nonces: tuple[int, ...]) -> None:
    driver = connector()
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    broker.says(*(Pong(nonce) for nonce in nonces))
    assert driver.core.link.violations == 1


@pytest.mark.req("CON-3.3")
def test_a_broker_that_answers_pings_and_no_event_is_left() -> None:
    driver = connector(3)
    broker = linked(driver)
    for second in range(3):
        driver.advance(10 * SECOND_NS - (second == 2))
        if second < 2:
            broker.says(Pong(second + 1))
    assert driver.is_linked
    driver.advance(1)
    assert not driver.is_linked
    assert "no event was answered, for 30 s" in driver.core.link.problem


@pytest.mark.req("CON-3.3", "LNK-3.2")
def test_an_equal_acknowledgement_is_no_progress() -> None:
    driver = connector(3)
    broker = linked(driver)
    for nonce in (1, 2):
        driver.advance(10 * SECOND_NS)
        broker.says(Pong(nonce), Acknowledge(0))
    driver.advance(10 * SECOND_NS)
    assert not driver.is_linked
    assert "no event was answered, for 30 s" in driver.core.link.problem


@pytest.mark.req("CON-3.3")
def test_progress_puts_the_deadline_for_answers_off_and_the_last_answer_ends_it() -> None:
    driver = connector(3)
    broker = linked(driver)
    for nonce, answer in enumerate((Acknowledge(1), Acknowledge(2), Acknowledge(3)), 1):
        driver.advance(20 * SECOND_NS)
        broker.says(Pong(nonce), answer)
    driver.advance(9 * SECOND_NS)
    assert driver.is_linked


@pytest.mark.req("CON-3.3")
def test_the_deadline_for_answers_starts_when_an_event_is_sent_on_an_idle_link() -> None:
    driver = connector()
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    broker.says(Pong(1))
    driver.advance(9 * SECOND_NS)
    publish_numbers(driver, 1, 1)
    for nonce in (2, 3):
        driver.advance(10 * SECOND_NS)
        broker.says(Pong(nonce))
    driver.advance(10 * SECOND_NS - 1)
    assert driver.is_linked
    driver.advance(1)
    assert not driver.is_linked


@pytest.mark.req("CON-4.1", "CON-3.3")
def test_deadlines_that_are_due_together_close_the_link_once() -> None:
    driver = connector(3)
    linked(driver)
    driver.core.handle(TimerFired(), 3600 * SECOND_NS)
    assert driver.core.link.state is State.WAITING
    assert driver.core.link.violations == 0


@pytest.mark.req("CON-3.3")
def test_a_deadline_of_an_earlier_link_does_not_end_a_later_one() -> None:
    driver = connector(3)
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    broker.says(Pong(1))
    driver.advance(10 * SECOND_NS)
    broker.says(Pong(2))
    driver.advance(9 * SECOND_NS)
    driver.link_drops()
    driver.advance(SECOND_NS // 2)
    linked(driver)
    driver.advance(29 * SECOND_NS)
    assert driver.is_linked, "30 s since the first sending, 29 s since the second"


@pytest.mark.req("CON-3.3")
def test_a_ping_that_was_lost_with_its_link_does_not_silence_the_next_one() -> None:
    driver = connector()
    linked(driver)
    driver.advance(10 * SECOND_NS)
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver)
    driver.advance(10 * SECOND_NS)
    assert broker.hears() == [Ping(2)]


@pytest.mark.req("CON-3.3", "CON-3.4")
def test_while_shutting_down_a_broker_that_stops_answering_is_left_too() -> None:
    driver = connector(3)
    broker = linked(driver)
    driver.shut_down(3600 * SECOND_NS)
    driver.advance(20 * SECOND_NS)
    broker.says(Pong(1), Acknowledge(1))
    driver.advance(20 * SECOND_NS)
    broker.says(Pong(2))
    assert driver.is_linked
    driver.advance(10 * SECOND_NS)
    assert driver.said.finished is not None
    assert "no event was answered" in driver.said.finished.reason


# ---- The end ----------------------------------------------------------------


@pytest.mark.req("CON-3.4")
@pytest.mark.parametrize("was_sent", [False, True])
def test_a_shutdown_without_a_link_ends_at_once(was_sent: bool) -> None:
    driver = connector(3)
    if was_sent:
        linked(driver)
        driver.link_drops("reset by peer")
    driver.shut_down(SECOND_NS)
    finished = driver.said.finished
    assert finished is not None
    assert finished.repeats_possible == (3 if was_sent else 0)
    assert finished.reason == ("the link was lost: reset by peer" if was_sent else "")


@pytest.mark.req("CON-3.4")
def test_a_shutdown_with_nothing_outstanding_says_goodbye_at_once() -> None:
    driver = connector(1)
    broker = linked(driver)
    broker.says(Acknowledge(1))
    broker.hears()
    driver.shut_down(SECOND_NS)
    assert broker.hears() == [Goodbye()]
    assert driver.said.finished is not None


@pytest.mark.req("CON-3.4")
def test_a_second_shutdown_moves_the_deadline() -> None:
    driver = connector(1)
    linked(driver)
    driver.shut_down(5 * SECOND_NS)
    driver.shut_down(SECOND_NS)
    driver.advance(SECOND_NS)
    assert driver.said.finished is not None


@pytest.mark.req("CON-3.4", "DLQ-2.2")
def test_after_the_end_nothing_is_asked_of_the_disk() -> None:
    driver = connector(30, TINY)
    disk = driver.log._filesystem
    assert isinstance(disk, MemoryFilesystem)
    broker = linked(driver, window=100)
    disk.fail("create_exclusive", "procmond.dead", errno.ENOSPC, times=100)
    broker.says(Refuse(1, "no"))
    driver.settle_down()
    driver.shut_down(SECOND_NS)
    driver.advance(SECOND_NS)
    assert driver.said.finished is not None
    assert driver.said.finished.repeats_possible > 0
    driver.settle_down()  # a letter that was on its way fails once more
    driver.advance(3600 * SECOND_NS)
    assert driver.jobs == []
    publish_numbers(driver, 31, 31)
    assert driver.jobs == []
    assert driver.core.backlog == 31


@pytest.mark.req("CON-3.4", "BUF-2.1")
def test_a_page_that_fails_after_the_end_is_not_asked_for_again() -> None:
    driver = connector(30, TINY)
    broker = linked(driver, window=100)
    broker.says(Acknowledge(broker.hears_numbers()[-1]))
    assert any(isinstance(job, ReadPage) for job in driver.jobs)
    driver.shut_down(SECOND_NS)
    assert driver.said.finished is not None
    assert driver.core.buffer.is_spilled
    driver.handle(PageFailed("EIO"))
    driver.advance(3600 * SECOND_NS)
    assert sum(isinstance(job, ReadPage) for job in driver.jobs) == 1


@pytest.mark.req("LNK-2.4", "CON-3.4")
@pytest.mark.parametrize("outcome", [IdentityStarted(bytes(range(16))), IdentityFailed("no space")])
def test_an_identity_that_comes_after_the_end_changes_nothing(
    outcome: IdentityStarted | IdentityFailed,
) -> None:
    driver = connector(3)
    linked(driver, acknowledged_through=9)
    driver.shut_down(SECOND_NS)
    driver.core.handle(outcome, driver.now_ns)
    assert driver.core.link.state is State.CLOSED
    driver.advance(3600 * SECOND_NS)
    assert not driver.wants_link


@pytest.mark.req("BUF-1.1")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("buffer_bytes", 0), ("backoff_first_ns", 0), ("backoff_first_ns", 31 * NS_PER_S),
        ("backoff_jitter", 1.0), ("client_id", ""), ("client_id", "é" * 128),
        ("ping_after_ns", 30 * NS_PER_S), ("retry_ns", 0),
    ],
)  # fmt: skip
def test_a_configuration_that_contradicts_itself_is_refused(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        ConnectorConfig(**{field: value})  # type: ignore[arg-type]


@pytest.mark.req("LNK-1.4")
def test_the_status_of_the_events_survives_the_way() -> None:
    disk = disk_with(2)
    events = [entry.event for entry in make_log(disk.copy()).replay()]
    published = [m for m in linked(make_connector(disk)).hears() if isinstance(m, Publish)]
    assert [m.entry.event for m in published] == events
    assert {m.topic for m in published} == {"events.process.start"}
