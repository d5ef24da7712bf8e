//! Appending (section 7).
//! Promise: a number that is returned is durable; a definite error left nothing and took no
//! number; after an indefinite one nothing is written behind what may be there.

use crate::codec::{decode_event, encode_timestamp};
use crate::disk::write_all_at;
use crate::errors::{Result, WalError};
use crate::frame::{frame_bytes, FRAME_MIN};
use crate::header::{BLOCK, SEQUENCE_MAX};
use crate::log::Log;
use crate::mistakes::mistake;

impl Log {
    /// Stores the events in order. The numbers that are durable, and what stopped it.
    pub fn append_batch(&mut self, events: &[Vec<u8>]) -> (Vec<u64>, Option<WalError>) {
        let mut stored = Vec::new();
        for event in events {
            if let Err(e) = self.check_event(event) {
                if mistake("sequence-consumed-by-refusal") {
                    self.next += 1;
                }
                return (stored, Some(e));
            }
        }
        let mut timestamp = Vec::new();
        encode_timestamp(&mut timestamp, self.config.now());
        let payloads: Vec<Vec<u8>> =
            events.iter().map(|e| [timestamp.as_slice(), e.as_slice()].concat()).collect();
        let mut rest = payloads.as_slice();
        while !rest.is_empty() {
            match self.write_some(rest) {
                Ok(count) => {
                    stored.extend(self.next - count as u64..self.next);
                    rest = &rest[count..];
                }
                Err(e) => return (stored, Some(e)),
            }
        }
        (stored, None)
    }

    fn check_event(&self, event: &[u8]) -> Result<()> {
        if let Some(why) = &self.failed {
            if !mistake("goes-on-after-failed-sync") {
                return Err(WalError::LogFailed(format!("{}; open the log again", why)));
            }
        }
        if event.len() as u64 > self.config.event_bytes_max {
            return Err(WalError::EventTooLarge(format!(
                "the event has {} bytes, the limit is {}",
                event.len(),
                self.config.event_bytes_max
            )));
        }
        decode_event(event).map(|_| ())
    }

    /// Makes sure that there is a file to append to, and rotates it if it is time (WAL-3).
    fn ready(&mut self, next_frame: u64) -> Result<()> {
        if self.next > SEQUENCE_MAX {
            return Err(WalError::NoSegment("no sequence is left".into()));
        }
        let no_segment = |e: std::io::Error| {
            WalError::NoSegment(format!("no file could be made: {}; try again when there is room", e))
        };
        if self.active.is_none() {
            if self.to_relocate {
                self.try_to_unhide();
                self.relocate().map_err(no_segment)?;
                if self.save_watermark() {
                    self.remove_copied();
                }
            } else {
                self.create_segment().map_err(no_segment)?;
            }
        }
        let length = self.newest_length();
        if length >= self.config.rotation_bytes {
            if let Err(e) = self.create_segment() {
                if length + next_frame > self.config.file_bytes_max {
                    return Err(no_segment(e));
                }
                eprintln!("warning: no rotation: {}", e);
            } else {
                self.retire();
            }
        }
        self.withdraw_mark().map_err(no_segment)
    }

    fn newest_length(&self) -> u64 {
        self.segments.last().map_or(0, |s| s.length)
    }

    /// REC-7.2: the mark is gone durably before the file grows, or another file is taken.
    fn withdraw_mark(&mut self) -> std::io::Result<()> {
        let number = self.segments.last().map_or(0, |s| s.header.file_number);
        if self.ack.last.clean_file != number || mistake("mark-not-withdrawn") {
            return Ok(());
        }
        let slot = self.slot();
        if let Err(e) = self.ack.write(&self.disk, slot) {
            eprintln!("warning: the clean mark stays: {}", e);
            self.active = None;
            return self.create_segment();
        }
        self.watermark_saved();
        Ok(())
    }

    fn check_quota(&mut self, frame: u64) -> Result<()> {
        if self.used_bytes() + frame <= self.config.quota_bytes || mistake("no-quota") {
            return Ok(());
        }
        if self.watermark + 1 == self.next && self.newest_length() > BLOCK && !self.to_relocate {
            // The newest file is wholly settled: it may go, once another one has its numbers.
            match self.create_segment() {
                Ok(()) => self.retire(),
                Err(e) => eprintln!("warning: no rotation: {}", e),
            }
        }
        if self.used_bytes() + frame <= self.config.quota_bytes {
            return Ok(());
        }
        Err(WalError::QuotaExceeded(format!(
            "{} of {} bytes are used; try again when events were acknowledged",
            self.used_bytes(),
            self.config.quota_bytes
        )))
    }

