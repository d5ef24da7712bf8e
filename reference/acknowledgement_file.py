"""Keeps `procmond.ack`: writes slots, and makes the file anew when it cannot be trusted.

Theory of operation. The file is a hint whose loss costs repeats, never an event. So no
failure here may fail an append: it raises OSError, the log then keeps its files a little
longer and tries again. After a failed write or sync the file is poisoned (a sync is never
retried on it); the next write makes a new one beside it, durable under a temporary name,
and swaps the names. A crash between the unlink and the rename is completed by the next open.

Spec: ACK-1, ACK-4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reference.acknowledgement_slots import (
    ACK_NAME,
    AckSlot,
    encode_ack_file,
    encode_slot,
    slot_offset,
)
from reference.filesystem import Filesystem
from reference.limits import SEQUENCE_MAX
from reference.names import NEW_SUFFIX
from reference.segment_files import discard, write_fully

TEMPORARY_NAME: Final = ACK_NAME + NEW_SUFFIX


class AcknowledgementFile:
    """The acknowledgement file of one open log.

    `found` is the newest slot that recovery believed, or None. `intact` says that both
    slots verified, so that overwriting one in place leaves a good one.
    """

    def __init__(
        self, filesystem: Filesystem, log_id: bytes, found: AckSlot | None, *, intact: bool
    ) -> None:
        self._filesystem = filesystem
        self._slot = found or AckSlot(0, log_id, 0, 1)
        self._usable = intact and found is not None
        self._name_is_durable = False
        """A crash may have come between its rename and the directory's sync."""
        self._swap_is_open = False
        """The old file is gone and the new one still has its temporary name."""
        if self._slot.generation >= SEQUENCE_MAX:  # crafted: the next would not be read
            self._slot, self._usable = replace(self._slot, generation=0), False
        self.durable_through: int | None = None
        """The watermark that this process made durable; None before its first write.

        What recovery read may be in the page cache only, after a failed sync (trap T3).
        """
        if self._slot.log_id != log_id:  # from before a change of identity
            self.rename_log(log_id)

    def rename_log(self, log_id: bytes) -> None:
        """Make the next write name another log. Both slots must: the file is made anew."""
        self._slot = replace(self._slot, log_id=log_id)
        self._usable = False
        self.durable_through = None

    def write(
        self,
        acknowledged_through: int,
        next_sequence: int,
        clean_mark: tuple[int, int] | None = None,
    ) -> None:
        """Make the watermark and the mark (file number, length) durable. Raises OSError."""
        clean_file, clean_length = clean_mark or (0, 0)
        slot = AckSlot(
            self._slot.generation + 1, self._slot.log_id, acknowledged_through, next_sequence,
            clean_file, clean_length,
        )  # fmt: skip
        if self._swap_is_open:
            try:
                self._finish_swap()
            except (FileExistsError, FileNotFoundError):
                self._swap_is_open = False  # half done, or undone by somebody: make it anew
        if self._usable:
            self._usable = False  # until the sync has succeeded
            self._filesystem.overwrite(ACK_NAME, slot_offset(slot.generation), encode_slot(slot))
            self._filesystem.sync(ACK_NAME)
        else:
            self._make_anew(slot)
        if not self._name_is_durable:
            self._filesystem.sync_directory()
            self._name_is_durable = True
        self._usable = True
        self._slot = slot
        self.durable_through = acknowledged_through

    def affirm(self) -> None:
        """Write the newest slot again, byte for byte, unless this process made it durable."""
        if self.durable_through is None:
            slot = self._slot
            data = encode_slot(slot)
            self._filesystem.overwrite(ACK_NAME, slot_offset(slot.generation), data)
            self._filesystem.sync(ACK_NAME)
            self.durable_through = slot.acknowledged_through

    def would_change(
        self, acknowledged_through: int, next_sequence: int, clean_mark: tuple[int, int] | None
    ) -> bool:
        """Whether writing this would say anything that the file does not say already."""
        slot = self._slot
        return not self._usable or (
            slot.acknowledged_through, slot.next_sequence, (slot.clean_file, slot.clean_length)
        ) != (acknowledged_through, next_sequence, clean_mark or (0, 0))  # fmt: skip

    def _make_anew(self, slot: AckSlot) -> None:
        """Write a whole file and put it in the place of the old one.

        Its temporary name is durable before the old file goes: at every moment one of the two
        has the floor, which a degraded log depends on.
        """
        discard(self._filesystem, TEMPORARY_NAME)
        self._filesystem.create_exclusive(TEMPORARY_NAME)
        try:
            write_fully(self._filesystem, TEMPORARY_NAME, encode_ack_file(slot))
            self._filesystem.sync(TEMPORARY_NAME)
            self._filesystem.sync_directory()
        except OSError:
            discard(self._filesystem, TEMPORARY_NAME)
            raise
        self._name_is_durable = False
        self._swap_is_open = discard(self._filesystem, ACK_NAME)
        self._finish_swap()

    def _finish_swap(self) -> None:
        self._filesystem.rename_new(TEMPORARY_NAME, ACK_NAME)
        self._swap_is_open = False
        self._usable = True
