"""Finds how far a log was acknowledged, before its records are read.

From the slots, or without them from the oldest file: then nothing of it counts as
acknowledged, and entries are repeated, never lost.

    slots                 watermark
    both verify           what the newest says
    one verifies          the same, but it may be an older one: numbers below the oldest
                          file were deleted, hence settled, unless an unreadable file before
                          it may have held them
    none                  the same without a slot

Where the log is a chain of identities, slots of any of them count. Nothing here writes.

Spec: ACK-1.2, ACK-3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reference.acknowledgement_slots import ACK_NAME, SLOT_OFFSETS, AckSlot
from reference.directory import DirectoryView, read_slots
from reference.filesystem import Filesystem
from reference.limits import FRAMES_OFFSET, HEADER_BYTES, SEQUENCE_FIRST
from reference.report import Damage, DamageKind, Fate


@dataclass(slots=True)
class FoundWatermark:
    """What the slots say, and where the numbers of the files are expected to start."""

    watermark: int = 0
    first_expected: int = SEQUENCE_FIRST
    slot: AckSlot | None = None
    """The newest slot that verifies and is this log's."""
    slots_valid: int = 0
    damages: list[Damage] = field(default_factory=list)

    @property
    def both_slots_verify(self) -> bool:
        """Only then is a clean mark believed: one slot alone may be a stale one."""
        return self.slots_valid == len(SLOT_OFFSETS)


def find_watermark(filesystem: Filesystem, view: DirectoryView) -> FoundWatermark:
    """Return the watermark of the log in this directory. Raises DiskUnreadable."""
    found = _read_slots(filesystem, view)
    if not view.segments:
        return found
    # A leftover of a failed rotation may be the oldest file; it says nothing.
    oldest = next((s for s in view.segments if s.size_bytes > FRAMES_OFFSET), view.segments[-1])
    assert oldest.header is not None
    lowest = oldest.header.relocated_from
    acknowledged = found.slot.acknowledged_through if found.slot else 0
    if not found.both_slots_verify:
        before = sum(f.records_max for f in view.unreadable if f.number < oldest.number)
        acknowledged = max(acknowledged, lowest - 1 - before)
    found.watermark = acknowledged
    found.first_expected = min(found.watermark + 1, lowest)
    return found


def _read_slots(filesystem: Filesystem, view: DirectoryView) -> FoundWatermark:
    found = FoundWatermark()
    entry = view.entries.get(ACK_NAME)
    if entry is None or not entry.is_regular:
        return found
    slots = read_slots(filesystem)
    valid = [slot for slot in slots if slot is not None]
    ours = [slot for slot in valid if slot.log_id in view.chain]
    if not ours:
        reason = "it belongs to another log" if valid else "neither slot verifies"
        found.damages.append(_damage(DamageKind.ACK_FILE, 0, entry.size_bytes, reason))
        return found
    found.slot = max(ours, key=lambda slot: slot.generation)
    found.slots_valid = len(ours)
    for offset, slot in zip(SLOT_OFFSETS, slots, strict=True):
        if slot not in ours:
            damage = _damage(DamageKind.ACK_SLOT, offset, HEADER_BYTES, "the other is used")
            found.damages.append(damage)
    return found


def _damage(kind: DamageKind, offset: int, length_bytes: int, detail: str) -> Damage:
    return Damage(kind, ACK_NAME, offset, length_bytes, Fate.NONE, detail=detail)
