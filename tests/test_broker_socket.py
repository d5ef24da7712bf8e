"""The broker's address, and who may be trusted behind it."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from reference import broker_socket
from reference.broker_socket import (
    PATH_BYTES_MAX,
    VARIABLE,
    broker_path,
    checked_path,
    connect_trusted,
)
from reference.connector_errors import (
    BrokerAddressError,
    BrokerAddressInvalid,
    BrokerAddressMissing,
    BrokerAddressTooLong,
    BrokerUnreachable,
    LinkProblem,
    UntrustedBroker,
)

STRANGER = 54321


@contextmanager
def listening(path: Path, backlog: int = 5) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(backlog)
        yield server


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the path belong to somebody else: really as root, else by being somebody else."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER)
    else:  # pragma: no cover
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)


@pytest.mark.req("CON-1.1")
def test_the_environment_names_the_socket() -> None:
    assert broker_path({VARIABLE: "/run/daemoneye/broker.sock"}) == "/run/daemoneye/broker.sock"


@pytest.mark.req("CON-1.1", "ERR-1.1")
@pytest.mark.parametrize(("environ", "word"), [({}, "unset"), ({VARIABLE: ""}, "empty")])
def test_a_missing_address_says_how_it_is_missing(environ: dict[str, str], word: str) -> None:
    with pytest.raises(BrokerAddressMissing, match=f"{VARIABLE} is {word}") as caught:
        broker_path(environ)
    assert (caught.value.definite, caught.value.retryable) == (True, False)


@pytest.mark.req("CON-1.1")
@pytest.mark.parametrize("excess", [0, 1])
def test_a_path_may_have_as_many_bytes_as_an_address(tmp_path: Path, excess: int) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    room = PATH_BYTES_MAX + excess - len(os.fsencode(directory)) - 1
    path = f"{directory}/{'é' * (room // 2)}{'x' * (room % 2)}"
    assert len(os.fsencode(path)) == PATH_BYTES_MAX + excess
    if excess:
        with pytest.raises(BrokerAddressTooLong, match=f"has {PATH_BYTES_MAX + 1} bytes"):
            checked_path(path)
    else:
        assert checked_path(path) == path
        with listening(Path(path)):
            connect_trusted(path).close()


@pytest.mark.req("CON-1.1")
@pytest.mark.parametrize("path", ["", "a\0b", "\0abstract", "\ud800"])
def test_what_cannot_be_a_path_is_said_so(path: str) -> None:
    with pytest.raises(BrokerAddressInvalid):
        checked_path(path)
    assert issubclass(BrokerAddressInvalid, BrokerAddressError)


@pytest.mark.req("CON-1.1")
def test_a_path_that_is_not_utf8_is_taken_as_the_system_gives_it(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.sock")
    with listening(Path(path)):
        connect_trusted(checked_path(path)).close()


@pytest.mark.req("CON-1.1", "CON-1.2")
@pytest.mark.parametrize("relative", [False, True])
def test_a_broker_of_our_own_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with listening(tmp_path / "s") as server:
        connection = connect_trusted("s" if relative else str(tmp_path / "s"))
        assert not connection.getblocking()
        connection.send(b"hello")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(9) == b"hello"
        connection.close()


@pytest.mark.req("CON-1.1")
def test_each_way_to_be_unreachable_has_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with listening(tmp_path / "stale"):
        pass
    with listening(tmp_path / "full", backlog=0) as server:
        waiting = []
        for name, words in (
            ("absent", "there is no such socket"),
            ("file", "it is not a socket"),
            ("file/s", "not a directory"),
            ("stale", "nobody listens on it"),
            ("full", "queue of new connections is full"),
        ):
            with pytest.raises(BrokerUnreachable, match=words) as caught:
                for _ in range(20):
                    waiting.append(connect_trusted(str(tmp_path / name)))
            assert caught.value.retryable
            assert not caught.value.is_hopeless
        for connection in waiting:
            connection.close()
        assert server.fileno() >= 0


@pytest.mark.req("CON-1.1")
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_permission_denied_is_unreachable_and_tried_again(tmp_path: Path) -> None:
    """As another user, whom the directory does not let in."""
    with listening(tmp_path / "s"):
        tmp_path.chmod(0o700)
        os.seteuid(STRANGER)
        try:
            with pytest.raises(BrokerUnreachable, match="EACCES") as caught:
                connect_trusted(str(tmp_path / "s"))
        finally:
            os.seteuid(0)
        assert caught.value.retryable


@pytest.mark.req("CON-1.2")
@pytest.mark.parametrize(("target", "words"), [("d", "its directory"), ("d/s", "it")])
def test_a_socket_or_a_directory_of_somebody_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, words: str
) -> None:
    (tmp_path / "d").mkdir()
    with listening(tmp_path / "d" / "s") as server:
        give_away(tmp_path / target, monkeypatch)
        with pytest.raises(UntrustedBroker, match=f"not trusted: {words} belongs to user"):
            connect_trusted(str(tmp_path / "d" / "s"))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


class Peer:
    """A connection whose other side is this user's."""

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert level == socket.SOL_SOCKET
        return struct.pack("3i", 4711, self._uid, 0)[:size]


@pytest.mark.req("CON-1.2")
@pytest.mark.parametrize("uid", [0, os.geteuid()])
def test_root_and_we_ourselves_are_trusted(uid: int) -> None:
    broker_socket._check_peer(cast(socket.socket, Peer(uid)), "s")


@pytest.mark.req("CON-1.2")
def test_a_process_of_somebody_else_is_not_trusted_and_the_socket_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UntrustedBroker, match=f"process 4711 behind it belongs to user {STRANGER}"):
        broker_socket._check_peer(cast(socket.socket, Peer(STRANGER)), "s")

    def refuse(connection: socket.socket, path: str) -> None:
        raise UntrustedBroker(path, "a test says so")

    monkeypatch.setattr(broker_socket, "_check_peer", refuse)
    with listening(tmp_path / "s") as server:
        with pytest.raises(UntrustedBroker) as caught:
            connect_trusted(str(tmp_path / "s"))
        assert caught.value.is_hopeless
        assert isinstance(caught.value, LinkProblem)
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(1) == b"", "closed at once, nothing said"


@pytest.mark.req("CON-1.2")
def test_where_the_kernel_does_not_tell_the_owners_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED", raising=False)
    with listening(tmp_path / "s"):
        connect_trusted(str(tmp_path / "s")).close()
    assert stat.S_ISSOCK(os.stat(tmp_path / "s").st_mode)
