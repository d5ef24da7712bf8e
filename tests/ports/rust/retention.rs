//! Acknowledging, refusing, and deleting what is settled (section 8).
//! Promise: the watermark is durable before a file goes, oldest first, never the newest; a failing
//! acknowledgement file fails nothing but the deletion.

use crate::errors::{Result, WalError};
use crate::log::Log;
use crate::mistakes::mistake;
use std::time::Instant;

impl Log {
    pub fn is_unsettled(&self, sequence: u64) -> bool {
        sequence > self.watermark && sequence < self.next && !self.settled.contains(sequence)
    }

    /// The watermark is the contiguous prefix.
    pub fn advance(&mut self) {
        let first = self.settled.first_missing_from(self.watermark + 1);
        self.watermark = (first - 1).max(self.watermark);
        self.settled.remove_below(first);
    }

    fn within(&self, sequence: u64) -> Result<()> {
        if sequence >= self.next {
            return Err(WalError::AcknowledgedBeyondLog(format!(
                "{} is not in the log, whose next number is {}",
                sequence, self.next
            )));
        }
        Ok(())
    }

    pub fn acknowledge(&mut self, through: u64) -> Result<()> {
        if !mistake("acknowledge-beyond-log") {
            self.within(through)?;
        }
        if through > self.watermark {
            self.acks_unsaved += through - self.watermark;
            self.settled.add(self.watermark + 1, through + 1);
            self.advance();
        }
        self.save_if_due();
        Ok(())
    }

    /// DLQ-1.1: durable in the dead-letter file before it counts as settled.
    pub fn refuse(&mut self, sequence: u64, reason: &str) -> Result<()> {
        self.within(sequence)?;
        if !self.is_unsettled(sequence) {
            return Ok(());
        }
        let payload = self.read_payload(sequence)?;
        if payload.is_none() && self.is_unsettled(sequence) {
            return Err(WalError::EntriesNotDurable(format!(
                "{} cannot be made durable yet; try again when there is room",
                sequence
            )));
        }
        if let Some(payload) = payload {
            let stored = self.letters.append(&self.disk, &self.log_id, sequence, reason, &payload);
            if let Err(e) = stored {
                if !mistake("refused-without-letter") {
                    return Err(WalError::DeadLetterFailed(format!(
                        "{} stays in the log: {}; try again",
                        sequence, e
                    )));
                }
            }
        }
        self.settle(sequence);
        self.save_if_due();
        Ok(())
    }

    pub fn settle(&mut self, sequence: u64) {
        self.settled.add(sequence, sequence + 1);
        if mistake("acknowledge-by-maximum") {
            self.watermark = self.watermark.max(sequence);
        }
        self.acks_unsaved += 1;
        self.advance();
    }

    fn save_if_due(&mut self) {
        let waited = self.config.elapsed(self.ack_saved_at);
        let late = waited >= self.config.acknowledge_interval_ns as u128;
        let due = self.acks_unsaved >= self.config.acknowledge_count_max || late;
        let goes = self.first_goes() && !mistake("deleted-before-cursor-is-durable");
        if self.acks_unsaved > 0 && (due || goes) {
            self.save_watermark();
        }
        self.retire();
    }

    /// The file as it is, with the watermark of now. A failure is only told.
    pub fn save_watermark(&mut self) {
        let mut slot = self.slot();
        slot.clean_file = self.ack.last.clean_file;
        slot.clean_length = self.ack.last.clean_length;
        match self.ack.write(&self.disk, slot) {
            Ok(()) => self.watermark_saved(),
            Err(e) => eprintln!("warning: the acknowledgement file was not written: {}", e),
        }
    }

    pub fn watermark_saved(&mut self) {
        self.acks_unsaved = 0;
        self.ack_saved_at = Instant::now();
    }

    fn first_goes(&self) -> bool {
        if mistake("active-file-deleted") {
            return self.segments.first().is_some_and(|s| s.end - 1 <= self.watermark && s.end > s.header.first_sequence);
        }
        self.segments.len() > 1 && self.segments[0].end - 1 <= self.watermark
    }

    /// The oldest file's numbers are settled by what this process has made durable.
    fn is_covered(&self) -> bool {
        self.ack.is_durable && self.ack.last.acknowledged_through >= self.segments[0].end - 1
    }

    /// Deletes wholly settled files.
    pub fn retire(&mut self) {
        while self.first_goes() {
            if !self.is_covered() && !mistake("deleted-before-cursor-is-durable") {
                self.save_watermark();
                if !self.is_covered() {
                    return;
                }
            }
            let index = if mistake("deleted-newest-first") { self.segments.len() - 2 } else { 0 };
            if let Err(e) = self.disk.unlink(&self.segments[index].name) {
                eprintln!("warning: {} was not deleted: {}", self.segments[index].name, e);
                return;
            }
            self.segments.remove(index);
            if self.segments.is_empty() {
                self.active = None;
            }
            if let Err(e) = self.disk.sync_directory() {
                eprintln!("warning: the directory was not synced: {}", e);
                return;
            }
        }
    }
}
