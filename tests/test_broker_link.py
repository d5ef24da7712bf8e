"""One connection on asyncio, with a transport played by hand."""

from __future__ import annotations

import asyncio

import pytest

from reference.broker_link import WRITE_BYTES, BrokerLink
from reference.connector_errors import LinkClosed


class HandTransport(asyncio.Transport):
    """Takes what it is given until the test says that it is full."""

    def __init__(self, link: BrokerLink) -> None:
        super().__init__()
        self.link = link
        self.written: list[bytes] = []
        self.takes = 1_000
        self.end = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        self.takes -= 1
        if self.takes <= 0:
            self.link.pause_writing()

    def close(self) -> None:
        self.end = "closed"

    def abort(self) -> None:
        self.end = "aborted"


class Scene:
    """A link, and what its owner was told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.link = BrokerLink(
            on_up=lambda: self.told.append("up"),
            on_bytes=self.told.append,
            on_lost=self.told.append,
        )
        self.transport = HandTransport(self.link)


@pytest.mark.req("CON-4.1")
def test_its_owner_is_told_of_up_bytes_and_end_in_that_order() -> None:
    scene = Scene()
    scene.link.connection_made(scene.transport)
    scene.link.data_received(b"abc")
    scene.link.connection_lost(None)
    up, data, lost = scene.told
    assert (up, data) == ("up", b"abc")
    assert isinstance(lost, LinkClosed)
    assert "the broker closed the connection" in str(lost)
    assert scene.link.ended.is_set()


@pytest.mark.req("CON-4.1")
def test_the_reason_of_a_loss_is_passed_on() -> None:
    scene = Scene()
    scene.link.connection_made(scene.transport)
    scene.link.connection_lost(ConnectionResetError("reset by peer"))
    assert "reset by peer" in str(scene.told[1])


@pytest.mark.req("LNK-1.1")
def test_frames_given_in_one_go_are_one_write_but_not_a_huge_one() -> None:
    scene = Scene()
    scene.link.send(b"early")
    scene.link.flush()
    scene.link.connection_made(scene.transport)
    for frame in (b"a" * 10, b"b" * 20, b"c" * WRITE_BYTES, b"d"):
        scene.link.send(frame)
    scene.link.flush()
    assert scene.transport.written == [b"early" + b"a" * 10 + b"b" * 20, b"c" * WRITE_BYTES, b"d"]


@pytest.mark.req("BUF-1.1")
def test_a_full_transport_is_given_nothing_until_it_takes_more() -> None:
    scene = Scene()
    scene.link.connection_made(scene.transport)
    scene.transport.takes = 1
    for _ in range(3):
        scene.link.send(b"x" * WRITE_BYTES)
    scene.link.flush()
    assert len(scene.transport.written) == 1
    scene.link.flush()
    assert len(scene.transport.written) == 1
    scene.transport.takes = 10
    scene.link.resume_writing()
    assert len(scene.transport.written) == 3


@pytest.mark.req("CON-3.4")
@pytest.mark.parametrize(("flush", "written", "end"), [(True, 1, "closed"), (False, 0, "aborted")])
def test_after_closing_nothing_is_delivered(flush: bool, written: int, end: str) -> None:
    scene = Scene()
    scene.link.connection_made(scene.transport)
    scene.link.send(b"goodbye")
    scene.link.close(flush=flush)
    scene.link.data_received(b"late")
    scene.link.connection_lost(None)
    assert scene.told == ["up"]
    assert len(scene.transport.written) == written
    assert scene.transport.end == end
    assert scene.link.ended.is_set()


@pytest.mark.req("CON-3.4", "CON-3.3")
def test_a_connection_that_stands_after_it_was_given_up_is_ended() -> None:
    scene = Scene()
    scene.link.close(flush=True)
    assert scene.link.ended.is_set(), "there is nothing that would have to leave"
    scene.link.connection_made(scene.transport)
    assert scene.transport.end == "aborted"
    assert scene.told == []
