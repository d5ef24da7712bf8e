"""Ports: logs in any language, put through the same plans as the reference.

    protocol.py      the adapter protocol as a table; PROTOCOL.md is the same in prose
    adapter.py       a child process that speaks it
    port_log.py      a port as a subject (fault_injection/subject.py)
    command.py       `port`: smoke, vectors, profiles

Spec: PRT-1.
"""
