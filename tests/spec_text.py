"""The blocks that are generated into SPEC.md. Its requirements are in spec_requirements.py.

python3 -m tests.spec_text --write      regenerate the blocks between the markers
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from fault_injection.invariants import INVARIANTS
from reference import connector_errors, errors
from reference.connector_states import TRANSITIONS, State, Trigger
from reference.crc import crc32
from reference.dump import dump_frame, dump_header_copy
from reference.frame import StoredFrame, payload_of
from reference.limits import (
    CONFIG_BOUNDS,
    FRAME_HEADER_BYTES,
    FRAMES_OFFSET,
    SECOND_COPY_OFFSET,
    WalConfig,
)
from reference.link_dump import dump_link_frame
from reference.link_frames import encode_message_frame
from reference.link_messages import Acknowledge, Hello, Welcome, encode_publish_frame
from reference.scanner import scan_segment
from reference.segment_header import SegmentHeader, decode_segment_header
from simulators import sync_failure_table
from simulators.persistence_table import table
from tests.vectors.two_records import two_record_log

SPEC_PATH: Final = Path(__file__).parents[1] / "reference" / "SPEC.md"


def block(name: str) -> str:
    """Return what SPEC.md has between the markers of a generated block."""
    match = re.search(
        rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", SPEC_PATH.read_text(), re.S
    )
    assert match is not None, name
    return match[1]


def generated_blocks() -> dict[str, str]:
    """Return what each generated block has to be."""
    return {
        "config": _config_table(),
        "errors": _errors_table(),
        "dump": _dump(),
        "crc-steps": _crc_steps(),
        "link-frames": _link_frames(),
        "states": _states(),
        "persistence": "\n".join(table()) + "\n",
        "sync-failures": "\n".join(sync_failure_table.table()) + "\n",
        "invariants": _invariants(),
    }


def _config_table() -> str:
    lines = ["| `WalConfig` | default | from | to | |", "|---|---|---|---|---|"]
    defaults = WalConfig()
    for field, low, high, requirement in CONFIG_BOUNDS:
        highest = f"`{high}`" if isinstance(high, str) else str(high)
        lines.append(
            f"| `{field}` | {getattr(defaults, field)} | {low} | {highest} | {requirement} |"
        )
    return "\n".join(lines) + "\n"


def _errors_table() -> str:
    lines = ["| error | definite | retryable | meaning |", "|---|---|---|---|"]
    for name, kind in (vars(errors) | vars(connector_errors)).items():
        if not isinstance(kind, type) or not issubclass(kind, errors.WalError):
            continue
        doc = " ".join((kind.__doc__ or "").split())
        meaning = doc.split(". ")[0].rstrip(".")
        depth = len(kind.__mro__) - len(errors.WalError.__mro__)
        words = ["yes" if each else "no" for each in (kind.definite, kind.retryable)]
        lines.append(f"| {'- ' * depth}`{name}` | {words[0]} | {words[1]} | {meaning} |")
    return "\n".join(lines) + "\n"


def _two_records() -> tuple[str, bytes, SegmentHeader, list[StoredFrame]]:
    ((name, content),) = two_record_log().items()
    header = decode_segment_header(content)
    assert isinstance(header, SegmentHeader)
    items = scan_segment(
        lambda offset, count: content[offset : offset + count], len(content), header
    )
    frames = [item for item in items if isinstance(item, StoredFrame)]
    assert len(frames) == 2
    return name, content, header, frames


def _dump() -> str:
    name, content, header, frames = _two_records()
    lines = ["```text", f"{name}, {len(content)} bytes", ""]
    for offset in (0, SECOND_COPY_OFFSET):
        lines.append(
            f"header copy at {offset}; zeros follow it up to {offset + SECOND_COPY_OFFSET}"
        )
        lines += dump_header_copy(content[offset:], offset)
        lines.append("")
    for frame in frames:
        lines.append(f"record {frame.sequence} at {frame.offset}")
        end = frame.offset + FRAME_HEADER_BYTES + len(frame.body)
        lines += dump_frame(content[frame.offset : end], frame.offset, header)
        lines.append("")
    return "\n".join(lines[:-1]) + "\n```\n"


def _crc_steps() -> str:
    _, content, header, frames = _two_records()
    frame = frames[0]
    assert frame.offset == FRAMES_OFFSET
    head = content[frame.offset : frame.offset + 16]
    pieces = (
        ("salt", header.salt),
        ("file number", header.file_number.to_bytes(4, "little")),
        ("offset", frame.offset.to_bytes(8, "little")),
        ("16 header bytes", head),
        ("body before crc32", frame.body[:-4]),
    )
    lines = ["```text", f"{'input':<20} {'bytes':<48} CRC so far"]
    crc = 0
    for name, data in pieces:
        crc = crc32(data, crc)
        shown = data.hex(" ") if len(data) <= 16 else f"{len(data)} bytes"
        remark = {"16 header bytes": "  = header CRC", "body before crc32": "  = crc32"}.get(
            name, ""
        )
        lines.append(f"{name:<20} {shown:<48} {crc:08x}{remark}")
    return "\n".join(lines) + "\n```\n"


def _link_frames() -> str:
    _, content, _, frames = _two_records()
    frame = frames[0]
    publish = encode_publish_frame(frame.sequence, payload_of(frame.body))
    header = decode_segment_header(content)
    assert isinstance(header, SegmentHeader)
    shown = (
        encode_message_frame(Hello(1, "procmond", header.log_id, 0)),
        encode_message_frame(Welcome(1, 256, 0)),
        publish,
        encode_message_frame(Acknowledge(1)),
    )
    blocks = ["\n".join(dump_link_frame(each)) for each in shown]
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def _states() -> str:
    """The diagram of CON-3.1: one arrow for all triggers between the same two states."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> idle"]
    for old in State:
        for new in State:
            words = [t.value for t in Trigger if TRANSITIONS.get((old, t)) is new]
            if words:
                lines.append(f"    {old.value} --> {new.value}: {', '.join(words)}")
    return "\n".join([*lines, "    closed --> [*]", "```"]) + "\n"


def _invariants() -> str:
    lines = ["| invariant | | what it means | requirements |", "|---|---|---|---|"]
    for each in INVARIANTS.values():
        ids = ", ".join(each.requirements)
        lines.append(f"| {each.name} | {each.title} | {each.text} | {ids} |")
    return "\n".join(lines) + "\n"


def write_blocks() -> None:
    """Put the generated blocks into SPEC.md."""
    text = SPEC_PATH.read_text()
    for name, content in generated_blocks().items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = head + begin + content + end + tail
    SPEC_PATH.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python3 -m tests.spec_text --write")
    write_blocks()
