"""What the flags of vectors mean: why a group of vectors is there, and what it catches."""

from __future__ import annotations

from typing import Final

_GITHUB: Final = "https://github.com/"


def _note(why: str, bug_type: str, *links: str) -> dict[str, object]:
    return {"why": why, "bug_type": bug_type, "links": [_GITHUB + link for link in links]}


NOTES: Final[dict[str, dict[str, object]]] = {
    "acknowledgements": _note(
        "The acknowledgement file is a hint: its loss may cost repeats, never an event.",
        "a cursor that is ahead, behind, damaged or of another log",
        "nats-io/nats-server/issues/6600",
        "vectordotdev/vector/pull/25570",
    ),
    "backpressure": _note(
        "A level in integers, one byte on either side of its thresholds.",
        "rounding, `>` for `>=`, a release without a trigger, chatter around a threshold",
    ),
    "bit-rot": _note(
        "Single bits change on a medium long after they were written.",
        "one bad bit that costs more than its record",
        "nats-io/nats-server/issues/7549",
    ),
    "clean": _note(
        "What a clean close leaves must be found as it was.",
        "repeats or new files after a clean restart",
        "elastic/beats/issues/32560",
    ),
    "codec": _note(
        "bincode legacy, fixed width: the bytes that a derived Rust port writes.",
        "another byte order, width or flavour",
    ),
    "crc": _note(
        "CRC-32 of IEEE 802.3, continued over stretches.",
        "another polynomial, or a CRC that covers another CRC and so forgets what was before",
    ),
    "declared-gap": _note(
        "Numbers that an earlier recovery burned and reported.",
        "the same loss reported at every open, or numbers used again",
    ),
    "deleted": _note(
        "People delete files.",
        "numbers used again, or a loss without a report",
        "nats-io/nats-server/pull/6778",
    ),
    "extreme": _note(
        "Values at or beyond the end of their range, with CRCs that hold.",
        "overflow, and numbers without a successor",
        "vectordotdev/vector/issues/19759",
    ),
    "foreign": _note(
        "Files of another log: a second host, an old backup.",
        "events delivered under the wrong identity",
    ),
    "forged": _note(
        "procmond records command lines, so any user can write bytes into the log.",
        "a search for 'the next valid frame' that believes planted bytes",
    ),
    "hash-pair": _note(
        "A hash without its algorithm, or the reverse, means nothing.",
        "half of a pair accepted",
    ),
    "header": _note(
        "Without its header no frame of a file can be checked.",
        "one bad header that costs a whole file without a report, or a refusal to start",
    ),
    "held-on": _note(
        "Spilled events and a blocked dead letter trigger, however few bytes are used.",
        "a producer that speeds up into a backlog that is not moving",
        "getsentry/snuba/pull/5279",
    ),
    "hysteresis": _note(
        "Between its thresholds the level is what it was before.",
        "chatter, or a release of what was never triggered",
        "smallrye/smallrye-reactive-messaging/pull/1339",
    ),
    "identity": _note(
        "log_id and sequence together name an event for ever.",
        "one name for two events",
    ),
    "irregular": _note(
        "A directory, link or socket stands where a file is expected: make a directory.",
        "a refusal to start, or a link that is followed",
    ),
    "json": _note(
        "Input that people and pipes write.",
        "a producer's mistake that turns into a silently wrong record",
    ),
    "length": _note(
        "A length or count is compared with what remains before anything is allocated.",
        "an allocation of exabytes",
        "bincode-org/bincode/issues/239",
        "apache/bookkeeper/issues/2220",
    ),
    "link-version": _note(
        "A peer of another version is understood far enough to name its version.",
        "a hang or a decoding error where the report should say which side is older",
        "orientechnologies/orientdb/issues/768",
    ),
    "misnamed": _note(
        "A file that was renamed, copied or exchanged by hand.",
        "entries delivered twice or under other numbers",
    ),
    "moved": _note(
        "Sound bytes in a wrong place: a misdirected write, a spliced file.",
        "a record accepted where it was never written",
        "cockroachdb/pebble/issues/567",
        "tamnd/kura/issues/47",
    ),
    "link": _note(
        "Messages between connector and broker in their envelope.",
        "another byte order or bincode flavour, lengths trusted before they are checked",
        "bincode-org/bincode/issues/239",
    ),
    "names": _note(
        "Names that are close to a segment's.",
        "two files with one number, or a stranger's file deleted",
    ),
    "new-log": _note(
        "No header carries a log_id: a random one is drawn, so `log_id` is null here.",
        "numbers used again under an old identity",
    ),
    "number": _note(
        "Integers and floats at the ends of their ranges.",
        "a sign, a lost digit, NaN",
    ),
    "numbers": _note(
        "Which sequence comes next, and which are lost.",
        "a number that is reused: the new event looks like a repeat and is dropped",
        "nats-io/nats-server/issues/2068",
    ),
    "recovery": _note(
        "What recovery itself left, also when it was killed half way.",
        "an entry that is lost or delivered twice because of the recovery",
        "cockroachdb/pebble/pull/1212",
    ),
    "rotation": _note(
        "A file that was being created when the process died or the disk was full.",
        "a leftover that blocks the log for ever, or hides a tail",
        "rsyslog/rsyslog/issues/5771",
    ),
    "slow": _note(
        "Content made so that a careless reader takes quadratic time.",
        "an open that does not end",
        "vectordotdev/vector/issues/17644",
    ),
    "spelling": _note(
        "One instant has one spelling.",
        "decode and encode that are not inverse",
    ),
    "stream": _note(
        "A stream has no borders: frames come together, or in parts.",
        "one read taken for one message",
        "JetBrains/rd/pull/540",
    ),
    "tag": _note(
        "Option, bool and enum tags are exact.",
        "any non-zero byte taken for true",
    ),
    "text": _note(
        "Strings are UTF-8, empty ones and long characters included.",
        "lengths in characters, or replaced bytes",
    ),
    "torn": _note(
        "A crash in the middle of a write: any prefix may be there.",
        "a record appended behind the torn bytes, or a number that is reused",
        "prometheus/prometheus/issues/13027",
        "amelielabs/amelie/issues/17",
    ),
    "trailing": _note(
        "Nothing stands behind a value.",
        "bytes that are ignored, and with them the sign of another format",
    ),
    "truncated": _note(
        "The bytes end inside a value.",
        "a read beyond the end",
    ),
    "unclean": _note(
        "Killed: no damage, but the newest file is not known to be durable.",
        "a file that is appended to although its pages may never have reached the medium",
        "yugabyte/yugabyte-db/issues/3490",
    ),
    "undecodable": _note(
        "The CRC holds, so the bytes are what a writer wrote, and they mean nothing.",
        "a restart that fails for ever, or an event that vanishes",
        "vectordotdev/vector/issues/26231",
    ),
    "varint": _note(
        "bincode 2 `standard()` writes variable-width integers: another format.",
        "the wrong bincode configuration",
    ),
    "version": _note(
        "Only a header whose CRC holds can be of another version.",
        "a rotten bit taken for a version, or a future format taken for damage",
    ),
    "zeros": _note(
        "File systems return zeros for space that was allocated and never written.",
        "zeros taken for records, or for nothing at all",
        "peter-wangxu/persist-queue/issues/180",
    ),
}
