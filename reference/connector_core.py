"""The connector without a clock, a socket, a thread or a file: inputs in, commands out.

    core = ConnectorCore(config, log_id, ...)
    for command in core.handle(LinkUp(), now_ns): ...      # carry out, feed results back

Theory of operation. Four things are kept apart and meet here:

    link_control.py        where the link stands, when it is closed and tried again
    link_session.py        which events are in flight on the present link
    event_buffer.py        which are unsettled, in memory or in the log alone
    dead_letter_queue.py   which are on their way to the dead-letter file

After every input, whatever it was: events are sent as the window allows, a page is asked
for if there is need and room, the backpressure level is computed, and the timer is set. So
no input can forget to.

An event leaves by one of three ways only: the broker acknowledged it, its dead letter is
durable, or the log cannot read it any more and says so. Each settles its number.

Spec: LNK-2, LNK-3, CON-4, BUF-1, BUF-2, BPR-1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from reference.backpressure import BackpressureState, next_level
from reference.connector_config import ConnectorConfig
from reference.connector_errors import (
    AcknowledgeOutOfRange,
    BrokerGaveUp,
    IncompatibleVersion,
    MessageOutOfTurn,
    ProtocolViolation,
    UndecodableMessage,
    WindowIsZero,
    shown,
)
from reference.connector_inputs import (
    BytesReceived,
    Command,
    Condition,
    ConnectRequested,
    DeadLetterPostponed,
    DeadLetterStored,
    EventsStored,
    Finished,
    IdentityFailed,
    IdentityStarted,
    Input,
    LinkFailed,
    LinkLost,
    LinkUp,
    Opened,
    PageFailed,
    PageRead,
    ReadPage,
    SendBytes,
    SetTimer,
    Settle,
    ShutdownRequested,
    SignalBackpressure,
    TimerFired,
    WatermarkDurable,
)
from reference.connector_states import LINKED, IllegalInput, State, Timer, Trigger
from reference.dead_letter_queue import DeadLetterQueue
from reference.deadlines import Deadlines
from reference.errors import DecodeError
from reference.event_buffer import EventBuffer, HeldEvent
from reference.limits import LINK_VERSION
from reference.link_control import LinkControl
from reference.link_frames import FrameReader
from reference.link_messages import (
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    LinkMessage,
    Pong,
    Refuse,
    Welcome,
    decode_message,
)
from reference.link_session import LinkSession


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    links: int = 0
    published: int = 0
    repeated: int = 0
    """Of the published ones: sent before, on an earlier link."""
    refused: int = 0
    lost: int = 0


class ConnectorCore:
    """One connector. `handle` is the only way to change it."""

    def __init__(
        self,
        config: ConnectorConfig,
        *,
        log_id: bytes,
        identity_is_fresh: bool,
        settled_through: int,
        durable_watermark: int,
        durable_through: int,
        random: Callable[[], float],
    ) -> None:
        """`identity_is_fresh`: this process drew the log_id, so no broker can know it yet.

        `settled_through` is the log's watermark, `durable_watermark` the part of it that is
        on the medium, `durable_through` the highest number that the log has given.
        """
        self.counters = Counters()
        self.buffer = EventBuffer(config.buffer_bytes, settled_through, durable_through)
        self.backpressure = BackpressureState(limit_bytes=config.buffer_bytes)
        self.log_id = log_id
        self._config = config
        self._identity_is_fresh = identity_is_fresh
        self._durable_watermark = durable_watermark
        self._known_through = settled_through if identity_is_fresh else durable_through
        """No broker can have more under this log_id: it was here at open, or was sent since."""
        self._broker_has_through = 0
        """The highest number that a Welcome has named; not above `_known_through`."""
        self._sent_through = 0
        """The highest number sent by this process, on any link."""
        self._reader = FrameReader()
        self._session = LinkSession(0, 0, ())
        self._is_finished = False
        self._commands: list[Command] = []
        self._deadlines = Deadlines()
        self.link = LinkControl(config, random, self._deadlines, self._commands)
        self._letters = DeadLetterQueue(config, self.buffer, self._deadlines, self._commands)

    @property
    def backlog(self) -> int:
        """How many durable events are not settled, in memory or not."""
        return self.buffer.unsettled_count

    @property
    def outstanding(self) -> int:
        """How many events wait for an answer on the present link."""
        return self._session.outstanding_count if self.link.state in LINKED else 0

    # ---- The one way in -----------------------------------------------------

    def handle(self, event: Input, now_ns: int) -> list[Command]:
        """Take one input and return what is to be done, in order.

        Raises IllegalInput if the input cannot happen now, which changes nothing.
        """
        link = self.link
        link.now_ns = max(link.now_ns, now_ns)
        self._dispatch(event)
        if link.state is State.ONLINE:
            self._send_more()
        elif link.state is State.DRAINING:
            self._finish_if_drained()
        if link.state is State.CLOSED:
            self._deadlines.clear()
            self._finish()
        else:
            self._page_in()
        self._signal_backpressure()
        if (at_ns := self._deadlines.to_set()) is not None:
            self._commands.append(SetTimer(at_ns))
        commands = list(self._commands)
        self._commands.clear()
        return commands

    def _dispatch(self, event: Input) -> None:
        link = self.link
        match event:
            case EventsStored(entries, durable_through):
                self._take_in(self.buffer.store(entries, durable_through))
            case BytesReceived(data):
                self._receive(data)
            case WatermarkDurable(through):
                self._durable_watermark = through
            case PageRead(page):
                self._take_in(self.buffer.page_read(page))
                for first, end in page.lost:
                    self._give_up(first, end - 1)
            case PageFailed(reason):
                self.buffer.page_failed()
                self._deadlines.set(Timer.PAGE, link.now_ns + self._config.retry_ns)
                link.report(Condition.PAGE_FAILED, reason)
            case DeadLetterStored(sequence):
                self._letters.stored(sequence)
            case DeadLetterPostponed(sequence, reason):
                self._letters.failed(sequence, reason, link.now_ns)
            case Opened():
                pass  # what follows every input is all there is to do
            case ConnectRequested():
                link.move(Trigger.CONNECT)
            case LinkUp():
                link.move(Trigger.LINK_UP)
                self._reader, self._session = FrameReader(), LinkSession(0, 0, ())
                link.send(Hello(LINK_VERSION, self._config.client_id, self.log_id,
                                self._durable_watermark))  # fmt: skip
            case LinkFailed(problem):
                link.drop(Trigger.LINK_FAILED, problem)
            case LinkLost(problem):
                link.drop(Trigger.LINK_LOST, problem)
            case IdentityStarted(log_id):
                link.move(Trigger.IDENTITY_STARTED)
                self.log_id, self._identity_is_fresh = log_id, True
                self._known_through = self.buffer.watermark
                self._broker_has_through = 0
            case IdentityFailed(reason):
                link.move(Trigger.IDENTITY_FAILED)
                link.report(Condition.LINK_PROBLEM, f"no new log_id yet: {reason}")
                link.retry_later()
            case ShutdownRequested(deadline_ns):
                link.drain_until(deadline_ns)
            case TimerFired():
                self._on_time()
            case _ as never:
                assert_never(never)

    def _on_time(self) -> None:
        for timer in self._deadlines.take_due(self.link.now_ns):
            if not self.link.is_current(timer):
                continue
            if timer is Timer.LETTERS:
                self._letters.retry()
            elif timer is not Timer.PAGE:  # a page is asked for again by the way
                self.link.on_timer(timer)

    def _finish_if_drained(self) -> None:
        if not (self._session.outstanding_count or self._letters.count):
            self.link.send(Goodbye())
            self.link.move(Trigger.DRAINED)

    def _finish(self) -> None:
        if self._is_finished:
            return
        self._is_finished = True
        # Only the watermark is durable: what is settled above it is sent again too.
        repeats = max(0, self._sent_through - self.buffer.watermark)
        reason = (self.link.problem or "there was no link") if repeats else ""
        self._commands.append(Finished(repeats, reason))

    # ---- The broker's messages ----------------------------------------------

    def _receive(self, data: bytes) -> None:
        if self.link.state not in LINKED:
            raise IllegalInput(self.link.state, "bytes received")
        try:
            for body in self._reader.feed(data):
                self._on_message(decode_message(body))
                if self.link.state not in LINKED:
                    return
        except DecodeError as error:
            self.link.drop(Trigger.VIOLATION, UndecodableMessage(str(error)))
        except ProtocolViolation as violation:
            self.link.drop(Trigger.VIOLATION, violation)

    def _on_message(self, message: LinkMessage) -> None:
        """Handle one message. Raises ProtocolViolation; it has changed nothing then."""
        link, session = self.link, self._session
        match message, link.state:
            case Welcome(), State.GREETING:
                self._on_welcome(message)
            case Error(reason), _:
                link.drop(Trigger.ERROR, BrokerGaveUp(reason))
            case Acknowledge(through), State.ONLINE | State.DRAINING:
                before = session.acknowledged
                for sequence in session.acknowledge(through):
                    # The broker refused it on an earlier link, and took it now.
                    self._letters.forget(sequence)
                if through == before:
                    link.heard(Trigger.ACKNOWLEDGE)  # legal, and no answer to anything
                    return
                link.answered(Trigger.ACKNOWLEDGE, outstanding=session.outstanding_count)
                self._settle(before + 1, through)
            case Refuse(sequence, reason), State.ONLINE | State.DRAINING:
                session.refuse(sequence)
                link.answered(Trigger.REFUSE, outstanding=session.outstanding_count)
                # Its letter from an earlier link may have been stored since it was sent again.
                if self.buffer.get(sequence) is not None:
                    self._bury(sequence, f"refused: {reason}")
            case Pong(nonce), State.ONLINE | State.DRAINING:
                link.pong(nonce)
            case _:
                raise MessageOutOfTurn(type(message).__name__, link.state.value)

    def _on_welcome(self, welcome: Welcome) -> None:
        if welcome.protocol_version != LINK_VERSION:
            problem = IncompatibleVersion(welcome.protocol_version, LINK_VERSION)
            self.link.drop(Trigger.INCOMPATIBLE, problem)
            return
        if welcome.window == 0:
            raise WindowIsZero
        acknowledged = welcome.acknowledged_through
        if acknowledged > self._known_through:
            if self._identity_is_fresh:
                raise AcknowledgeOutOfRange("Welcome", acknowledged, 0, self._known_through)
            self.link.report(
                Condition.DIVERGED,
                f"the broker has events of this log up to {acknowledged}, which had no more than "
                f"{self._known_through}: the directory was restored or copied. It goes on under a "
                f"new log_id, and {self.backlog} unsettled events are sent under that",
            )
            self.link.move(Trigger.DIVERGED)
            return
        # What is not in memory is looked at before it is settled: an entry that can never be sent
        # was never acknowledged, whatever number the broker names. It comes in a page.
        self._broker_has_through = max(self._broker_has_through, acknowledged)
        known = self.buffer.buffered_through if self.buffer.is_spilled else acknowledged
        self._settle(self.buffer.watermark + 1, min(acknowledged, known))
        baseline = max(self.buffer.watermark, acknowledged)
        sendable = (s for s in self.buffer.sequences() if s > baseline and self._can_be_sent(s))
        self._session = LinkSession(welcome.window, baseline, sendable)
        self.counters.links += 1
        text = f"window {welcome.window}, resuming after sequence {baseline}"
        self.link.report(Condition.LINK_UP, text)
        self.link.move(Trigger.WELCOME)

    # ---- Events -------------------------------------------------------------

    def _take_in(self, events: list[HeldEvent]) -> None:
        """Events came into memory: queue those that can be sent, bury those that cannot."""
        for event in events:
            if event.fault:
                self._bury(event.sequence, event.fault)
            elif event.sequence <= self._broker_has_through:
                self._settle(event.sequence, event.sequence)
            elif self.link.state is State.ONLINE:
                self._session.add_unsent(event.sequence)

    def _can_be_sent(self, sequence: int) -> bool:
        event = self.buffer.get(sequence)
        return event is not None and not event.fault

    def _send_more(self) -> None:
        session = self._session
        while (sequence := session.take_next()) is not None:
            event = self.buffer.get(sequence)
            if event is None:
                continue  # settled since it was queued: its dead letter was stored
            session.sent(sequence)
            self._commands.append(SendBytes(event.data))
            self.counters.published += 1
            self.counters.repeated += sequence <= self._sent_through
            self._sent_through = max(self._sent_through, sequence)
        self._known_through = max(self._known_through, self._sent_through)
        if session.outstanding_count:
            self.link.await_answer()

    def _settle(self, first: int, last: int) -> None:
        """Settle the numbers, but for those whose dead letter is not durable yet (trap T4)."""
        for low, high in self._letters.ranges_without(first, last):
            self.buffer.settle(low, high)
            self._commands.append(Settle(low, high))

    def _bury(self, sequence: int, reason: str) -> None:
        event = self.buffer.get(sequence)
        assert event is not None, f"{sequence} is unsettled and not in memory"
        if self._letters.add(event.as_stored(), reason):
            self.counters.refused += 1
            text = f"sequence {sequence} goes to the dead-letter file: {shown(reason)}"
            self.link.report(Condition.DEAD_LETTER, text)

    def _give_up(self, first: int, last: int) -> None:
        self.counters.lost += last - first + 1
        self._commands.append(Settle(first, last))
        text = f"sequences {first}..{last} were in the log and cannot be read from it any more"
        self.link.report(Condition.LOST, text)

    def _page_in(self) -> None:
        if self._deadlines.is_set(Timer.PAGE):
            return
        request = self.buffer.wanted_page()
        if request is not None:
            self._commands.append(ReadPage(request.after, request.bytes_max, request.at_least_one))

    def _signal_backpressure(self) -> None:
        buffer, old = self.buffer, self.backpressure
        is_spilled, is_blocked = buffer.is_spilled, self._letters.is_blocked
        level = next_level(
            old.level, buffer.used_bytes, buffer.limit_bytes, held_on=is_spilled or is_blocked
        )
        self.backpressure = BackpressureState(
            level, buffer.used_bytes, buffer.limit_bytes, is_spilled, is_blocked
        )
        if self.backpressure != old:
            self._commands.append(SignalBackpressure(self.backpressure))
