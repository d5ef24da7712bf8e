"""The steps of the traps that concern the connector (T2, T4, T5, T6, T11, T15, T20).

Each test is named for its trap and walks the steps that break the naive rule.
"""

from __future__ import annotations

import errno

import pytest

from reference.acknowledgement_slots import ACK_NAME
from reference.codec import encode_event, encode_timestamp
from reference.connector_config import ConnectorConfig
from reference.connector_inputs import Condition
from reference.dead_letters import DeadLetterFile
from reference.errors import QuotaExceeded
from reference.frame import encode_frame
from reference.limits import EVENT_BYTES_MAX, FRAMES_OFFSET, LINK_BODY_BYTES_MAX, WalConfig
from reference.link_messages import (
    Acknowledge,
    Goodbye,
    Hello,
    Publish,
    Refuse,
    Welcome,
    encode_publish_frame,
)
from reference.names import DEAD_LETTERS_NAME
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
from tests.wal_helpers import FIRST, disk_with, header_of, rot_frame_body, small_config, small_event


def greeted(driver: ConnectorDriver) -> tuple[HandBroker, Hello]:
    """Bring the link up; return the broker's side and what it was greeted with."""
    driver.link_up()
    broker = HandBroker(driver)
    (hello,) = broker.hears()
    assert isinstance(hello, Hello)
    return broker, hello


def letters_on(disk: MemoryFilesystem) -> list[tuple[int, str]]:
    size = len(disk.files[DEAD_LETTERS_NAME]) if DEAD_LETTERS_NAME in disk.files else None
    return [(each.sequence, each.reason) for each in DeadLetterFile(disk, size).letters()]


# ---- T2 ---------------------------------------------------------------------


@pytest.mark.req("LNK-2.4", "WAL-7.1", "DEL-1.1")
def test_t2_a_broker_that_is_ahead_of_a_restored_log_settles_nothing() -> None:
    driver = make_connector(disk_with(100))
    old_id = driver.core.log_id
    driver.connect()
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 8, 150))
    assert conditions(driver)[-1] is Condition.DIVERGED
    assert "100" in driver.said.reports[-1].text
    assert "150" in driver.said.reports[-1].text
    assert not driver.is_linked
    driver.settle_down()
    broker, hello = greeted(driver)
    assert hello.log_id != old_id
    assert hello.log_id == driver.log.log_id
    broker.says(Welcome(1, 100, 0))
    assert broker.hears_numbers() == list(range(1, 101)), "all unsettled, under the new identity"


@pytest.mark.req("LNK-2.4")
def test_t2_events_taken_after_the_rollback_do_not_hide_it() -> None:
    """The restored log has passed the broker's number before it connects."""
    driver = make_connector(disk_with(100))
    publish_numbers(driver, 101, 160)
    driver.connect()
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 8, 150))
    assert Condition.DIVERGED in conditions(driver)
    assert driver.core.backlog == 160


@pytest.mark.req("LNK-2.4")
def test_t2_what_was_found_or_sent_is_no_divergence() -> None:
    driver = make_connector(disk_with(3))
    publish_numbers(driver, 4, 4)
    broker = linked(driver, window=8)
    assert broker.hears_numbers() == [1, 2, 3, 4]
    driver.link_drops()
    driver.advance(SECOND_NS)
    linked(driver, acknowledged_through=4)
    assert driver.core.backlog == 0
    assert Condition.DIVERGED not in conditions(driver)


@pytest.mark.req("LNK-2.4", "LNK-4.1")
def test_t2_a_broker_that_knows_an_identity_of_a_moment_ago_lies() -> None:
    """Else it could make the log create a file at every attempt."""
    driver = make_connector(MemoryFilesystem())
    publish_numbers(driver, 1, 3)
    driver.connect()
    broker, hello = greeted(driver)
    broker.says(Welcome(1, 8, 2))
    assert driver.core.link.violations == 1
    assert "Welcome through 2" in driver.core.link.problem
    assert driver.core.log_id == hello.log_id
    assert driver.core.backlog == 3


