"""Mistakes about events that the broker refuses. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

_CORE: Final = "reference.connector_core"
_TRAPS: Final = "tests/test_traps_connector.py::"

MUTANTS: Final = (
    Mutant(
        name="acknowledgement-overtakes-the-letter",
        mistake="an acknowledgement settles all below it, events whose letter is not durable too",
        trap="T4",
        module="reference.dead_letter_queue",
        patches=(
            Patch("            held.add(sequence, sequence + 1)\n",
                  "            held.add(sequence, sequence)\n"),
            Patch("for low, end in held.missing(first, last + 1)",
                  "for low, end in WatermarkSet(0).missing(first, last + 1)"),
        ),
        found_by=(
            _TRAPS
            + "test_t4_a_refused_event_is_not_settled_by_an_acknowledgement_that_overtakes_its_letter",
        ),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="refused-is-settled",
        mistake="a refused event is settled at once and its letter written when there is time",
        trap="T4",
        module=_CORE,
        patches=(
            Patch(
                "        if self._letters.add(event.as_stored(), reason):\n",
                "        if self._letters.add(event.as_stored(), reason):\n"
                "            self.buffer.settle(sequence, sequence)\n"
                "            self._commands.append(Settle(sequence, sequence))\n",
            ),
        ),
        found_by=(
            _TRAPS
            + "test_t4_a_refused_event_is_not_settled_by_an_acknowledgement_that_overtakes_its_letter",
        ),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="refused-and-forgotten",
        mistake="a refused event is settled, and there is no letter",
        module=_CORE,
        patches=(
            Patch("""\
                if self.buffer.get(sequence) is not None:
                    self._bury(sequence, f"refused: {reason}")
""", """\
                if self.buffer.get(sequence) is not None:
                    self._settle(sequence, sequence)
"""),
        ),
        found_by=("tests/test_connector_core.py::test_a_dead_letter_holds_the_event_as_it_was_stored",),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="refused-is-sent-again",
        mistake="a refused event is tried again for ever, and all behind it waits",
        module=_CORE,
        patches=(
            Patch("""\
                if self.buffer.get(sequence) is not None:
                    self._bury(sequence, f"refused: {reason}")
""", """\
                if self.buffer.get(sequence) is not None:
                    link.drop(Trigger.ERROR, BrokerGaveUp(f"refused: {reason}"))
"""),
        ),
        found_by=("tests/test_connector_core.py::test_a_dead_letter_holds_the_event_as_it_was_stored",),
        scenarios=("lost-ack",),
    ),
    Mutant(
        name="letter-tried-once",
        mistake="a letter that the disk refused is not tried again",
        trap="T15",
        module=_CORE,
        patches=(Patch("                self._letters.retry()\n", "                pass\n"),),
        found_by=(_TRAPS + "test_t15_a_letter_that_finds_no_room_is_tried_until_there_is",),
        scenarios=("kitchen-sink",),
    ),
    Mutant(
        name="hello-says-what-is-known",
        mistake="Hello names the watermark in memory: the broker forgets refusals that are not durable",
        trap="T4",
        module=_CORE,
        patches=(
            Patch("                                self._durable_watermark))",
                  "                                self.buffer.watermark))"),
        ),
        found_by=(_TRAPS + "test_t4_hello_carries_what_is_durable_not_what_is_known",),
        scenarios=("kitchen-sink",),
    ),
    Mutant(
        name="oversize-blocks-the-head",
        mistake="an event that no frame can carry is sent, and sent again, and all behind it waits",
        trap="T6",
        module="reference.event_buffer",
        patches=(
            Patch("    if body_bytes > LINK_BODY_BYTES_MAX:\n", "    if body_bytes < 0:\n"),
        ),
        found_by=(
            _TRAPS + "test_t6_an_entry_that_fits_a_log_frame_and_not_the_link_is_a_dead_letter",
        ),
        scenarios=(),
    ),
    Mutant(
        name="one-limit-for-two-encodings",
        mistake="the log takes what fits into a log frame, and the link cannot carry it",
        trap="T6",
        module="reference.limits",
        patches=(Patch("EVENT_BYTES_MAX: Final = MIB - 4096\n", "EVENT_BYTES_MAX: Final = MIB - 50\n"),),
        found_by=(
            _TRAPS + "test_t6_the_largest_event_that_the_log_takes_fits_the_link",
        ),
        scenarios=(),
    ),
)  # fmt: skip
