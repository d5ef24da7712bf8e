"""Mistakes about what the broker has: Welcome, acknowledgements, sending again. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

_CORE: Final = "reference.connector_core"
_SESSION: Final = "reference.link_session"
_CORE_TESTS: Final = "tests/test_connector_core.py::"
_TRAPS: Final = "tests/test_traps_connector.py::"

_SENT: Final = "            self._commands.append(SendBytes(event.data))\n"
_ACK_CHECK: Final = "        if not self.acknowledged <= through <= self.highest_sent:\n"

MUTANTS: Final = (
    Mutant(
        name="published-when-sent",
        mistake="an event counts as published when its bytes are in the socket's buffer",
        module=_CORE,
        patches=(
            Patch(
                _SENT,
                _SENT
                + "            self.buffer.settle(sequence, sequence)\n"
                + "            self._commands.append(Settle(sequence, sequence))\n",
            ),
        ),
        found_by=(_CORE_TESTS + "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",),
        scenarios=("reset-before-ack",),
    ),
    Mutant(
        name="sent-once",
        mistake="what was sent on a link that broke is not sent again on the next",
        module=_CORE,
        patches=(
            Patch("(s for s in self.buffer.sequences() if s > baseline and",
                  "(s for s in self.buffer.sequences() if s > max(baseline, self._sent_through) and"),
        ),
        found_by=(_CORE_TESTS + "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",),
        scenarios=("reset-before-ack",),
    ),
    Mutant(
        name="sent-twice",
        mistake="what came into memory while the link stood is sent from there and from the queue",
        module=_CORE,
        patches=(
            Patch(
                "                self._session.add_unsent(event.sequence)\n",
                "                self._session.add_unsent(event.sequence)\n"
                "                self._commands.append(SendBytes(event.data))\n",
            ),
        ),
        found_by=(_CORE_TESTS + "test_never_more_than_the_window_is_outstanding",),
        scenarios=("broker-refused-then-up", "kitchen-sink"),
    ),
    Mutant(
        name="sent-newest-first",
        mistake="after a reconnection the newest events go first",
        module=_CORE,
        patches=(
            Patch("LinkSession(welcome.window, baseline, sendable)",
                  "LinkSession(welcome.window, baseline, reversed(list(sendable)))"),
            Patch("        assert sequence > self.highest_sent, (sequence, self.highest_sent)\n"
                  "        self.highest_sent = sequence\n",
                  "        self.highest_sent = max(sequence, self.highest_sent)\n", module=_SESSION),
        ),
        found_by=(_CORE_TESTS + "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",),
        scenarios=("reset-before-ack",),
    ),
    Mutant(
        name="window-ignored",
        mistake="everything is sent, however much the broker said that it takes at a time",
        module=_SESSION,
        patches=(
            Patch("        if not self._unsent or len(self._outstanding) >= self.window:\n",
                  "        if not self._unsent:\n"),
        ),
        found_by=(_CORE_TESTS + "test_never_more_than_the_window_is_outstanding",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="window-of-zero-accepted",
        mistake="a window of zero is taken, and both sides wait for ever",
        trap="T20",
        module=_CORE,
        patches=(
            Patch("        if welcome.window == 0:\n", "        if welcome.window < 0:\n"),
        ),
        found_by=(_TRAPS + "test_t20_a_window_of_zero_is_a_violation_not_a_deadlock",),
        scenarios=(),
    ),
    Mutant(
        name="any-welcome-believed",
        mistake="Welcome settles whatever it names, also what this log has given since",
        trap="T2",
        module=_CORE,
        patches=(
            Patch("        if acknowledged > self._known_through:\n",
                  "        if acknowledged < 0:\n"),
        ),
        found_by=(_TRAPS + "test_t2_a_broker_that_is_ahead_of_a_restored_log_settles_nothing",),
        scenarios=("broker-ahead",),
    ),
    Mutant(
        name="divergence-is-a-violation",
        mistake="a broker that is ahead is left and tried again, for ever, under the same identity",
        trap="T2",
        module=_CORE,
        patches=(
            Patch("            if self._identity_is_fresh:\n", "            if acknowledged:\n"),
        ),
        found_by=(_TRAPS + "test_t2_a_broker_that_is_ahead_of_a_restored_log_settles_nothing",),
        scenarios=("broker-ahead",),
    ),
    Mutant(
        name="any-acknowledgement-believed",
        mistake="an acknowledgement may go back, or beyond what was sent",
        trap="T20",
        module=_SESSION,
        patches=(Patch(_ACK_CHECK, "        if through < 0:\n"),),
        found_by=(
            _TRAPS + "test_t20_an_acknowledgement_neither_goes_back_nor_beyond_what_was_sent",
        ),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="repeated-acknowledgement-is-a-violation",
        mistake="an acknowledgement that says nothing new ends the link",
        trap="T20",
        module=_SESSION,
        patches=(Patch(_ACK_CHECK, _ACK_CHECK.replace("<= through <=", "< through <=")),),
        found_by=(_CORE_TESTS + "test_an_equal_acknowledgement_is_ignored",),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="acknowledgements-are-single",
        mistake="an acknowledgement settles its own number and not those before it",
        module=_CORE,
        patches=(
            Patch("                self._settle(before + 1, through)\n",
                  "                self._settle(through, through)\n"),
        ),
        found_by=(_TRAPS + "test_t5_an_acknowledgement_may_name_a_number_that_was_never_an_event",
                  _CORE_TESTS + "test_never_more_than_the_window_is_outstanding"),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="acknowledgement-off-by-one",
        mistake="an acknowledgement settles one number more than it names",
        module=_CORE,
        patches=(
            Patch("                self._settle(before + 1, through)\n",
                  "                self._settle(before + 1, through + 1)\n"),
        ),
        found_by=(_TRAPS + "test_t4_hello_carries_what_is_durable_not_what_is_known",
                  "tests/test_connector_machine.py::"
                  "test_connector_and_broker_under_any_interleaving[ConnectorMachine]"),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="local-watermark-forgotten",
        mistake="the baseline of a session is what Welcome says: a forgetful broker gets it all again",
        trap="T20",
        module=_CORE,
        patches=(
            Patch("        baseline = max(self.buffer.watermark, acknowledged)\n",
                  "        baseline = acknowledged\n"),
        ),
        found_by=(_TRAPS + "test_t20_what_is_settled_here_is_where_a_forgetful_broker_starts",),
        scenarios=("broker-amnesia",),
    ),
)  # fmt: skip
