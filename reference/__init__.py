"""The write-ahead log and event bus connector of procmond, as an executable specification.

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
    log_reader, log_cursor, wal         reading back, and the front of the log
    link_messages, link_frames          what is said to the broker, as bytes
    backpressure, event_buffer          how full memory is, and what is in it
    connector_states, link_session      the link's table, what is in flight
    connector_inputs, connector_core    the connector, without a socket or a clock
    link_control, deadlines, backoff, dead_letter_queue     parts of the core
    broker_socket, broker_link, commit_queue, connector_disk, disk_threads
                                        the real world, piece by piece
    event_bus_connector                 the connector on asyncio
    inspection, dump, link_dump, salvage, messages, cli*     tools

Standard library only.
"""

from reference.backpressure import BackpressureChannel, BackpressureState, Level
from reference.connector_config import ConnectorConfig
from reference.connector_errors import ConnectorError
from reference.connector_status import ConnectorStatus, ShutdownReport
from reference.errors import WalError
from reference.event_bus_connector import EventBusConnector
from reference.events import EventType, LogEntry, ProcessEvent
from reference.limits import SPEC_VERSION, WalConfig
from reference.report import Damage, DamageKind, Fate, RecoveryReport
from reference.wal import CloseReport, WriteAheadLog

__all__ = [
    "SPEC_VERSION",
    "BackpressureChannel",
    "BackpressureState",
    "CloseReport",
    "ConnectorConfig",
    "ConnectorError",
    "ConnectorStatus",
    "Damage",
    "DamageKind",
    "EventBusConnector",
    "EventType",
    "Fate",
    "Level",
    "LogEntry",
    "ProcessEvent",
    "RecoveryReport",
    "ShutdownReport",
    "WalConfig",
    "WalError",
    "WriteAheadLog",
]
