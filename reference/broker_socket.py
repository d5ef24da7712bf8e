"""The broker's address, and a connection to it that can be trusted.

Ticket: "Connects to broker using `DAEMONEYE_BROKER_SOCKET` environment variable".

Theory of operation. Whoever listens on the socket reads every event and decides what counts
as delivered. So the directory, the socket and the process behind it have to belong to this
user or to root. The process is asked of the kernel (SO_PEERCRED), which nobody can forge and
which holds at the moment of connecting; the owners of directory and socket are looked at
first, because they make the clearer message. Where a kernel has no SO_PEERCRED, they are all
there is.

An address that cannot be one is the caller's error. One where nobody answers is a
`LinkProblem`: it is tried again.

Spec: CON-1.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from typing import Final

from reference.connector_errors import (
    BrokerAddressInvalid,
    BrokerAddressMissing,
    BrokerAddressTooLong,
    BrokerUnreachable,
    LinkProblem,
    UntrustedBroker,
)
from reference.errors import describe

VARIABLE: Final = "DAEMONEYE_BROKER_SOCKET"

PATH_BYTES_MAX: Final = 107 if sys.platform == "linux" else 103
"""`sun_path` without its terminating NUL."""

_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid


def broker_path(environ: Mapping[str, str]) -> str:
    """Return the path that the environment names. Raises BrokerAddressError."""
    path = environ.get(VARIABLE)
    if not path:
        raise BrokerAddressMissing(VARIABLE, "unset" if path is None else "empty")
    return checked_path(path)


def checked_path(path: str) -> str:
    """Return the path if it can be that of a Unix socket. Raises BrokerAddressError."""
    try:
        length_bytes = len(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise BrokerAddressInvalid(path) from error
    if not path or "\0" in path:
        raise BrokerAddressInvalid(path)
    if length_bytes > PATH_BYTES_MAX:
        raise BrokerAddressTooLong(path, length_bytes, PATH_BYTES_MAX)
    return path


def connect_trusted(path: str) -> socket.socket:
    """Return a connected, non-blocking socket. Raises BrokerUnreachable, UntrustedBroker."""
    _check_owner(os.path.dirname(path) or ".", "its directory", path)
    if not stat.S_ISSOCK(_check_owner(path, "it", path).st_mode):
        raise BrokerUnreachable(path, "it is not a socket")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)  # a full queue of a broker must not hold us up
        try:
            connection.connect(path)
        except OSError as error:
            raise BrokerUnreachable(path, _explain(error)) from error
        _check_peer(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def try_to_connect(path: str) -> socket.socket | LinkProblem:
    """Return a connection as `connect_trusted` does, or why there is none."""
    try:
        return connect_trusted(path)
    except LinkProblem as problem:
        return problem


def _check_owner(target: str, what: str, path: str) -> os.stat_result:
    try:
        found = os.stat(target)
    except OSError as error:
        raise BrokerUnreachable(path, _explain(error)) from error
    if found.st_uid not in (os.geteuid(), 0):
        raise UntrustedBroker(path, f"{what} belongs to user {found.st_uid}")
    return found


def _check_peer(connection: socket.socket, path: str) -> None:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return  # not Linux; the owners of directory and socket were checked
    data = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    if uid not in (os.geteuid(), 0):
        raise UntrustedBroker(path, f"process {pid} behind it belongs to user {uid}")


def _explain(error: OSError) -> str:
    reasons = {
        errno.ENOENT: "there is no such socket (is the broker running?)",
        errno.ECONNREFUSED: "nobody listens on it (is the broker running?)",
        errno.EAGAIN: "the broker's queue of new connections is full",
        errno.ENOTDIR: "a part of the path is not a directory",
    }
    meaning = reasons.get(error.errno or 0)
    return f"{meaning}, {describe(error)}" if meaning else describe(error)
