//! Replay: the unsettled entries in sequence order, read from the files each time (REC-10.1).
//! Promise: memory for a frame and a window of each file that overlaps; a record that cannot be
//! read any more, on a second read either, is reported as lost and settled (REP-2.1).

use crate::codec::decode_body;
use crate::errors::{Result, WalError};
use crate::log::Log;
use crate::mistakes::mistake;
use crate::report::{Damage, Fate};
use crate::scanner::{Kind, Piece, Scanner};
use std::io;

/// One file's entries, in rising order.
struct Stream {
    scanner: Scanner,
    start: u64,
    current: Option<(u64, Vec<u8>)>,
}

impl Stream {
    /// Moves to the first entry at or above `sequence`. False at the end.
    fn seek(&mut self, sequence: u64) -> io::Result<bool> {
        if self.current.as_ref().is_some_and(|c| c.0 >= sequence) {
            return Ok(true);
        }
        self.current = None;
        while let Some(piece) = self.scanner.next()? {
            let found = match piece {
                Piece::Frame(f) => f,
                _ => continue,
            };
            let s = found.header.sequence;
            let stale = found.kind == Kind::Stale || (found.kind == Kind::Own && s < self.start);
            if stale || s < sequence {
                continue;
            }
            self.current = Some((s, self.scanner.body(&found)?.to_vec()));
            return Ok(true);
        }
        Ok(false)
    }
}

pub struct Replayed {
    pub sequence: u64,
    pub timestamp: u128,
    pub event: Vec<u8>,
}

impl Log {
    fn read_failed(e: io::Error) -> WalError {
        WalError::ReadFailed(format!("the disk failed while entries were read: {}; try again", e))
    }

    fn next_unsettled(&self, from: u64) -> Option<u64> {
        let n = self.settled.first_missing_from(from.max(self.watermark + 1));
        (n < self.next.min(self.hidden_from.unwrap_or(u64::MAX))).then_some(n)
    }

    /// Calls `visit` with number and body of each unsettled entry above `after`, until it says no.
    fn each_body(
        &mut self,
        after: u64,
        visit: &mut dyn FnMut(&mut Log, u64, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let mut streams: Vec<Stream> = Vec::new();
        let mut opened = 0;
        let mut second_read = false;
        let mut at = self.next_unsettled(after.saturating_add(1));
        while let Some(u) = at {
            while opened < self.segments.len() && self.segments[opened].header.relocated_from <= u {
                let s = &self.segments[opened];
                opened += 1;
                if s.end <= u {
                    continue;
                }
                let file = self.disk.open_read(&s.name).map_err(Log::read_failed)?;
                let scanner = Scanner::new(file, &s.header, s.length);
                streams.push(Stream { scanner, start: s.start, current: None });
            }
            let mut hit = None;
            let mut i = 0;
            while i < streams.len() {
                if !streams[i].seek(u).map_err(Log::read_failed)? {
                    streams.remove(i);
                    continue;
                }
                if streams[i].current.as_ref().is_some_and(|c| c.0 == u) {
                    hit = streams[i].current.take();
                    break;
                }
                i += 1;
            }
            match hit {
                Some((_, body)) => {
                    second_read = false;
                    if !visit(self, u, &body)? {
                        return Ok(());
                    }
                }
                None if !second_read => {
                    second_read = true;
                    streams.clear();
                    opened = 0;
                    continue;
                }
                None => {
                    second_read = false;
                    let detail = "it was good before and cannot be read any more";
                    let name = self.segments.last().map_or("", |s| &s.name).to_string();
                    let damage = Damage::new("missing-numbers", &name, 0, 0, detail);
                    self.report.add(damage.with(Fate::Lost, &[(u, u + 1)]));
                    self.settle(u);
                }
            }
            at = self.next_unsettled(u + 1);
        }
        Ok(())
    }

    /// A degraded log publishes nothing of the newest file before its floor is durable.
    pub fn try_to_unhide(&mut self) {
        if self.hidden_from.is_some() {
            let slot = self.slot();
            if self.ack.write(&self.disk, slot).is_ok() {
                self.hidden_from = None;
            }
        }
    }

    pub fn replay(&mut self, after: u64) -> Result<Vec<Replayed>> {
        self.try_to_unhide();
        if mistake("returned-before-it-is-written") {
            self.write_held().map_err(Log::read_failed)?;
        }
        let mut entries = Vec::new();
        self.each_body(after, &mut |log, sequence, body| {
            match decode_body(body, sequence) {
                Ok(entry) => entries.push(Replayed {
                    sequence,
                    timestamp: entry.timestamp,
                    event: body[entry.event_at..body.len() - 4].to_vec(),
                }),
                Err(e) => log.bury(sequence, body, &e),
            }
            Ok(true)
        })?;
        if mistake("replay-unordered") {
            entries.reverse();
        }
        Ok(entries)
    }

    /// REC-11.1, for an entry whose letter could not be stored at open.
    fn bury(&mut self, sequence: u64, body: &[u8], error: &WalError) {
        let payload = &body[8..body.len() - 4];
        let reason = error.to_string();
        let done = self.letters.append(&self.disk, &self.log_id, sequence, &reason, payload);
        if let Err(e) = done {
            // It stays unsettled, and the replay steps over it.
            eprintln!("warning: {} cannot be decoded, its letter not be stored: {}", sequence, e);
            return;
        }
        self.report.dead_lettered += 1;
        self.settle(sequence);
    }

    /// Timestamp and event of one entry as encoded; None if it was lost meanwhile.
    pub fn read_payload(&mut self, sequence: u64) -> Result<Option<Vec<u8>>> {
        let mut payload = None;
        self.each_body(sequence - 1, &mut |_, s, body| {
            if s == sequence {
                payload = Some(body[8..body.len() - 4].to_vec());
            }
            Ok(false)
        })?;
        Ok(payload)
    }
}