    /// One write and one sync, inside one file. How many of the payloads are durable now.
    fn write_some(&mut self, payloads: &[Vec<u8>]) -> Result<usize> {
        let first = frame_bytes(payloads[0].len());
        self.check_quota(first)?;
        self.ready(first)?;
        let base = self.newest_length();
        let config = &self.config;
        let active = match &self.active {
            Some(a) => a,
            None => return Err(WalError::NoSegment("no file can be appended to".into())),
        };
        let room = config.quota_bytes.saturating_sub(self.used_bytes());
        let mut buffer = Vec::new();
        let mut count = 0usize;
        for payload in payloads {
            let size = buffer.len() as u64 + frame_bytes(payload.len());
            let sequence = self.next + count as u64;
            let full = base + buffer.len() as u64 >= config.rotation_bytes
                && !mistake("batch-crosses-rotation")
                || size > config.batch_bytes_max
                || size > room
                || sequence > SEQUENCE_MAX;
            if count > 0 && full {
                break;
            }
            let offset = base + buffer.len() as u64;
            active.key.append_frame(&mut buffer, offset, sequence, payload);
            count += 1;
        }
        if mistake("returned-before-it-is-written") {
            self.held.push((base, buffer.clone()));
            if self.held.iter().map(|h| h.1.len()).sum::<usize>() > 16_384 {
                self.write_held().map_err(|e| WalError::SyncFailed(e.to_string()))?;
            }
            self.grown(base + buffer.len() as u64, count);
            return Ok(count);
        }
        if let Err(e) = write_all_at(&active.file, &buffer, base) {
            // What recovery will count if the bytes are there (WAL-4.2).
            let burned = (buffer.len() as u64).div_ceil(FRAME_MIN);
            return Err(self.write_failed(base, burned, e));
        }
        let synced = if mistake("no-sync") {
            Ok(())
        } else if mistake("sync-of-wrong-file") {
            self.disk.open_read(crate::names::ACK).and_then(|f| f.sync_data())
        } else if mistake("rotation-skips-sync") && base + buffer.len() as u64 >= config.rotation_bytes {
            Ok(())
        } else if mistake("failed-sync-is-retried") {
            active.file.sync_data().or_else(|_| active.file.sync_data())
        } else if mistake("failed-sync-is-ignored") {
            let _ = active.file.sync_data();
            Ok(())
        } else {
            active.file.sync_data()
        };
        if let Err(e) = synced {
            self.failed = Some(format!("a sync failed: {}", e));
            return Err(WalError::SyncFailed(format!(
                "{} events may or may not survive: {}; open the log again",
                count, e
            )));
        }
        self.grown(base + buffer.len() as u64, count);
        Ok(count)
    }

    fn grown(&mut self, length: u64, count: usize) {
        self.next += count as u64;
        self.continues = self.next;
        let end = self.next;
        if let Some(s) = self.segments.last_mut() {
            s.length = length;
            s.end = end;
        }
    }

    /// Only for a mistake.
    pub fn write_held(&mut self) -> std::io::Result<()> {
        for (at, bytes) in std::mem::take(&mut self.held) {
            if let Some(active) = &self.active {
                write_all_at(&active.file, &bytes, at)?;
                active.file.sync_data()?;
            }
        }
        Ok(())
    }

    /// WAL-4.2: cut back and sync; if that works nothing has happened.
    fn write_failed(&mut self, good: u64, count: u64, error: std::io::Error) -> WalError {
        if mistake("no-cut-after-failed-write") {
            return WalError::DiskRejected(format!("the disk refused the write: {}", error));
        }
        let active = self.active.take();
        if mistake("appends-to-a-cut-file") {
            if let Some(a) = active {
                let _ = a.file.set_len(good);
                self.active = Some(a);
            }
            return WalError::DiskRejected(format!("the disk refused the write: {}", error));
        }
        let undone = match &active {
            Some(a) => a.file.set_len(good).and_then(|()| {
                if mistake("cut-without-sync") { Ok(()) } else { a.file.sync_all() }
            }),
            None => Err(std::io::Error::other("no file")),
        };
        match undone {
            Ok(()) => {
                if mistake("sequence-consumed-by-failed-write") {
                    self.next += count;
                }
                WalError::DiskRejected(format!(
                    "the disk refused the write, nothing was stored: {}; try again",
                    error
                ))
            }
            Err(e) => {
                let from = self.next;
                if !mistake("nothing-burned-after-failed-cut") {
                    self.next = self.next.saturating_add(count).min(SEQUENCE_MAX + 1);
                }
                self.settled.add(from, self.next);
                self.advance();
                WalError::AppendIndefinite(format!(
                    "the write failed ({}) and could not be undone ({}); {} numbers are burned",
                    error, e, count
                ))
            }
        }
    }
}
