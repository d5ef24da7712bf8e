"""The broker's side of one connection: bytes and time in, steps out.

    NEW --Hello--> GREETED --Goodbye, a broken rule, Error, reset--> CLOSED
     |                |
     |                +--stall--> STALLED (reads nothing, stays open)
     +--Hello, answered by no valid Welcome--> UNGREETED

Theory of operation. A value machine: `receive` and `poll` return one `Step` for the caller to
carry out. No clock, socket or thread. What a connector says is checked here, one rule after
the other; one that breaks a rule gets Error, is cut off, and the breach is noted, so that a
test can assert that there is none.

Two rules follow from others. A number at or below what Hello and Welcome settled is never
published, because no Acknowledge of it would be legal. And a number that was never seen may
not come after a higher one was, on whatever connection: the broker drops it as a repeat, so
the event is lost. That is noted, and the connection goes on.

Not here: the answers (broker_answers.py), and the faults: where the plan strikes,
broker_misbehaviour.py answers instead.

Spec: LNK-1, LNK-2, LNK-3, LNK-4.1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reference.connector_errors import FrameLengthOutOfRange
from reference.errors import DecodeError
from reference.link_frames import FrameReader
from reference.link_messages import TOPICS, Goodbye, Hello, Ping, Pong, Publish, decode_message
from simulators.broker_answers import BrokerAnswers, BrokerOptions
from simulators.broker_dice import Dice
from simulators.broker_memory import BrokerMemory, Taken
from simulators.broker_misbehaviour import RECORDS_OR_REFUSES, strike_connection, strike_publish
from simulators.broker_step import NOTHING, Closing, SessionState, Step

QUOTED_MAX: Final = 80
"""Characters of the connector's text that go into a message about it."""
OPTIONS_DEFAULT: Final = BrokerOptions()


@dataclass(frozen=True, slots=True)
class Violation:
    """The connector broke a rule of the link."""

    connection: int
    client_id: str | None
    """None before Hello."""
    requirement: str
    reason: str

    def __str__(self) -> str:
        who = "" if self.client_id is None else f" ({self.client_id[:QUOTED_MAX]!r})"
        return f"connection {self.connection}{who} broke {self.requirement}: {self.reason}"


