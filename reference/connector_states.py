"""The link's state machine as one table, and the timers that belong to each state.

Rule 1: everything that decides which state follows is in `TRANSITIONS`. A pair that is not
there cannot happen: an input from the driver is then a programmer's mistake
(`IllegalInput`), a message from the broker is out of turn and becomes VIOLATION.
Rule 2: this file knows nothing of events, bytes or time; connector_core.py does the work.

    IDLE        nobody asked for a link yet
    WAITING     a timer runs until the next attempt
    CONNECTING  the driver was asked to open the link
    GREETING    Hello is sent, Welcome is awaited
    ONLINE      events are sent and answered
    DRAINING    no event is sent any more; outstanding answers are awaited
    RENAMING    the broker knows another past of this log; a new log_id is being made durable
    CLOSED      the end

Spec: CON-3. The diagram in SPEC.md is drawn from this table, and a test compares them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """Where the link stands."""

    IDLE = "idle"
    WAITING = "waiting"
    CONNECTING = "connecting"
    GREETING = "greeting"
    ONLINE = "online"
    DRAINING = "draining"
    RENAMING = "renaming"
    CLOSED = "closed"


class Trigger(Enum):
    """What can move the link."""

    # the driver
    CONNECT = "connect requested"
    LINK_UP = "link up"
    LINK_FAILED = "link failed"
    LINK_LOST = "link lost"
    SHUTDOWN = "shutdown requested"
    IDENTITY_STARTED = "identity started"
    IDENTITY_FAILED = "identity failed"
    # the broker
    WELCOME = "Welcome"
    ACKNOWLEDGE = "Acknowledge"
    REFUSE = "Refuse"
    PONG = "Pong"
    ERROR = "Error"
    # what the core concludes
    INCOMPATIBLE = "version incompatible"
    DIVERGED = "Welcome beyond the log"
    VIOLATION = "rule broken"
    DRAINED = "every answer came"
    # time
    RETRY_DUE = "backoff over"
    DEADLINE_PASSED = "deadline passed"


_S, _T = State, Trigger

TRANSITIONS: Final[dict[tuple[State, Trigger], State]] = {
    (_S.IDLE, _T.CONNECT): _S.CONNECTING,
    (_S.IDLE, _T.SHUTDOWN): _S.CLOSED,
    #
    (_S.WAITING, _T.CONNECT): _S.CONNECTING,
    (_S.WAITING, _T.RETRY_DUE): _S.CONNECTING,
    (_S.WAITING, _T.SHUTDOWN): _S.CLOSED,
    #
    (_S.CONNECTING, _T.CONNECT): _S.CONNECTING,
    (_S.CONNECTING, _T.LINK_UP): _S.GREETING,
    (_S.CONNECTING, _T.LINK_FAILED): _S.WAITING,
    (_S.CONNECTING, _T.DEADLINE_PASSED): _S.WAITING,
    (_S.CONNECTING, _T.SHUTDOWN): _S.CLOSED,
    #
    (_S.GREETING, _T.CONNECT): _S.GREETING,
    (_S.GREETING, _T.WELCOME): _S.ONLINE,
    (_S.GREETING, _T.INCOMPATIBLE): _S.WAITING,
    (_S.GREETING, _T.DIVERGED): _S.RENAMING,
    (_S.GREETING, _T.ERROR): _S.WAITING,
    (_S.GREETING, _T.VIOLATION): _S.WAITING,
    (_S.GREETING, _T.LINK_LOST): _S.WAITING,
    (_S.GREETING, _T.DEADLINE_PASSED): _S.WAITING,
    (_S.GREETING, _T.SHUTDOWN): _S.CLOSED,
    #
    (_S.ONLINE, _T.CONNECT): _S.ONLINE,
    (_S.ONLINE, _T.ACKNOWLEDGE): _S.ONLINE,
    (_S.ONLINE, _T.REFUSE): _S.ONLINE,
    (_S.ONLINE, _T.PONG): _S.ONLINE,
    (_S.ONLINE, _T.ERROR): _S.WAITING,
    (_S.ONLINE, _T.VIOLATION): _S.WAITING,
    (_S.ONLINE, _T.LINK_LOST): _S.WAITING,
    (_S.ONLINE, _T.DEADLINE_PASSED): _S.WAITING,
    (_S.ONLINE, _T.SHUTDOWN): _S.DRAINING,
    #
    (_S.DRAINING, _T.ACKNOWLEDGE): _S.DRAINING,
    (_S.DRAINING, _T.REFUSE): _S.DRAINING,
    (_S.DRAINING, _T.PONG): _S.DRAINING,
    (_S.DRAINING, _T.DRAINED): _S.CLOSED,
    (_S.DRAINING, _T.ERROR): _S.CLOSED,
    (_S.DRAINING, _T.VIOLATION): _S.CLOSED,
    (_S.DRAINING, _T.LINK_LOST): _S.CLOSED,
    (_S.DRAINING, _T.DEADLINE_PASSED): _S.CLOSED,
    (_S.DRAINING, _T.SHUTDOWN): _S.DRAINING,
    #
    (_S.RENAMING, _T.CONNECT): _S.RENAMING,
    (_S.RENAMING, _T.IDENTITY_STARTED): _S.CONNECTING,
    (_S.RENAMING, _T.IDENTITY_FAILED): _S.WAITING,
    (_S.RENAMING, _T.SHUTDOWN): _S.CLOSED,
    #
    (_S.CLOSED, _T.IDENTITY_STARTED): _S.CLOSED,
    (_S.CLOSED, _T.IDENTITY_FAILED): _S.CLOSED,
    (_S.CLOSED, _T.SHUTDOWN): _S.CLOSED,
}

LINKED: Final = frozenset((State.GREETING, State.ONLINE, State.DRAINING))
"""A connection is open: bytes may come."""
LINK_WANTED: Final = LINKED | {State.CONNECTING}
"""The driver has a connection, or is making one: leaving these takes a CloseLink."""


class Timer(Enum):
    """What the core waits for."""

    RETRY = "retry"
    CONNECT = "connect"
    WELCOME = "welcome"
    PING = "ping"
    SILENCE = "silence"
    ANSWER = "answer"
    SHUTDOWN = "shutdown"
    LETTERS = "letters"
    """Dead letters that could not be stored are tried again."""
    PAGE = "page"
    """A page that could not be read is tried again."""


TIMERS_OF_LOG: Final = frozenset((Timer.LETTERS, Timer.PAGE))
TIMERS: Final[dict[State, frozenset[Timer]]] = {
    State.IDLE: frozenset(),
    State.WAITING: frozenset((Timer.RETRY,)),
    State.CONNECTING: frozenset((Timer.CONNECT,)),
    State.GREETING: frozenset((Timer.WELCOME,)),
    State.ONLINE: frozenset((Timer.PING, Timer.SILENCE, Timer.ANSWER)),
    State.DRAINING: frozenset((Timer.PING, Timer.SILENCE, Timer.ANSWER, Timer.SHUTDOWN)),
    State.RENAMING: frozenset(),
    State.CLOSED: frozenset(),
}
"""A timer that does not belong to the new state is dropped when the state changes."""


class IllegalInput(Exception):
    """The driver gave an input that cannot happen in this state: a programmer's mistake."""

    def __init__(self, state: State, trigger: str) -> None:
        super().__init__(f"{trigger!r} cannot happen while {state.value}")
        self.state = state


def next_state(state: State, trigger: Trigger) -> State:
    """Return the state that follows. Raises IllegalInput."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError as error:
        raise IllegalInput(state, trigger.value) from error
