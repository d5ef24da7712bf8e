"""Ports: logs in any language, put through the same plans as the reference.

    protocol.py      the adapter protocol as a table; PROTOCOL.md is the same in prose
    shapes.py        what a field of it has to be; protocol_schema.py is that as JSON Schema
    adapter.py       a child process that speaks it; errors.py is what else it may do
    port_log.py      a port as a subject (fault_injection/subject.py); opening.py makes one
    ptrace.py, syscalls.py, descriptors.py, messages.py    another process' system calls
    carrier.py       what they mean to a simulated disk; guard.py is the others, verdicts.py
                     what becomes of one; tracing.py moves the process on
    tiers.py         in which ways a port was crashed
    real_disk.py, kernel_run.py, kernel_tier.py    on a real filesystem whose power is cut
    contract.py    what is said of calls and bytes when nothing goes wrong
    mistakes.py, mistake_list.py, mistake_matrix.py    deliberate mistakes of a port, and what
                     finds each
    smoke.py, vectors.py, black_box.py    what command_port.py puts to a port
    comparing.py     when an answer is that of a vector
    known.py, profiles.py    failures that are known, and what a port may claim
    reference_adapter.py, reference_bytes.py    the reference behind the protocol

Spec: PRT-1.
"""
