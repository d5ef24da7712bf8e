"""The write-ahead log of procmond, as an executable specification.

SPEC.md is the text. In reading order:

    limits, errors                      every number, every error
    timestamps, events, json_lines      what is stored, and its human form
    codec, fast_decode, crc             events as bytes
    segment_header, frame               a file, a record
    filesystem, os_filesystem, names    the disk as the log sees it
    scanner, directory, survey          what a directory holds
    recovery, quarantine, dead_letters  opening it
    segment_writer, group_commit        appending
    acknowledgement_slots, acknowledgement_file, interval_set, retention    forgetting
    log_reader, wal                     reading back, and the front of it all
    inspection, dump, salvage, cli*     tools

Standard library only.
"""

from reference.errors import WalError
from reference.events import EventType, LogEntry, ProcessEvent
from reference.limits import SPEC_VERSION, WalConfig
from reference.report import Damage, DamageKind, Fate, RecoveryReport
from reference.wal import CloseReport, WriteAheadLog

__all__ = [
    "SPEC_VERSION",
    "CloseReport",
    "Damage",
    "DamageKind",
    "EventType",
    "Fate",
    "LogEntry",
    "ProcessEvent",
    "RecoveryReport",
    "WalConfig",
    "WalError",
    "WriteAheadLog",
]
