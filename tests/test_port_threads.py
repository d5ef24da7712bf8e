"""Threads and children of a traced program that are ended by others, in the middle of a call."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from fault_injection.ports import ptrace
from fault_injection.ports.ptrace import Exited, Stop, TracedProcess
from tests.traced import needs_ptrace, traced

pytestmark = needs_ptrace


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize("method", ["registers", "_stop"])
def test_a_thread_that_is_gone_when_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Exit_group of one thread ends the others, wherever they stand."""

    def gone(process: TracedProcess, tid: int) -> ptrace.Registers:
        raise ProcessLookupError

    monkeypatch.setattr(TracedProcess, method, gone)
    assert traced(tmp_path, "print('there')").output == "there"


@pytest.mark.req("PRT-2.1")
def test_a_child_that_is_killed_in_the_middle_of_a_call() -> None:
    script = "import os\nif os.fork(): os.wait()\nelse: os.getppid()"
    process = TracedProcess([sys.executable, "-S", "-E", "-c", script])
    try:
        while True:
            event = process.next_event()
            assert isinstance(event, Stop)
            if event.tid != process.pid and event.is_entry:
                break
        os.kill(event.tid, signal.SIGKILL)
        assert process.next_event(only=event.tid) is None
        while not isinstance(event := process.next_event(), Exited):
            assert event is not None
        assert event.code == 0, "the parent goes on"
    finally:
        process.kill()
