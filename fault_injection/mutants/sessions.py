"""Mistakes about what the broker has: Welcome, acknowledgements, sending again. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="published-when-sent",
        mistake="an event counts as published when its bytes are in the socket's buffer",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
            self._commands.append(SendBytes(event.data))
""",
                """\
            self._commands.append(SendBytes(event.data))
            self.buffer.settle(sequence, sequence)
            self._commands.append(Settle(sequence, sequence))
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",
        ),
        scenarios=("broker-amnesia",),
    ),
    Mutant(
        name="sent-once",
        mistake="what was sent on a link that broke is not sent again on the next",
        module="reference.connector_core",
        patches=(
            Patch(
                "(s for s in self.buffer.sequences() if s > baseline and",
                "(s for s in self.buffer.sequences() if s > max(baseline, self._sent_through) and",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",
        ),
        scenarios=("repeats-after-reconnect",),
    ),
    Mutant(
        name="sent-twice",
        mistake="what came into memory while the link stood is sent from there and from the queue",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                self._session.add_unsent(event.sequence)
""",
                """\
                self._session.add_unsent(event.sequence)
                self._commands.append(SendBytes(event.data))
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_never_more_than_the_window_is_outstanding",),
        scenarios=("idle-producer",),
    ),
    Mutant(
        name="sent-newest-first",
        mistake="after a reconnection the newest events go first",
        module="reference.connector_core",
        patches=(
            Patch(
                "LinkSession(welcome.window, baseline, sendable)",
                "LinkSession(welcome.window, baseline, reversed(list(sendable)))",
            ),
            Patch(
                """\
        assert sequence > self.highest_sent, (sequence, self.highest_sent)
        self.highest_sent = sequence
""",
                """\
        self.highest_sent = max(sequence, self.highest_sent)
""",
                "reference.link_session",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_what_was_sent_and_not_acknowledged_is_sent_again_in_order",
        ),
        scenarios=("repeats-after-reconnect",),
    ),
    Mutant(
        name="window-ignored",
        mistake="everything is sent, however much the broker said that it takes at a time",
        module="reference.link_session",
        patches=(
            Patch(
                """\
        if not self._unsent or len(self._outstanding) >= self.window:
""",
                """\
        if not self._unsent:
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_never_more_than_the_window_is_outstanding",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="window-of-zero-accepted",
        mistake="a window of zero is taken, and both sides wait for ever",
        trap="T20",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
        if welcome.window == 0:
""",
                """\
        if welcome.window < 0:
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t20_a_window_of_zero_is_a_violation_not_a_deadlock",
        ),
        scenarios=("greeting-faults",),
    ),
    Mutant(
        name="any-welcome-believed",
        mistake="Welcome settles whatever it names, also what this log has given since",
        trap="T2",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
        if acknowledged > self._known_through:
""",
                """\
        if acknowledged < 0:
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t2_a_broker_that_is_ahead_of_a_restored_log_settles_nothing",
        ),
        scenarios=("restored-directory",),
    ),
    Mutant(
        name="divergence-is-a-violation",
        mistake="a broker that is ahead is left and tried again, for ever, under the same identity",
        trap="T2",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
            if self._identity_is_fresh:
""",
                """\
            if acknowledged:
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t2_a_broker_that_is_ahead_of_a_restored_log_settles_nothing",
        ),
        scenarios=("restored-directory",),
    ),
    Mutant(
        name="any-acknowledgement-believed",
        mistake="an acknowledgement may go back, or beyond what was sent",
        trap="T20",
        module="reference.link_session",
        patches=(
            Patch(
                """\
        if not self.acknowledged <= through <= self.highest_sent:
""",
                """\
        if through < 0:
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t20_an_acknowledgement_neither_goes_back_nor_beyond_what_was_sent",
        ),
        scenarios=("wrong-acknowledgements",),
    ),
    Mutant(
        name="repeated-acknowledgement-is-a-violation",
        mistake="an acknowledgement that says nothing new ends the link",
        trap="T20",
        module="reference.link_session",
        patches=(
            Patch(
                """\
        if not self.acknowledged <= through <= self.highest_sent:
""",
                """\
        if not self.acknowledged < through <= self.highest_sent:
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_an_equal_acknowledgement_is_ignored",),
        scenarios=("wrong-acknowledgements",),
    ),
    Mutant(
        name="acknowledgements-are-single",
        mistake="an acknowledgement settles its own number and not those before it",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                self._settle(before + 1, through)
""",
                """\
                self._settle(through, through)
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t5_an_acknowledgement_may_name_a_number_that_was_never_an_event",
            "tests/test_connector_core.py::test_never_more_than_the_window_is_outstanding",
        ),
        scenarios=("gap-in-numbers",),
    ),
    Mutant(
        name="acknowledgement-off-by-one",
        mistake="an acknowledgement settles one number more than it names",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                self._settle(before + 1, through)
""",
                """\
                self._settle(before + 1, through + 1)
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t4_hello_carries_what_is_durable_not_what_is_known",
            "tests/test_connector_machine.py::"
            "test_connector_and_broker_under_any_interleaving[ConnectorMachine]",
        ),
        scenarios=("wrong-acknowledgements",),
    ),
)