class _LinkRuleBroken(Exception):
    """Ends the connection. Caught in this file."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(reason)
        self.requirement = requirement


class BrokerSession:
    """One connection. Memory and dice are shared with the others."""

    def __init__(
        self,
        memory: BrokerMemory,
        dice: Dice,
        on_violation: Callable[[Violation], None],
        *,
        number: int = 1,
        options: BrokerOptions = OPTIONS_DEFAULT,
    ) -> None:
        self.number = number
        self.said_goodbye = False
        self._dice = dice
        self._on_violation = on_violation
        self._answers = BrokerAnswers(memory, options, dice.random_bytes)
        self._reader = FrameReader()
        self._inbox: deque[bytes | FrameLengthOutOfRange] = deque()

    # ---- Input ----------------------------------------------------------------

    def receive(self, data: bytes, now_ns: int) -> Step:
        """Return what to do about bytes that came."""
        if self.state in (SessionState.CLOSED, SessionState.STALLED):
            return NOTHING
        try:
            self._inbox.extend(self._reader.feed(data))
        except FrameLengthOutOfRange as error:
            self._inbox.append(error)  # its turn is after the good ones
        return self.poll(now_ns)

    def poll(self, now_ns: int) -> Step:
        """Return what to do because it is `next_wake_ns`. At another time it is harmless."""
        answers = self._answers
        answers.now_ns = now_ns
        try:
            if answers.paused is not None and answers.paused[0] <= now_ns:
                publish = answers.paused[1]
                answers.paused = None
                self._answer(publish)
            while self._inbox and self.is_reading:
                self._take(self._inbox.popleft())
        except _LinkRuleBroken as error:
            self._note_violation(error.requirement, str(error))
            answers.give_up(f"{error.requirement}: {error}")
        return answers.take_step()

    def lost(self) -> None:
        """Note that the connection is gone: what was not read yet is lost."""
        self._answers.close(Closing.NO)
        self._inbox.clear()

    @property
    def state(self) -> SessionState:
        """Where the connection stands."""
        return self._answers.state

    @property
    def hello(self) -> Hello | None:
        """Who is connected, once it is known."""
        return self._answers.hello

    @property
    def is_reading(self) -> bool:
        """Whether it wants bytes. Those that come wait if it is slow, are lost if it is stalled."""
        return self._answers.paused is None and self.state not in (
            SessionState.CLOSED,
            SessionState.STALLED,
        )

    @property
    def next_wake_ns(self) -> int | None:
        """When `poll` has something to do although nothing comes; None if never."""
        answers = self._answers
        wakes = [due_ns for due_ns, _ in list(answers.acknowledgements)[:1]]
        if answers.paused is not None:
            wakes.append(answers.paused[0])
        return min(wakes, default=None)

    # ---- The rules of the link ------------------------------------------------

    def _take(self, body: bytes | FrameLengthOutOfRange) -> None:
        if isinstance(body, FrameLengthOutOfRange):
            raise _LinkRuleBroken("LNK-1.2", str(body))
        try:
            message = decode_message(body)
        except DecodeError as error:
            raise _LinkRuleBroken("LNK-1.3", f"undecodable message: {error}") from error
        state = self.state
        match message:
            case Publish():
                self._on_publish(message)
            case Hello():
                self._on_hello(message)
            case Goodbye() if state is not SessionState.NEW:
                self.said_goodbye = True
                self._answers.say_farewell()
            case Ping(nonce) if state is SessionState.GREETED:
                self._answers.send(Pong(nonce))
            case Ping() if state is SessionState.UNGREETED:
                return  # a broker that does not say Welcome says nothing else
            case _:
                raise _LinkRuleBroken("LNK-4.1", f"{type(message).__name__} while {state.value}")

    def _on_hello(self, hello: Hello) -> None:
        if self.state is not SessionState.NEW:
            raise _LinkRuleBroken("LNK-2.1", "a second Hello on one connection")
        self._answers.greeted_by(hello)
        strike = self._dice.at_connection(self.number, hello.log_id)
        if strike is None:
            self._answers.welcome()
        else:
            strike_connection(self._answers, hello, strike)

    def _on_publish(self, publish: Publish) -> None:
        hello = self._check_publish(publish)
        answers, sequence = self._answers, publish.entry.sequence
        answers.published(sequence)
        impossible = self._impossible_at(sequence) if self._dice.may_strike_publishes else None
        strike = self._dice.at_publish(self.number, hello.log_id, sequence, impossible)
        if strike is None:
            self._answer(publish)
        else:
            strike_publish(answers, publish, strike)

    def _answer(self, publish: Publish) -> None:
        if self._answers.answer(publish) is Taken.SKIPPED:
            self._note_violation(
                "LNK-3.1",
                f"Publish {publish.entry.sequence} for the first time after "
                f"{self._answers.log.accepted_through} was; it is dropped as a repeat",
            )

    def _impossible_at(self, sequence: int) -> frozenset[str]:
        """Return the misbehaviours that cannot strike this number."""
        answers = self._answers
        impossible: set[str] = set()
        if sequence in answers.log.refused:
            impossible |= RECORDS_OR_REFUSES  # it has to be refused again, and is not recorded
        elif sequence <= answers.log.accepted_through:
            impossible.add("refuse")
        if answers.acknowledged == 0 and not answers.acknowledgements:
            impossible.add("decreasing-acknowledgement")
        return frozenset(impossible)

    def _check_publish(self, publish: Publish) -> Hello:
        """Return who publishes if everything is in order."""
        answers, sequence = self._answers, publish.entry.sequence
        if answers.hello is None or answers.state is not SessionState.GREETED:
            raise _LinkRuleBroken("LNK-2.1", f"Publish {sequence} while {answers.state.value}")
        if sequence <= answers.highest:
            raise _LinkRuleBroken("LNK-3.1", f"Publish {sequence} after {answers.highest}")
        if sequence <= answers.acknowledged:
            raise _LinkRuleBroken(
                "LNK-3.1", f"Publish {sequence}, but {answers.acknowledged} was settled before"
            )
        if len(answers.unanswered) >= answers.window:
            raise _LinkRuleBroken(
                "LNK-2.2",
                f"Publish {sequence} while {len(answers.unanswered)} are unanswered, "
                f"the window is {answers.window}",
            )
        if publish.topic != (topic := TOPICS[publish.entry.event.event_type]):
            raise _LinkRuleBroken(
                "LNK-3.1", f"Publish {sequence} under {publish.topic[:QUOTED_MAX]!r}, not {topic!r}"
            )
        return answers.hello

    def _note_violation(self, requirement: str, reason: str) -> None:
        client_id = None if self.hello is None else self.hello.client_id
        self._on_violation(Violation(self.number, client_id, requirement, reason))
