"""Mistakes about the connection: deadlines, retries, bytes in pieces. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="reconnects-when-somebody-publishes",
        mistake="a link that broke is made again only when somebody publishes",
        module="reference.link_control",
        patches=(
            Patch(
                """\
        if self.state is State.WAITING:
            backoff""",
                """\
        if self.state is State.WAITING and longest:
            backoff""",
            ),
            Patch(
                """\
            case EventsStored(entries, durable_through):
""",
                """\
            case EventsStored(entries, durable_through):
                if link.state is State.WAITING:
                    link.move(Trigger.CONNECT)
""",
                "reference.connector_core",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_the_waiting_doubles_up_to_half_a_minute",),
        scenarios=("idle-producer",),
    ),
    Mutant(
        name="no-deadline-for-answers",
        mistake="a broker that answers Pings and no event is kept for ever",
        module="reference.link_control",
        patches=(
            Patch(
                """\
        if not self._deadlines.is_set(Timer.ANSWER):
""",
                """\
        if self._deadlines.is_set(Timer.ANSWER):
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::test_a_broker_that_answers_pings_and_no_event_is_left",
        ),
        scenarios=("half-open",),
    ),
    Mutant(
        name="no-deadline-for-silence",
        mistake="a link on which nothing comes any more is kept for ever",
        module="reference.link_control",
        patches=(
            Patch(
                """\
        self._set(Timer.SILENCE, self._config.silence_deadline_ns)
""",
                "",
            ),
            Patch(
                """\
        if not self._deadlines.is_set(Timer.ANSWER):
""",
                """\
        if self._deadlines.is_set(Timer.ANSWER):
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_a_silent_link_is_asked_and_then_left",),
        scenarios=("half-open",),
    ),
    Mutant(
        name="no-deadline-for-welcome",
        mistake="a broker that accepts and never welcomes is waited for",
        module="reference.link_control",
        patches=(
            Patch(
                """\
            self._set(Timer.WELCOME, self._config.welcome_deadline_ns)
""",
                """\
            pass
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_a_broker_that_does_not_welcome_is_left",),
        scenarios=("greeting-faults",),
    ),
    Mutant(
        name="connected-is-proof",
        mistake="a connection that is accepted starts the backoff anew",
        module="reference.link_control",
        patches=(
            Patch(
                """\
        elif new is State.GREETING:
""",
                """\
        elif new is State.GREETING:
            self._backoff.reset()
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_being_welcomed_does_not_start_the_waiting_anew_but_an_answer_does",
        ),
        scenarios=("broker-refused-then-up",),
    ),
    Mutant(
        name="no-backoff",
        mistake="a link that failed is tried again after the first delay, always",
        module="reference.backoff",
        patches=(
            Patch(
                """\
        self._attempts += 1
""",
                "",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_the_waiting_doubles_up_to_half_a_minute",),
        scenarios=("broker-refused-then-up",),
    ),
    Mutant(
        name="other-version-hammered",
        mistake="a broker of another version is asked again as often as one that is down",
        trap="T20",
        module="reference.link_control",
        patches=(
            Patch(
                """\
        self.retry_later(longest=problem.is_hopeless)
""",
                """\
        self.retry_later()
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t20_another_version_is_told_once_and_tried_at_the_longest_backoff",
        ),
        scenarios=("greeting-faults",),
    ),
    Mutant(
        name="old-frames-of-a-new-link",
        mistake="what was read of a frame when a link broke is read on with the next link's bytes",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                self._reader, self._session = FrameReader(), LinkSession(0, 0, ())
""",
                """\
                self._session = LinkSession(0, 0, ())
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_half_a_message_of_a_link_that_broke_is_forgotten_with_it",
        ),
        scenarios=("reset-at-every-byte",),
    ),
    Mutant(
        name="messages-come-whole",
        mistake="what is left of a read behind the last whole frame is thrown away",
        module="reference.link_frames",
        patches=(
            Patch(
                """\
            del self._held[:start]
""",
                """\
            self._held.clear()
""",
            ),
        ),
        found_by=(
            "tests/test_link_messages.py::test_a_stream_gives_the_same_bodies_in_any_pieces",
        ),
        scenarios=("dribble",),
    ),
    Mutant(
        name="frame-length-unchecked",
        mistake="the broker's frames may be of any length: memory is kept for whatever it says",
        module="reference.link_frames",
        patches=(
            Patch(
                """\
                if not _BODY_BYTES_MIN <= length <= LINK_BODY_BYTES_MAX:
""",
                """\
                if length < 0:
""",
            ),
        ),
        found_by=("tests/test_link_messages.py::test_a_bad_length_is_refused_at_its_fourth_byte",),
        scenarios=("hostile-frames",),
    ),
    Mutant(
        name="bad-frame-skipped",
        mistake="a message that cannot be decoded is skipped, and the link goes on",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
            self.link.drop(Trigger.VIOLATION, UndecodableMessage(str(error)))
""",
                """\
            self.link.report(Condition.LINK_PROBLEM, str(error))
""",
            ),
        ),
        found_by=("tests/test_connector_misbehaviours.py::test_each_misbehaviour_is_survived",),
        scenarios=("hostile-frames",),
    ),
    Mutant(
        name="shutdown-does-not-wait",
        mistake=(
            "a shutdown leaves without the answers that are outstanding, and calls itself clean"
        ),
        trap="T20",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
        if not (self._session.outstanding_count or self._letters.count):
""",
                """\
        if not self._letters.count:
""",
            ),
            Patch(
                """\
        repeats = max(0, self._sent_through - self.buffer.watermark)
""",
                """\
        repeats = 0
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t20_a_shutdown_waits_for_answers_and_then_nothing_is_repeated",
        ),
        scenarios=("clean-shutdown-repeats",),
    ),
)
