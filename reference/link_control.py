"""Keeps the link: its state, its deadlines, and what happens when it breaks.

Theory of operation. `move` is the only way to another state, and connector_states.py alone
says which one follows. Leaving a link closes it, whatever the reason was; a reason is told
once, not at every attempt; and every attempt waits longer than the one before, until a
message that keeps the rules proves that the link works. A connection that is merely accepted
proves nothing: a broker that dies at each Hello must not be asked ten times a second.

    in state     closed when
    CONNECTING   there is no connection in time
    GREETING     there is no Welcome in time
    ONLINE,      nothing was said for long (a Ping was sent meanwhile), or no event was
    DRAINING     answered for long although some are outstanding
    DRAINING     the shutdown's deadline has come

Not here: the events, and what the messages mean for them (connector_core.py).

Spec: LNK-4, CON-3.
"""

from __future__ import annotations

from collections.abc import Callable

from reference.backoff import Backoff
from reference.connector_config import ConnectorConfig
from reference.connector_errors import (
    DeadlinePassed,
    LinkProblem,
    ProtocolViolation,
    UnexpectedPong,
)
from reference.connector_inputs import (
    CloseLink,
    Command,
    Condition,
    OpenLink,
    Report,
    SendBytes,
    StartIdentity,
)
from reference.connector_states import (
    LINK_WANTED,
    TIMERS,
    TIMERS_OF_LOG,
    State,
    Timer,
    Trigger,
    next_state,
)
from reference.deadlines import Deadlines
from reference.limits import NS_PER_S
from reference.link_frames import encode_message_frame
from reference.link_messages import LinkMessage, Ping


class LinkControl:
    """The link of one connector. Commands are added to the list that it was given."""

    def __init__(
        self,
        config: ConnectorConfig,
        random: Callable[[], float],
        deadlines: Deadlines,
        commands: list[Command],
    ) -> None:
        self.state = State.IDLE
        self.problem = ""
        """Why there is no link; empty if there is one, or none was asked for."""
        self.violations = 0
        self.now_ns = 0
        self._config = config
        self._backoff = Backoff(config, random)
        self._deadlines = deadlines
        self._commands = commands
        self._ping_nonce = 0
        self._ping_is_unanswered = False

    # ---- States -------------------------------------------------------------

    def check(self, trigger: Trigger) -> None:
        """Raise IllegalInput if this cannot happen now."""
        next_state(self.state, trigger)

    def move(self, trigger: Trigger) -> None:
        """Go where the table says, and do what entering that state takes."""
        old, new = self.state, next_state(self.state, trigger)
        self.state = new
        if new is old:
            return
        if old in LINK_WANTED and new not in LINK_WANTED and not _is_closed_by(trigger):
            self._commands.append(CloseLink(flush=trigger is Trigger.DRAINED))
        self._deadlines.keep(TIMERS[new])
        if new is State.CONNECTING:
            self._commands.append(OpenLink())
            self._set(Timer.CONNECT, self._config.connect_deadline_ns)
        elif new is State.GREETING:
            self._set(Timer.WELCOME, self._config.welcome_deadline_ns)
        elif new is State.ONLINE:
            self.problem = ""
            self._ping_is_unanswered = False
            self._listen()
        elif new is State.RENAMING:
            self._commands.append(StartIdentity())

    def drop(self, trigger: Trigger, problem: LinkProblem) -> None:
        """Go without a link, tell why, and try again later unless this is the end."""
        self.check(trigger)
        if isinstance(problem, ProtocolViolation):
            self.violations += 1
        if str(problem) != self.problem:
            self.problem = str(problem)
            self.report(Condition.LINK_PROBLEM, self.problem)
        self.move(trigger)
        self.retry_later(longest=problem.is_hopeless)

    def retry_later(self, *, longest: bool = False) -> None:
        """Set the time of the next attempt, if one is to be made."""
        if self.state is State.WAITING:
            backoff = self._backoff
            self._set(
                Timer.RETRY, backoff.longest_delay_ns() if longest else backoff.next_delay_ns()
            )

    def drain_until(self, deadline_ns: int) -> None:
        """Begin the end: whatever is open then is closed at the deadline."""
        self.move(Trigger.SHUTDOWN)
        if self.state is State.DRAINING:
            self._deadlines.set(Timer.SHUTDOWN, deadline_ns)

    # ---- While a link stands ------------------------------------------------

    def heard(self, trigger: Trigger) -> None:
        """A message came that keeps the rules: the link works."""
        self.move(trigger)
        self._backoff.reset()
        self._listen()

    def answered(self, trigger: Trigger, *, outstanding: int) -> None:
        """The message answers events; the time for the next answer starts anew."""
        self.heard(trigger)
        self._deadlines.cancel(Timer.ANSWER)
        if outstanding:
            self.await_answer()

    def await_answer(self) -> None:
        """Events are outstanding: an answer has to come in time."""
        if not self._deadlines.is_set(Timer.ANSWER):
            self._set(Timer.ANSWER, self._config.answer_deadline_ns)

    def pong(self, nonce: int) -> None:
        """Take an answer to a Ping. Raises UnexpectedPong."""
        if nonce != self._ping_nonce or not self._ping_is_unanswered:
            raise UnexpectedPong(nonce)
        self._ping_is_unanswered = False
        self.heard(Trigger.PONG)

    def _listen(self) -> None:
        if not self._ping_is_unanswered:
            self._set(Timer.PING, self._config.ping_after_ns)
        self._set(Timer.SILENCE, self._config.silence_deadline_ns)

    # ---- Time ---------------------------------------------------------------

    def on_timer(self, timer: Timer) -> None:
        """A deadline of the link has come."""
        config = self._config
        match timer:
            case Timer.RETRY:
                self.move(Trigger.RETRY_DUE)
            case Timer.CONNECT:
                self._pass_deadline("there is no connection", config.connect_deadline_ns)
            case Timer.WELCOME:
                self._pass_deadline("there is no Welcome", config.welcome_deadline_ns)
            case Timer.SILENCE:
                self._pass_deadline("the broker said nothing", config.silence_deadline_ns)
            case Timer.ANSWER:
                self._pass_deadline("no event was answered", config.answer_deadline_ns)
            case Timer.SHUTDOWN:
                problem = DeadlinePassed("the connector shuts down, and not every answer came")
                self.drop(Trigger.DEADLINE_PASSED, problem)
            case _:
                assert timer is Timer.PING, timer
                self._ping_nonce += 1
                self._ping_is_unanswered = True
                self.send(Ping(self._ping_nonce))

    def is_current(self, timer: Timer) -> bool:
        """Whether the timer belongs to the present state: another may have changed it."""
        return timer in TIMERS[self.state] or timer in TIMERS_OF_LOG

    def _pass_deadline(self, what: str, after_ns: int) -> None:
        problem = DeadlinePassed(f"{what}, for {after_ns / NS_PER_S:g} s")
        self.drop(Trigger.DEADLINE_PASSED, problem)

    def _set(self, timer: Timer, after_ns: int) -> None:
        self._deadlines.set(timer, self.now_ns + after_ns)

    # ---- Commands -----------------------------------------------------------

    def send(self, message: LinkMessage) -> None:
        """Send a message."""
        self._commands.append(SendBytes(encode_message_frame(message)))

    def report(self, condition: Condition, text: str) -> None:
        """Tell whoever watches."""
        self._commands.append(Report(condition, text))


def _is_closed_by(trigger: Trigger) -> bool:
    """Whether there is no connection left to close."""
    return trigger in (Trigger.LINK_FAILED, Trigger.LINK_LOST)
