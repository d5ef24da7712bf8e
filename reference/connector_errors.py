"""The errors of the connector and of the broker link: one class per broken rule.

Three kinds. A caller's mistake is raised to the caller (`ConnectorClosed`, the addresses). A
link that cannot be had yet (`LinkProblem`) and a broker that breaks a rule of the link
(`ProtocolViolation`) are never raised to a publisher: they are reported, the link is closed
and tried again, and no event is lost by it. So all of these are definite.

Not here: errors of the log (errors.py), which `publish` raises as `append` does.

Spec: ERR-1.1, LNK-4.
"""

from __future__ import annotations

from typing import ClassVar

from reference.errors import WalError
from reference.limits import SHOWN_TEXT_MAX


class ConnectorError(WalError):
    """Base of what the connector and the link can find wrong. Nothing is lost by any of it."""


class ConnectorClosed(ConnectorError):
    """The connector was closed; nothing was stored."""

    def __init__(self) -> None:
        super().__init__("the connector is closed; open it again")


# ---- The broker's address ---------------------------------------------------


class BrokerAddressError(ConnectorError):
    """Base: no socket address can be made of what was given, so trying again is useless."""


class BrokerAddressMissing(BrokerAddressError):
    """The environment variable that names the broker's socket is unset or empty."""

    def __init__(self, variable: str, state: str) -> None:
        super().__init__(f"{variable} is {state}; set it to the path of the broker's Unix socket")


class BrokerAddressTooLong(BrokerAddressError):
    """The path does not fit into a Unix socket address."""

    def __init__(self, path: str, length_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{path!r} has {length_bytes} bytes, a Unix socket's path has at most {limit_bytes}; "
            "use a shorter path"
        )
        self.length_bytes = length_bytes
        self.limit_bytes = limit_bytes


class BrokerAddressInvalid(BrokerAddressError):
    """The path holds a NUL byte, or is not text."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} cannot be a path: it holds a NUL byte or is not UTF-8 text")


# ---- The link cannot be had yet ---------------------------------------------


class LinkProblem(ConnectorError):
    """Base: there is no link to the broker now. Tried again with backoff."""

    retryable = True
    is_hopeless: ClassVar[bool] = False
    """Only a person can mend it, so it is tried at the longest backoff."""


class BrokerUnreachable(LinkProblem):
    """Connecting failed: no such socket, nobody listens, permission denied, not a socket."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot connect to {path}: {reason}")


class UntrustedBroker(LinkProblem):
    """The socket, its directory or the process behind it belongs to somebody else."""

    is_hopeless = True

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} is not trusted: {reason}; the broker must run as this user or as root"
        )


class LinkClosed(LinkProblem):
    """The broker closed the connection, or the connection broke."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the link was lost: {reason}")


class DeadlinePassed(LinkProblem):
    """The broker did not do something in time: answer, greet, or say anything at all."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the link was closed: {what}")


class BrokerGaveUp(LinkProblem):
    """The broker sent Error."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the broker gave up on the link: {shown(reason)}")


class IncompatibleVersion(LinkProblem):
    """Welcome answers with a protocol version that was not offered or is not known."""

    is_hopeless = True

    def __init__(self, answered: int, offered: int) -> None:
        super().__init__(
            f"the broker speaks protocol version {answered}, {offered} was offered; "
            "update whichever of the two is older"
        )
        self.answered = answered
        self.offered = offered


# ---- The broker breaks a rule -----------------------------------------------


class ProtocolViolation(LinkProblem):
    """Base: the broker broke a rule of the link. The connection is closed."""


class FrameLengthOutOfRange(ProtocolViolation):
    """A frame's length is beyond the limit, or too small for a message. Nothing was buffered."""

    def __init__(self, length_bytes: int, low_bytes: int, high_bytes: int) -> None:
        super().__init__(f"frame of {length_bytes} bytes, allowed are {low_bytes} to {high_bytes}")
        self.length_bytes = length_bytes


class UndecodableMessage(ProtocolViolation):
    """The body of a frame is no message."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"undecodable message: {cause}")


class MessageOutOfTurn(ProtocolViolation):
    """A message came that may not come now, or never from this side."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(f"{message} while {state}")


class WindowIsZero(ProtocolViolation):
    """Welcome allows no event in flight, so nothing could ever be sent."""

    def __init__(self) -> None:
        super().__init__("Welcome with a window of 0")


class AcknowledgeOutOfRange(ProtocolViolation):
    """An acknowledgement goes back, or beyond what was sent."""

    def __init__(self, message: str, through: int, low: int, high: int) -> None:
        super().__init__(f"{message} through {through}, allowed are {low} to {high}")
        self.through = through


class RefuseOutOfRange(ProtocolViolation):
    """A refusal names a number that has no answer outstanding."""

    def __init__(self, sequence: int, acknowledged: int, sent: int) -> None:
        super().__init__(
            f"Refuse of {sequence}, which is not outstanding "
            f"(acknowledged {acknowledged}, sent {sent})"
        )
        self.sequence = sequence


class UnexpectedPong(ProtocolViolation):
    """A Pong answers no Ping that was sent."""

    def __init__(self, nonce: int) -> None:
        super().__init__(f"Pong {nonce} answers no Ping")


def shown(text: str) -> str:
    """Return a broker's text as it may stand in a log or on a terminal: one short line."""
    short = text if len(text) <= SHOWN_TEXT_MAX else f"{text[:SHOWN_TEXT_MAX]}..."
    return "".join(each if each.isprintable() else "?" for each in short)
