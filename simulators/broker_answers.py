"""What the broker does and says on one connection: the words of its session.

Theory of operation. Each word is one thing that a broker can do (record, refuse, acknowledge,
welcome, pause, reset). The rules of the link (broker_session.py) use them as a correct broker
does, and the misbehaviours (broker_misbehaviour.py) as it never would. The words collect a
`Step`, which the caller carries out in the order of its parts: record, send, close. So an
Acknowledge is never on its way before its event is recorded, whoever speaks.

An Acknowledge waits for the end of the step and covers all that was acknowledged in it, or
each has its own (`acknowledge_each`). It may have to wait longer; those behind it wait too. A
Refuse goes out at once, hence before any Acknowledge that covers it. Refusals of earlier
connections that the connector may not have settled (`_unrepeated`) hold Welcome and
Acknowledge below them (trap T4). Each of them ends when its number is published, and refused,
again, or when a higher one is: numbers rise, so the connector has settled it.

Not here: what the connector may say (broker_session.py).

Spec: LNK-2, LNK-3, SIM-1.1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reference.limits import LINK_VERSION
from reference.link_frames import encode_message_frame
from reference.link_messages import (
    Acknowledge,
    Error,
    Hello,
    LinkMessage,
    Publish,
    Refuse,
    Welcome,
)
from simulators.broker_memory import BrokerMemory, LogMemory, ReceivedEvent, RefusedEvent, Taken
from simulators.broker_step import NOTHING, Closing, Collapse, SessionState, Step

WINDOW_DEFAULT: Final = 256
WINDOW_MAX: Final = 2**32 - 1
_U64_MAX: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """How the broker talks when it is good."""

    window: int = WINDOW_DEFAULT
    acknowledge_each: bool = False
    """One Acknowledge for each Publish, in place of one for all that came together."""

    def __post_init__(self) -> None:
        if not 1 <= self.window <= WINDOW_MAX:
            raise ValueError(
                f"window is {self.window}; it must be from 1 to {WINDOW_MAX} "
                "(the misbehaviour window-zero offers 0)"
            )


class BrokerAnswers:
    """What was published and answered on a connection, and the step in the making."""

    def __init__(
        self,
        memory: BrokerMemory,
        options: BrokerOptions,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.random_bytes = random_bytes
        self.state = SessionState.NEW
        self.now_ns = 0
        self.window = options.window
        self.highest = 0
        """The last number that was published."""
        self.acknowledged = 0
        """What is settled for both sides: by Hello and Welcome, then by Acknowledge."""
        self.unanswered: deque[int] = deque()
        self.acknowledgements: deque[tuple[int, int]] = deque()
        """Due time and number, both rising."""
        self.paused: tuple[int, Publish] | None = None
        """Until when the broker is busy, and with what."""
        self._memory, self._options = memory, options
        self._hello: Hello | None = None
        self._unrepeated: deque[int] = deque()
        self._is_acknowledging = True
        self._welcome: Welcome | None = None
        self._record: list[ReceivedEvent] = []
        self._record_refused: list[RefusedEvent] = []
        self._send: list[bytes] = []
        self._closing = Closing.NO
        self._collapse: Collapse | None = None

    @property
    def hello(self) -> Hello | None:
        """Who is connected, once it is known."""
        return self._hello

    @property
    def log(self) -> LogMemory:
        """What is remembered of the log, from its first Publish on."""
        assert self._hello is not None, "a Publish is taken after Hello only"
        return self._memory.log(self._hello.log_id)

    def take_step(self) -> Step:
        """Return what was collected, and start the next step. Acknowledges what is due."""
        self._acknowledge_due(self.now_ns)
        if not (self._record or self._send or self._closing is not Closing.NO):
            return NOTHING  # a refusal sends Refuse, or its connection ends in this step
        step = Step(
            tuple(self._record),
            tuple(self._record_refused),
            b"".join(self._send),
            self._closing,
            self._collapse,
        )
        self._record, self._record_refused, self._send = [], [], []
        self._closing, self._collapse = Closing.NO, None
        return step

    # ---- Greeting -------------------------------------------------------------

    def greeted_by(self, hello: Hello) -> None:
        """Note Hello; no Welcome is sent yet."""
        self._hello = hello
        self.state = SessionState.UNGREETED
        self._unrepeated = deque(self._memory.look(hello.log_id).settle(hello.settled_through))

    def welcome(
        self, *, version: int | None = None, window: int | None = None, ahead: int = 0
    ) -> None:
        """Send Welcome. A good broker leaves all to be decided here."""
        hello = self._hello
        assert hello is not None, "Welcome answers Hello"
        settled_through = hello.settled_through
        through = self._memory.look(hello.log_id).acknowledged_through(settled_through)
        if ahead:
            through = min(max(through, settled_through) + ahead, _U64_MAX)
        if window is not None:
            self.window = window
        agreed = min(hello.protocol_version, LINK_VERSION) if version is None else version
        if LINK_VERSION <= agreed <= hello.protocol_version:
            self.state = SessionState.GREETED
        self.acknowledged = max(settled_through, through)
        self._welcome = Welcome(agreed, self.window, through)
        self.send(self._welcome)

    def welcome_again(self) -> None:
        """Send the same Welcome once more."""
        assert self._welcome is not None
        self.send(self._welcome)

    # ---- Answering a Publish ----------------------------------------------------

    def published(self, sequence: int) -> None:
        """Note a number that is in order."""
        self.highest = sequence
        self.unanswered.append(sequence)

    def answer(self, publish: Publish) -> Taken | None:
        """Do what a good broker does; None if it was refused again."""
        sequence = publish.entry.sequence
        reason = self.log.refused.get(sequence)
        if reason is not None:
            self.refuse(sequence, reason)
            return None
        taken = self.record(publish)
        self.acknowledge(sequence)
        return taken

    def record(self, publish: Publish) -> Taken:
        """Record the event, if it is not a repeat."""
        hello = self._hello
        assert hello is not None
        taken = self.log.take(publish.entry.sequence)
        if taken is Taken.NEW:
            self._record.append(
                ReceivedEvent(hello.log_id, hello.client_id, publish.topic, publish.entry)
            )
        elif taken is Taken.REPEAT:
            self._memory.repeats_dropped += 1
        return taken

    def refuse(self, sequence: int, reason: str) -> None:
        """Send Refuse, and remember it."""
        assert self._hello is not None
        if sequence not in self.log.refused:
            self.log.refuse(sequence, reason)
            self._record_refused.append(RefusedEvent(self._hello.log_id, sequence, reason))
        self.unanswered.remove(sequence)
        self.send(Refuse(sequence, reason))

    def acknowledge(self, through: int, delay_ns: int = 0) -> None:
        """Acknowledge at the end of the step, or later. Those behind it are not sooner."""
        if self._is_acknowledging:
            due_ns = self.now_ns + delay_ns
            if self.acknowledgements:
                due_ns = max(due_ns, self.acknowledgements[-1][0])
            self.acknowledgements.append((due_ns, through))

    def acknowledge_at_once(self, through: int) -> None:
        """Acknowledge now, and with it all that wait."""
        self.acknowledgements.clear()
        self._acknowledge(through)

    def acknowledge_no_more(self) -> None:
        """Send no Acknowledge on this connection any more."""
        self._is_acknowledging = False
        self.acknowledgements.clear()

    def acknowledged_so_far(self) -> int:
        """Send all that wait; return what the connector will then know to be settled."""
        if self.acknowledgements:
            self.acknowledge_at_once(self.acknowledgements[-1][1])
        return self.acknowledged

    def _acknowledge_due(self, now_ns: int) -> None:
        through = 0
        while self.acknowledgements and self.acknowledgements[0][0] <= now_ns:
            _, through = self.acknowledgements.popleft()
            if self._options.acknowledge_each:
                self._acknowledge(through)
        if through > self.acknowledged:
            self._acknowledge(through)

    def _acknowledge(self, through: int) -> None:
        while self._unrepeated and self._unrepeated[0] <= self.highest:
            self._unrepeated.popleft()
        # LNK-3.3. It holds because `through` was published, so it is at most `highest`.
        assert not self._unrepeated or through < self._unrepeated[0], (through, self._unrepeated)
        self.acknowledged = through
        while self.unanswered and self.unanswered[0] <= through:
            self.unanswered.popleft()
        self.send(Acknowledge(through))

    # ---- Anything else ----------------------------------------------------------

    def send(self, message: LinkMessage) -> None:
        """Send a message."""
        self._send.append(encode_message_frame(message))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes that may be no message."""
        self._send.append(data)

    def pause(self, publish: Publish, duration_ns: int) -> None:
        """Read nothing for a while, then answer the publish."""
        self.paused = (self.now_ns + duration_ns, publish)

    def stall(self) -> None:
        """Read nothing and say nothing any more."""
        self.acknowledgements.clear()
        self.state = SessionState.STALLED

    def give_up(self, reason: str) -> None:
        """Acknowledge what is due, send Error, close."""
        self._acknowledge_due(self.now_ns)
        self.send(Error(reason))
        self.close(Closing.CLOSE)

    def say_farewell(self) -> None:
        """Acknowledge what is due, close."""
        self._acknowledge_due(self.now_ns)
        self.close(Closing.CLOSE)

    def reset(self, *, is_sent_first: bool) -> None:
        """Drop the connection, and what this step was going to send unless it goes first."""
        if not is_sent_first:
            self._send.clear()
        self.close(Closing.RESET)

    def collapse(self, *, is_forgetting: bool, deaf_ns: int) -> None:
        """Let the whole broker drop its connections."""
        self._collapse = Collapse(is_forgetting, deaf_ns)
        self.reset(is_sent_first=False)

    def close(self, closing: Closing) -> None:
        """End the connection at the end of the step."""
        self.acknowledgements.clear()
        self.paused = None
        self.state = SessionState.CLOSED
        self._closing = closing
