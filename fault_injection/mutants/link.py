"""Mistakes about the connection: deadlines, retries, bytes in pieces. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

_CONTROL: Final = "reference.link_control"
_CORE: Final = "reference.connector_core"
_CORE_TESTS: Final = "tests/test_connector_core.py::"
_TRAPS: Final = "tests/test_traps_connector.py::"

MUTANTS: Final = (
    Mutant(
        name="reconnects-when-somebody-publishes",
        mistake="a link that broke is made again only when somebody publishes",
        module=_CONTROL,
        patches=(
            Patch("        if self.state is State.WAITING:\n            backoff",
                  "        if self.state is State.WAITING and longest:\n            backoff"),
            Patch("                self.move(Trigger.RETRY_DUE)\n",
                  "                self.move(Trigger.RETRY_DUE)\n"),
            Patch("            case EventsStored(entries, durable_through):\n",
                  "            case EventsStored(entries, durable_through):\n"
                  "                if link.state is State.WAITING:\n"
                  "                    link.move(Trigger.CONNECT)\n", module=_CORE),
        ),
        found_by=(_CORE_TESTS + "test_the_waiting_doubles_up_to_half_a_minute",),
        scenarios=("broker-refused-then-up",),
    ),
    Mutant(
        name="no-deadline-for-answers",
        mistake="a broker that answers Pings and no event is kept for ever",
        module=_CONTROL,
        patches=(
            Patch("        if not self._deadlines.is_set(Timer.ANSWER):\n",
                  "        if self._deadlines.is_set(Timer.ANSWER):\n"),
        ),
        found_by=(_CORE_TESTS + "test_a_broker_that_answers_pings_and_no_event_is_left",),
        scenarios=("half-open-stall",),
    ),
    Mutant(
        name="no-deadline-for-silence",
        mistake="a link on which nothing comes any more is kept for ever",
        module=_CONTROL,
        patches=(
            Patch("        self._set(Timer.SILENCE, self._config.silence_deadline_ns)\n", ""),
            Patch("        if not self._deadlines.is_set(Timer.ANSWER):\n",
                  "        if self._deadlines.is_set(Timer.ANSWER):\n"),
        ),
        found_by=(_CORE_TESTS + "test_a_silent_link_is_asked_and_then_left",),
        scenarios=("half-open-stall",),
    ),
    Mutant(
        name="no-deadline-for-welcome",
        mistake="a broker that accepts and never welcomes is waited for",
        module=_CONTROL,
        patches=(
            Patch("            self._set(Timer.WELCOME, self._config.welcome_deadline_ns)\n",
                  "            pass\n"),
        ),
        found_by=(_CORE_TESTS + "test_a_broker_that_does_not_welcome_is_left",),
        scenarios=("half-open-stall",),
    ),
    Mutant(
        name="connected-is-proof",
        mistake="a connection that is accepted starts the backoff anew",
        module=_CONTROL,
        patches=(
            Patch("        elif new is State.GREETING:\n",
                  "        elif new is State.GREETING:\n            self._backoff.reset()\n"),
        ),
        found_by=(
            _CORE_TESTS + "test_being_welcomed_does_not_start_the_waiting_anew_but_an_answer_does",
        ),
        scenarios=("broker-refused-then-up",),
    ),
    Mutant(
        name="no-backoff",
        mistake="a link that failed is tried again after the first delay, always",
        module="reference.backoff",
        patches=(Patch("        self._attempts += 1\n", ""),),
        found_by=(_CORE_TESTS + "test_the_waiting_doubles_up_to_half_a_minute",),
        scenarios=("broker-refused-then-up",),
    ),
    Mutant(
        name="other-version-hammered",
        mistake="a broker of another version is asked again as often as one that is down",
        trap="T20",
        module=_CONTROL,
        patches=(
            Patch("        self.retry_later(longest=problem.is_hopeless)\n",
                  "        self.retry_later()\n"),
        ),
        found_by=(
            _TRAPS + "test_t20_another_version_is_told_once_and_tried_at_the_longest_backoff",
        ),
        scenarios=(),
    ),
    Mutant(
        name="old-frames-of-a-new-link",
        mistake="what was read of a frame when a link broke is read on with the next link's bytes",
        module=_CORE,
        patches=(
            Patch("                self._reader, self._session = FrameReader(), LinkSession(0, 0, ())\n",
                  "                self._session = LinkSession(0, 0, ())\n"),
        ),
        found_by=("tests/test_link_faults.py::test_a_cut_at_any_byte_loses_nothing",
                  "tests/test_connector_machine.py::"
                  "test_connector_and_broker_under_any_interleaving[ConnectorMachine]"),
        scenarios=("reset-before-ack", "dribble"),
    ),
    Mutant(
        name="messages-come-whole",
        mistake="what is left of a read behind the last whole frame is thrown away",
        module="reference.link_frames",
        patches=(
            Patch("            del self._held[:start]\n", "            self._held.clear()\n"),
        ),
        found_by=("tests/test_link_messages.py::test_a_stream_gives_the_same_bodies_in_any_pieces",),
        scenarios=("dribble",),
    ),
    Mutant(
        name="frame-length-unchecked",
        mistake="the broker's frames may be of any length: memory is kept for whatever it says",
        module="reference.link_frames",
        patches=(
            Patch("                if not _BODY_BYTES_MIN <= length <= LINK_BODY_BYTES_MAX:\n",
                  "                if length < 0:\n"),
        ),
        found_by=("tests/test_link_messages.py::test_a_bad_length_is_refused_at_its_fourth_byte",),
        scenarios=("garbage-frames", "oversized-frame"),
    ),
    Mutant(
        name="bad-frame-skipped",
        mistake="a message that cannot be decoded is skipped, and the link goes on",
        module=_CORE,
        patches=(
            Patch("            self.link.drop(Trigger.VIOLATION, UndecodableMessage(str(error)))\n",
                  "            self.link.report(Condition.LINK_PROBLEM, str(error))\n"),
        ),
        found_by=("tests/test_connector_misbehaviours.py",),
        scenarios=("garbage-frames",),
    ),
    Mutant(
        name="shutdown-does-not-wait",
        mistake="a shutdown leaves without the answers that are outstanding, and calls itself clean",
        trap="T20",
        module=_CORE,
        patches=(
            Patch("        if not (self._session.outstanding_count or self._letters.count):\n",
                  "        if not self._letters.count:\n"),
            Patch("        repeats = max(0, self._sent_through - self.buffer.watermark)\n",
                  "        repeats = 0\n"),
        ),
        found_by=(
            _TRAPS + "test_t20_a_shutdown_waits_for_answers_and_then_nothing_is_repeated",
        ),
        scenarios=("kitchen-sink",),
    ),
)  # fmt: skip
