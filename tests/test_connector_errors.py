"""The connector's errors: definite, said with numbers, each concrete one shown once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reference import connector_errors as errors

ErrorCase = tuple[Callable[[], errors.ConnectorError], tuple[str, ...]]

ERRORS: tuple[ErrorCase, ...] = (
    (errors.ConnectorClosed, ("closed", "open it again")),
    (lambda: errors.BrokerAddressMissing("VAR", "unset"), ("VAR is unset", "path of the broker")),
    (lambda: errors.BrokerAddressTooLong("/x", 200, 107), ("200 bytes", "at most 107", "shorter")),
    (lambda: errors.BrokerAddressInvalid("a\0b"), ("NUL",)),
    (lambda: errors.BrokerUnreachable("/s", "why"), ("cannot connect to /s: why",)),
    (lambda: errors.UntrustedBroker("/s", "why"), ("/s is not trusted: why", "as root")),
    (lambda: errors.LinkClosed("reset"), ("lost: reset",)),
    (lambda: errors.DeadlinePassed("no Welcome, for 10 s"), ("no Welcome, for 10 s",)),
    (lambda: errors.BrokerGaveUp("enough"), ("gave up on the link: enough",)),
    (lambda: errors.IncompatibleVersion(2, 1), ("version 2", "1 was offered", "update")),
    (lambda: errors.FrameLengthOutOfRange(9, 4, 8), ("9 bytes", "4 to 8")),
    (lambda: errors.UndecodableMessage("at byte 4: x"), ("at byte 4: x",)),
    (lambda: errors.MessageOutOfTurn("Welcome", "online"), ("Welcome while online",)),
    (errors.WindowIsZero, ("window of 0",)),
    (lambda: errors.AcknowledgeOutOfRange("Welcome", 9, 1, 4), ("Welcome through 9", "1 to 4")),
    (lambda: errors.RefuseOutOfRange(9, 3, 5), ("9", "acknowledged 3", "sent 5")),
    (lambda: errors.UnexpectedPong(7), ("Pong 7",)),
)


@pytest.mark.req("ERR-1.1")
@pytest.mark.parametrize(("make", "words"), ERRORS)
def test_error_says_what_happened(
    make: Callable[[], errors.ConnectorError], words: tuple[str, ...]
) -> None:
    error = make()
    assert error.definite, "no event is lost by any of them"
    assert error.retryable is isinstance(error, errors.LinkProblem)
    for word in words:
        assert word in str(error)


@pytest.mark.req("ERR-1.1")
def test_every_concrete_error_is_in_the_table_of_this_file() -> None:
    def leaves(kind: type[errors.ConnectorError]) -> set[str]:
        below = kind.__subclasses__()
        return {kind.__name__} if not below else set().union(*map(leaves, below))

    assert leaves(errors.ConnectorError) == {type(make()).__name__ for make, _ in ERRORS}


@pytest.mark.req("CON-1.2", "LNK-2.1", "CON-3.2")
def test_only_what_a_person_has_to_mend_is_hopeless() -> None:
    hopeless = {
        type(make()).__name__ for make, _ in ERRORS if getattr(make(), "is_hopeless", False)
    }
    assert hopeless == {"UntrustedBroker", "IncompatibleVersion"}