@pytest.mark.req("LNK-2.4", "LNK-4.1", "DEL-1.1")
@pytest.mark.parametrize("claimed", [2, 100, 150])
def test_t2_under_the_new_identity_nothing_is_known_that_was_not_sent(claimed: int) -> None:
    driver = make_connector(disk_with(100))
    driver.connect()
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 8, 150))
    driver.settle_down()
    identity = driver.core.log_id
    broker, hello = greeted(driver)
    assert hello.log_id == identity
    broker.says(Welcome(1, 8, claimed))
    assert driver.core.link.violations == 1
    assert driver.core.backlog == 100
    assert driver.core.log_id == identity, "no identity after another"
    assert conditions(driver).count(Condition.DIVERGED) == 1


@pytest.mark.req("LNK-2.4", "WAL-7.1")
def test_t2_an_identity_that_cannot_be_made_durable_is_tried_again() -> None:
    disk = disk_with(5)
    driver = make_connector(disk)
    driver.connect()
    broker, _ = greeted(driver)
    disk.fail("create_exclusive", error=errno.ENOSPC, times=1)
    broker.says(Welcome(1, 8, 50))
    driver.settle_down()
    assert driver.core.link.state.value == "waiting"
    driver.advance(SECOND_NS)
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 8, 50))
    driver.settle_down()
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 8, 0))
    assert broker.hears_numbers() == [1, 2, 3, 4, 5]


# ---- T4 ---------------------------------------------------------------------


@pytest.mark.req("DLQ-2.1", "LNK-3.3", "DEL-1.1")
def test_t4_a_refused_event_is_not_settled_by_an_acknowledgement_that_overtakes_its_letter() -> (
    None
):
    disk = disk_with(10)
    driver = make_connector(disk)
    broker = linked(driver, window=16)
    broker.says(Acknowledge(7), Refuse(8, "not wanted"), Acknowledge(10))
    assert driver.core.backlog == 1, "8 waits for its letter"
    # A crash now: the letter was not written. The event is in the log still.
    crashed = disk.copy()
    driver.settle_down()
    assert driver.core.backlog == 0
    assert letters_on(disk) == [(8, "refused: not wanted")]
    again = make_connector(crashed)
    broker = linked(again, window=16, acknowledged_through=7)
    assert 8 in broker.hears_numbers()


@pytest.mark.req("DLQ-2.1", "LNK-2.1")
def test_t4_hello_carries_what_is_durable_not_what_is_known() -> None:
    disk = disk_with(10)
    driver = make_connector(disk)
    broker = linked(driver, window=16)
    acknowledge(broker, 6)
    assert driver.log.acknowledged_through == 6
    assert driver.log.durable_watermark == 0, "written lazily"
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker, hello = greeted(driver)
    assert hello.settled_through == 0
    broker.says(Welcome(1, 16, 6))
    driver.advance(
        2 * SECOND_NS
    )  # the log writes it at the latest with the next one after a second
    acknowledge(broker, 7)
    assert driver.log.durable_watermark == 7
    driver.link_drops()
    driver.advance(SECOND_NS)
    _, hello = greeted(driver)
    assert hello.settled_through == 7


@pytest.mark.req("DLQ-2.1", "LNK-2.1")
@pytest.mark.parametrize(("is_refused", "expected"), [(False, 6), (True, 0)])
def test_t4_what_opening_finds_settled_is_made_durable_before_hello(
    is_refused: bool, expected: int
) -> None:
    """An acknowledgement file that a killed process left may be in the page cache alone."""
    disk = disk_with(10)
    driver = make_connector(disk)
    acknowledge(linked(driver), 6)
    assert driver.log.flush()
    killed = disk.copy()
    if is_refused:
        killed.fail("sync", ACK_NAME, times=1000)
    again = make_connector(killed)
    again.connect()
    _, hello = greeted(again)
    assert hello.settled_through == expected


