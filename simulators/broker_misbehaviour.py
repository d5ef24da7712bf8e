"""What each misbehaviour does: a few lines in the words of a broker.

Fault model. A function here replaces what the correct broker does at one publish, or at one
Hello. Everything else on the connection stays correct: what comes after a misbehaviour that
leaves the connection open is recorded and acknowledged as if nothing had happened, until the
connector hangs up. So a test sees the connector's answer to one fault, not to its echoes.

    records the event    sends                      connection
    yes                  no, a wrong or a late      stays open, or is reset before
                         answer                     or after what it would have sent
    no                   Refuse, Error or nothing   stays open (refuse, stall), else closed

Not here: which misbehaviour strikes (broker_dice.py), one line on each (broker_faults.py),
the words themselves (broker_answers.py).

Spec: SIM-1.2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from reference.events import U64_MAX
from reference.limits import NS_PER_S
from reference.link_frames import encode_frame
from reference.link_messages import TAGS, Acknowledge, Hello, Publish
from simulators.broker_answers import BrokerAnswers
from simulators.broker_dice import Strike
from simulators.broker_faults import MISBEHAVIOURS

_U32: Final = struct.Struct("<I")
UNKNOWN_TAG: Final = max(TAGS.values()) + 90

WITHOUT_RECORD: Final = frozenset(
    ("reset-before-record", "stall", "slow-consumer", "error", "forget", "not-listening")
)
"""These may strike a number that has to be refused again: they never record one."""
RECORDS_OR_REFUSES: Final = frozenset(MISBEHAVIOURS) - WITHOUT_RECORD


AtPublish = Callable[[BrokerAnswers, Publish, Strike], None]
AtConnection = Callable[[BrokerAnswers, Hello, Strike], None]


def strike_publish(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    """Do to the publish what the strike says."""
    _AT_PUBLISH[strike.name](broker, publish, strike)


def strike_connection(broker: BrokerAnswers, hello: Hello, strike: Strike) -> None:
    """Do to the Hello what the strike says. No Welcome was sent yet."""
    _AT_CONNECTION[strike.name](broker, hello, strike)


# ---- Recorded, with another answer than there should be ---------------------


def _no_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.acknowledge_no_more()


def _late_acknowledgement(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    broker.record(publish)
    broker.acknowledge(publish.entry.sequence, _duration_ns(strike))


def _duplicate_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.acknowledge_at_once(publish.entry.sequence)
    broker.send(Acknowledge(publish.entry.sequence))


def _reordered_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.acknowledge_at_once(publish.entry.sequence)
    broker.send(Acknowledge(publish.entry.sequence - 1))


def _unknown_acknowledgement(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    broker.record(publish)
    broker.send(Acknowledge(min(publish.entry.sequence + int(strike.parameter), U64_MAX)))


def _decreasing_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.send(Acknowledge(broker.acknowledged_so_far() - 1))


def _second_welcome(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.welcome_again()
    broker.acknowledge(publish.entry.sequence)


def _garbage(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    broker.record(publish)
    broker.send_bytes(broker.random_bytes(int(strike.parameter)))


def _oversized_frame(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    broker.record(publish)
    broker.send_bytes(_U32.pack(int(strike.parameter)))


def _undecodable_message(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.send_bytes(encode_frame(_U32.pack(UNKNOWN_TAG)))


def _reset_before_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.reset(is_sent_first=False)


def _reset_after_acknowledgement(broker: BrokerAnswers, publish: Publish, _: Strike) -> None:
    broker.record(publish)
    broker.acknowledge_at_once(publish.entry.sequence)
    broker.reset(is_sent_first=True)


# ---- Not recorded -----------------------------------------------------------


def _refuse(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    reason = f"refused by the fake broker at its publish {strike.ordinal}"
    broker.refuse(publish.entry.sequence, reason.ljust(int(strike.parameter), "."))


def _slow_consumer(broker: BrokerAnswers, publish: Publish, strike: Strike) -> None:
    broker.pause(publish, _duration_ns(strike))  # recorded and acknowledged after it


# ---- At a publish or at a Hello, the same -----------------------------------


def _reset(broker: BrokerAnswers, _: object, __: Strike) -> None:
    broker.reset(is_sent_first=False)


def _stall(broker: BrokerAnswers, _: object, __: Strike) -> None:
    broker.stall()


def _error(broker: BrokerAnswers, _: object, strike: Strike) -> None:
    broker.give_up(f"the fake broker gives up at {strike.rule.place.value} {strike.ordinal}")


def _forget(broker: BrokerAnswers, _: object, __: Strike) -> None:
    broker.collapse(is_forgetting=True, deaf_ns=0)


def _not_listening(broker: BrokerAnswers, _: object, strike: Strike) -> None:
    broker.collapse(is_forgetting=False, deaf_ns=_duration_ns(strike))


# ---- At a Hello -------------------------------------------------------------


def _no_welcome(broker: BrokerAnswers, hello: Hello, strike: Strike) -> None:
    """The session waits in the state that it is in: Hello came, no Welcome was sent."""


def _wrong_version(broker: BrokerAnswers, hello: Hello, strike: Strike) -> None:
    version = hello.protocol_version + 1 if strike.parameter < 0 else int(strike.parameter)
    broker.welcome(version=version % 2**32)


def _window_zero(broker: BrokerAnswers, _: Hello, __: Strike) -> None:
    broker.welcome(window=0)


def _welcome_ahead(broker: BrokerAnswers, _: Hello, strike: Strike) -> None:
    broker.welcome(ahead=int(strike.parameter))


def _garbage_welcome(broker: BrokerAnswers, _: Hello, strike: Strike) -> None:
    broker.send_bytes(broker.random_bytes(int(strike.parameter)))


def _oversized_welcome(broker: BrokerAnswers, _: Hello, strike: Strike) -> None:
    broker.send_bytes(_U32.pack(int(strike.parameter)))


def _undecodable_welcome(broker: BrokerAnswers, _: Hello, __: Strike) -> None:
    broker.send_bytes(encode_frame(_U32.pack(UNKNOWN_TAG)))


def _duration_ns(strike: Strike) -> int:
    return round(strike.parameter * NS_PER_S)


_AT_PUBLISH: Final[dict[str, AtPublish]] = {
    "no-acknowledgement": _no_acknowledgement,
    "late-acknowledgement": _late_acknowledgement,
    "duplicate-acknowledgement": _duplicate_acknowledgement,
    "reordered-acknowledgement": _reordered_acknowledgement,
    "unknown-acknowledgement": _unknown_acknowledgement,
    "decreasing-acknowledgement": _decreasing_acknowledgement,
    "second-welcome": _second_welcome,
    "garbage": _garbage,
    "oversized-frame": _oversized_frame,
    "undecodable-message": _undecodable_message,
    "reset-before-acknowledgement": _reset_before_acknowledgement,
    "reset-after-acknowledgement": _reset_after_acknowledgement,
    "reset-before-record": _reset,
    "refuse": _refuse,
    "slow-consumer": _slow_consumer,
    "stall": _stall,
    "error": _error,
    "forget": _forget,
    "not-listening": _not_listening,
}
_AT_CONNECTION: Final[dict[str, AtConnection]] = {
    "reset-before-welcome": _reset,
    "no-welcome": _no_welcome,
    "wrong-version": _wrong_version,
    "window-zero": _window_zero,
    "welcome-ahead": _welcome_ahead,
    "garbage": _garbage_welcome,
    "oversized-frame": _oversized_welcome,
    "undecodable-message": _undecodable_welcome,
    "stall": _stall,
    "error": _error,
    "forget": _forget,
    "not-listening": _not_listening,
}
