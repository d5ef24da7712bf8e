"""Why a requirement has no vector, or neither a property nor a scenario: a reason for each.

A reason that is not needed any more fails the tests, like a gap without one.
"""

from __future__ import annotations

from typing import Final

_CALLS = "it is about calls and when they return; a vector is bytes"
_DISK = "it is about a disk that fails; the scenarios have it"
_LINK = "it is about what is said in which order; the scenarios have it"
_TIME = "it is about threads and time"
_TOOL = "a tool of the reference, which a port need not have"
_MACHINE = "it is about the machine's files and users"
_KIT = "a part of the kit, not of a port"
_ONE_CASE = "there is one case, or a few, and the examples are all of them"
_INSIDE = "a state machine drives ports from inside of tests/test_port_machine.py"
_REAL = "it needs real threads or a real disk; examples with counted calls show it"


def _reasons(groups: dict[str, str]) -> dict[str, str]:
    """Turn reason to IDs into ID to reason."""
    return {each: reason for reason, ids in groups.items() for each in ids.split()}


NO_VECTOR: Final = _reasons(
    {
        _CALLS: "WAL-1.3 WAL-1.4 WAL-2.2 WAL-3.2 WAL-5.1 WAL-6.1 ACK-2.2 ACK-5.2 ACK-5.3 ERR-1.1 "
        "ERR-1.2 CON-2.1 BUF-1.2 BUF-2.1 BUF-2.2 BUF-2.3 BPR-1.3 DEL-1.1 DEL-1.2 DEL-1.3 DEL-1.4 "
        "CON-3.1 CON-4.1 REP-1.1",
        _DISK: "FMT-5.5 WAL-4.1 WAL-4.3 WAL-4.4 REC-9.3 REP-2.1 DLQ-2.1 DLQ-2.2",
        _LINK: "LNK-2.3 LNK-2.4 LNK-3.1 LNK-3.2 LNK-3.3 LNK-4.2",
        _TIME: "WAL-2.1 CON-2.2 CON-3.2 CON-3.3 CON-3.4 BPR-2.1",
        _MACHINE: "DSK-1.1 DSK-1.3 DSK-1.4 CON-1.1 CON-1.2",
        _TOOL: "CLI-1.1 CLI-1.2 CLI-2.1 CLI-2.2 CLI-3.2 CLI-4.1 CLI-4.2 CLI-4.3 CLI-4.4",
        "a line's CRC and JSON are in the directory vectors of DLQ-1.1": "DLQ-1.2",
        _KIT: "ARC-1.1 SIM-1.1 SIM-1.2 SIM-1.3 SIM-2.1 SIM-2.2 SIM-2.3 SIM-2.4 SIM-2.5 SIM-2.6 "
        "SIM-2.7 SIM-2.8 SIM-2.9 SIM-2.10 SIM-2.11 SIM-2.12 SIM-2.13 PRT-1.1 PRT-1.2 PRT-1.3 "
        "PRT-1.4 PRT-1.5 PRT-1.6 PRT-2.1 PRT-2.2 PRT-2.3 PRT-3.1 SCN-1.1 SCN-1.2 SCN-1.3 SCN-1.4 "
        "SCN-1.5 SCN-4.1 SCN-2.1 SCN-2.2 SCN-2.3 SCN-2.4 SCN-3.1 SCN-3.2",
    }
)

NO_PROPERTY: Final = _reasons(
    {
        _INSIDE: "PRT-1.3",
        _ONE_CASE: "FMT-1.4 FMT-4.6 REC-3.2 REC-5.3 REC-6.3 REC-7.3 REP-1.3 ERR-1.1 "
        "CON-3.1 ACK-5.3",
        _MACHINE: "DSK-1.2 DSK-1.3 DSK-1.4 CON-1.1 CON-1.2",
        _REAL: "WAL-1.4 WAL-2.1 WAL-2.2 CON-2.2 CON-4.1",
        _TOOL: "CLI-1.1 CLI-1.2 CLI-3.1 CLI-3.2 CLI-4.1 CLI-4.2 CLI-4.3 CLI-4.4",
        _KIT: "ARC-1.1 SIM-1.1 SIM-1.3 SIM-2.1 SIM-2.2 SIM-2.3 SIM-2.4 SIM-2.5 SIM-2.6 SIM-2.7 "
        "SIM-2.8 SIM-2.10 SIM-2.11 SIM-2.12 SIM-2.13 PRT-1.1 PRT-1.2 PRT-1.4 PRT-1.5 PRT-1.6 "
        "PRT-2.1 PRT-2.2 PRT-2.3 PRT-3.1 SCN-1.1 SCN-1.3 SCN-1.4 SCN-2.1 SCN-2.2 SCN-2.3 "
        "SCN-2.4 SCN-3.1 SCN-3.2",
    }
)