@pytest.mark.req("DLQ-2.1", "LNK-3.3")
def test_t4_a_letter_under_way_when_the_link_is_lost_is_refused_again_or_taken() -> None:
    disk = disk_with(3)
    driver = make_connector(disk)
    broker = linked(driver, window=8)
    broker.says(Acknowledge(1), Refuse(2, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=8, acknowledged_through=1)
    assert broker.hears_numbers() == [2, 3], "unsettled, so it is sent again"
    broker.says(Refuse(2, "still no"))
    assert [job for job in driver.jobs if "Letter" in type(job).__name__] == driver.jobs[-1:]
    broker.says(Acknowledge(3))
    assert driver.core.backlog == 1
    driver.settle_down()
    assert driver.core.backlog == 0
    assert letters_on(disk) == [(2, "refused: no")]


@pytest.mark.req("DLQ-2.1", "LNK-3.3")
def test_t4_a_refusal_that_comes_again_after_its_letter_was_stored_changes_nothing() -> None:
    disk = disk_with(2)
    driver = make_connector(disk)
    linked(driver).says(Refuse(1, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver)
    assert broker.hears_numbers() == [1, 2], "sent again: the letter was not stored yet"
    driver.settle_down()
    broker.says(Refuse(1, "no"), Acknowledge(2))
    driver.settle_down()
    assert driver.core.link.violations == 0
    assert driver.core.backlog == 0
    assert letters_on(disk) == [(1, "refused: no")]


@pytest.mark.req("DLQ-2.1", "LNK-3.2", "LNK-3.3")
def test_t4_a_welcome_that_passes_a_letter_under_way_does_not_settle_it() -> None:
    """The broker may not say so; the event is safe all the same."""
    disk = disk_with(6)
    driver = make_connector(disk)
    linked(driver, window=8).says(Acknowledge(1), Refuse(2, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=8, acknowledged_through=5)
    assert driver.core.backlog == 2, "2 and 6"
    assert broker.hears_numbers() == [6]
    broker.says(Acknowledge(4))
    assert driver.core.link.violations == 1, "below what Welcome said"
    driver.settle_down()
    assert letters_on(disk) == [(2, "refused: no")]
    assert driver.core.backlog == 1


@pytest.mark.req("DLQ-2.1")
def test_t4_a_broker_that_takes_a_refused_event_after_all_settles_it() -> None:
    driver = make_connector(disk_with(3))
    broker = linked(driver, window=8)
    broker.says(Acknowledge(1), Refuse(2, "no"))
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=8, acknowledged_through=1)
    broker.says(Acknowledge(3))
    assert driver.core.backlog == 0
    driver.settle_down()
    assert driver.log.acknowledged_through == 3


# ---- T5 ---------------------------------------------------------------------


@pytest.mark.req("LNK-3.1", "DEL-1.4", "ACK-5.1")
def test_t5_a_damaged_number_holds_nothing_up() -> None:
    config = small_config(3)
    disk = disk_with(10, config)
    rot_frame_body(disk, 1)
    driver = make_connector(disk, wal_config=config)
    broker = linked(driver, window=16)
    assert broker.hears_numbers() == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    acknowledge(broker, 10)
    assert driver.log.acknowledged_through == 10
    assert len(driver.log.segment_names) == 1


@pytest.mark.req("LNK-3.1", "LNK-3.2")
def test_t5_an_acknowledgement_may_name_a_number_that_was_never_an_event() -> None:
    disk = disk_with(10)
    rot_frame_body(disk, 4)
    driver = make_connector(disk)
    broker = linked(driver, window=16)
    broker.says(Acknowledge(5))
    assert driver.core.buffer.watermark == 5


@pytest.mark.req("BUF-2.3", "DLQ-2.2", "REC-11.1", "DEL-1.4")
def test_t5_an_undecodable_entry_whose_letter_failed_at_open_gets_it_later() -> None:
    disk = disk_with(2, close=False)
    offset = len(disk.files[FIRST])
    payload = encode_timestamp(0) + b"\xff" * 60
    disk.files[FIRST] += encode_frame(header_of(disk).frame_key, offset, 3, payload)
    # The disk has no room for letters while the log is opened.
    disk.fail("create_exclusive", DEAD_LETTERS_NAME, errno.ENOSPC, times=2)
    driver = make_connector(disk)
    assert driver.core.backpressure.is_blocked
    broker = linked(driver, window=8)
    assert broker.hears_numbers() == [1, 2]
    acknowledge(broker, 2)
    assert driver.core.backlog == 1
    driver.advance(SECOND_NS)
    driver.settle_down()
    assert driver.core.backlog == 0
    assert [sequence for sequence, _ in letters_on(disk)] == [3]
    assert driver.log.acknowledged_through == 3


# ---- T6 ---------------------------------------------------------------------


@pytest.mark.req("FMT-1.1", "LNK-1.1", "DEL-1.4")
def test_t6_the_largest_event_that_the_log_takes_fits_the_link() -> None:
    padding = EVENT_BYTES_MAX - len(encode_event(small_event(1)))
    largest = small_event(1, "x" * padding)
    assert len(encode_event(largest)) == EVENT_BYTES_MAX
    driver = make_connector(MemoryFilesystem())
    assert driver.publish([largest]) == [1]
    broker = linked(driver)
    (publish,) = broker.hears()
    assert isinstance(publish, Publish)
    assert publish.entry.event == largest
    acknowledge(broker, 1)
    assert driver.core.backlog == 0


@pytest.mark.req("BUF-2.3", "FMT-1.4", "DEL-1.4")
@pytest.mark.parametrize("excess", [0, 1])
def test_t6_an_entry_that_fits_a_log_frame_and_not_the_link_is_a_dead_letter(excess: int) -> None:
    """Readers take any body up to 2^20: another writer may have made it."""
    disk = disk_with(2, close=False)
    frame_overhead = len(encode_publish_frame(3, payload_of_size(200))) - 200 - 4
    size = LINK_BODY_BYTES_MAX - frame_overhead + excess
    offset = len(disk.files[FIRST])
    disk.files[FIRST] += encode_frame(header_of(disk).frame_key, offset, 3, payload_of_size(size))
    driver = make_connector(disk)
    broker = linked(driver)
    driver.settle_down()
    expected = [1, 2] if excess else [1, 2, 3]
    assert broker.hears_numbers() == expected
    reasons = [reason for _, reason in letters_on(disk)]
    assert reasons == ([f"oversize: {2**20 + 1} bytes in a frame, the limit is {2**20}"] * excess)
    acknowledge(broker, expected[-1])
    assert driver.core.backlog == 0


def payload_of_size(size: int) -> bytes:
    timestamp = encode_timestamp(0)
    padding = size - len(timestamp) - len(encode_event(small_event(3)))
    return timestamp + encode_event(small_event(3, "y" * padding))


# ---- T11 --------------------------------------------------------------------


@pytest.mark.req("BPR-1.2", "BUF-2.1")
def test_t11_the_level_stays_on_while_a_backlog_is_paged_in() -> None:
    driver = make_connector(MemoryFilesystem(), ConnectorConfig(buffer_bytes=1000))
    publish_numbers(driver, 1, 100)
    assert levels(driver) == ["released", "triggered"]
    broker = linked(driver, window=4)
    for through in range(1, 101):
        if driver.core.buffer.is_spilled:
            assert levels(driver)[-1] == "triggered"
        acknowledge(broker, through)
    assert levels(driver) == ["released", "triggered", "released"], "once, not for every page"


@pytest.mark.req("BUF-1.1", "BPR-1.1")
def test_t11_used_counts_publish_frames_until_they_are_settled() -> None:
    driver = make_connector(MemoryFilesystem(), ConnectorConfig(buffer_bytes=10_000))
    publish_numbers(driver, 1, 5)
    broker = linked(driver, window=5)
    assert driver.core.outstanding == 5
    assert driver.core.buffer.used_bytes == sum(len(f) for f in driver.said.sent[1:]), "in flight"
    acknowledge(broker, 3)
    assert driver.core.buffer.used_bytes == sum(len(f) for f in driver.said.sent[4:])


@pytest.mark.req("BUF-2.2", "DEL-1.4")
def test_t11_a_record_larger_than_the_whole_buffer_is_delivered() -> None:
    driver = make_connector(MemoryFilesystem(), ConnectorConfig(buffer_bytes=300))
    driver.publish([small_event(1), small_event(2, "x" * 1000), small_event(3)])
    broker = linked(driver, window=8)
    received = broker.hears_numbers()
    for sequence in (1, 2, 3):
        assert received[-1] == sequence, "one at a time"
        acknowledge(broker, sequence)
        received += broker.hears_numbers()
    assert received == [1, 2, 3]
    assert driver.core.backlog == 0


# ---- T15 --------------------------------------------------------------------


@pytest.mark.req("DLQ-2.2", "BPR-1.2", "DEL-1.4")
def test_t15_a_letter_that_finds_no_room_is_tried_until_there_is() -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    driver = make_connector(disk, wal_config=config)
    broker = linked(driver, window=16)
    disk.fail("append", DEAD_LETTERS_NAME, errno.ENOSPC, times=3)
    broker.says(Refuse(1, "no"), Acknowledge(7))
    driver.settle_down()
    assert Condition.DEAD_LETTER_BLOCKED in conditions(driver)
    assert driver.core.backpressure.is_blocked
    assert levels(driver)[-1] == "triggered"
    assert len(driver.log.segment_names) == 3, "its file and those behind it are kept"
    for _ in range(3):
        driver.advance(SECOND_NS)
        driver.settle_down()
    assert letters_on(disk) == [(1, "refused: no")]
    assert driver.core.backlog == 0
    assert levels(driver)[-1] == "released"
    assert len(driver.log.segment_names) == 1
    assert conditions(driver).count(Condition.DEAD_LETTER_BLOCKED) == 1, "told once"


@pytest.mark.req("WAL-5.1", "DEL-1.4", "CON-2.1")
def test_t15_a_log_at_its_quota_drains_and_takes_events_again() -> None:
    config = WalConfig(
        rotation_bytes=FRAMES_OFFSET + 400, quota_bytes=5 * FRAMES_OFFSET, quarantine_bytes_max=0
    )
    driver = make_connector(MemoryFilesystem(), wal_config=config)
    stored: list[int] = []
    with pytest.raises(QuotaExceeded):
        while True:
            stored += driver.publish([small_event(len(stored) + 1)])
    broker = linked(driver, window=1000)
    assert broker.hears_numbers() == stored
    acknowledge(broker, stored[-1])
    assert driver.publish([small_event(len(stored) + 1)]) == [stored[-1] + 1]


# ---- T20 --------------------------------------------------------------------


@pytest.mark.req("LNK-2.1")
@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_t20_another_version_is_told_once_and_tried_at_the_longest_backoff(version: int) -> None:
    driver = make_connector(disk_with(1))
    driver.connect()
    for _ in range(3):
        broker, hello = greeted(driver)
        assert hello.protocol_version == 1
        broker.says(Welcome(version, 8, 0))
        driver.advance(30 * SECOND_NS - 1)
        assert not driver.wants_link
        driver.advance(1)  # this random source makes no jitter
        assert driver.wants_link
    assert conditions(driver) == [Condition.LINK_PROBLEM]
    assert str(version) in driver.said.reports[0].text
    assert driver.core.link.violations == 0


@pytest.mark.req("LNK-2.2", "LNK-4.1")
def test_t20_a_window_of_zero_is_a_violation_not_a_deadlock() -> None:
    driver = make_connector(disk_with(1))
    driver.connect()
    broker, _ = greeted(driver)
    broker.says(Welcome(1, 0, 0))
    assert driver.core.link.violations == 1
    assert not driver.is_linked


@pytest.mark.req("LNK-2.3", "LNK-3.2")
def test_t20_a_broker_that_forgot_everything_is_no_violation() -> None:
    driver = make_connector(disk_with(10))
    broker = linked(driver, window=16)
    acknowledge(broker, 6)
    driver.link_drops()
    driver.advance(SECOND_NS)
    broker = linked(driver, window=16, acknowledged_through=0)
    assert broker.hears_numbers() == [7, 8, 9, 10]
    acknowledge(broker, 10)
    assert driver.core.backlog == 0
    assert driver.core.link.violations == 0


@pytest.mark.req("LNK-3.2", "LNK-4.1")
@pytest.mark.parametrize(("through", "is_legal"), [(5, False), (6, True), (7, True)])
def test_t20_what_is_settled_here_is_where_a_forgetful_broker_starts(
    through: int, is_legal: bool
) -> None:
    driver = make_connector(disk_with(10))
    acknowledge(linked(driver, window=16), 6)
    driver.link_drops()
    driver.advance(SECOND_NS)
    linked(driver, window=16, acknowledged_through=0).says(Acknowledge(through))
    assert driver.is_linked is is_legal


@pytest.mark.req("LNK-3.2", "LNK-4.1")
@pytest.mark.parametrize(
    ("through", "is_legal"), [(3, False), (4, True), (5, True), (6, True), (7, False)]
)
def test_t20_an_acknowledgement_neither_goes_back_nor_beyond_what_was_sent(
    through: int, is_legal: bool
) -> None:
    driver = make_connector(disk_with(9))
    broker = linked(driver, window=2, acknowledged_through=3)
    broker.says(Acknowledge(4))
    assert broker.hears_numbers() == [4, 5, 6]
    broker.says(Acknowledge(through))
    assert driver.is_linked is is_legal
    assert driver.core.backlog == (9 - through if is_legal else 5)


@pytest.mark.req("CON-3.4", "DEL-1.3")
def test_t20_a_shutdown_waits_for_answers_and_then_nothing_is_repeated() -> None:
    disk = disk_with(5)
    driver = make_connector(disk)
    broker = linked(driver, window=3)
    assert broker.hears_numbers() == [1, 2, 3]
    driver.shut_down(SECOND_NS)
    broker.says(Acknowledge(2))
    assert driver.said.finished is None
    broker.says(Refuse(3, "no"))
    assert driver.said.finished is None, "its letter is not durable yet"
    driver.settle_down()
    assert broker.hears() == [Goodbye()], "and nothing was sent since the shutdown began"
    assert driver.said.finished is not None
    assert driver.said.finished.repeats_possible == 0
    assert driver.close_log().clean
    again = linked(make_connector(disk.copy()), window=8)
    assert again.hears_numbers() == [4, 5]


@pytest.mark.req("CON-3.4")
def test_t20_a_shutdown_without_every_answer_says_how_many_repeats_there_may_be() -> None:
    driver = make_connector(disk_with(5))
    broker = linked(driver, window=3)
    broker.says(Acknowledge(1))
    driver.shut_down(SECOND_NS)
    driver.advance(SECOND_NS)
    finished = driver.said.finished
    assert finished is not None
    assert finished.repeats_possible == 3, "2 to 4 were sent"
    assert "not every answer" in finished.reason
    assert driver.core.backlog == 4


@pytest.mark.req("CON-3.4")
def test_t20_what_is_settled_behind_an_unsettled_number_may_be_repeated_too() -> None:
    disk = disk_with(10)
    driver = make_connector(disk)
    broker = linked(driver)
    disk.fail("create_exclusive", DEAD_LETTERS_NAME, errno.ENOSPC, times=10**6)
    broker.says(Acknowledge(4), Refuse(5, "no"), Acknowledge(10))
    driver.settle_down()
    driver.shut_down(SECOND_NS)
    driver.advance(SECOND_NS)
    assert driver.said.finished is not None
    assert driver.said.finished.repeats_possible == 6
    driver.close_log()
    again = linked(make_connector(disk.copy()))
    assert again.hears_numbers() == [5, 6, 7, 8, 9, 10]


@pytest.mark.req("CON-3.4")
def test_t20_what_was_sent_on_an_earlier_link_may_be_repeated_too() -> None:
    driver = make_connector(disk_with(5))
    linked(driver, window=3)
    driver.link_drops()
    driver.advance(SECOND_NS)
    linked(driver, window=1)
    assert driver.core.outstanding == 1
    driver.shut_down(SECOND_NS)
    driver.advance(SECOND_NS)
    assert driver.said.finished is not None
    assert driver.said.finished.repeats_possible == 3
