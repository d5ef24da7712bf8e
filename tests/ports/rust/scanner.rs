//! Reads one segment front to back: frames, damaged stretches, the tail (section 9, REC-2, REC-3).
//! Promise: linear in the bytes, memory for one frame and one window, and never a frame that does
//! not verify in its place. Used for recovery and for replay alike.

use crate::disk::read_at;
use crate::frame::{FrameHeader, FrameKey, FRAME_HEADER, FRAME_MIN};
use crate::header::{Header, BLOCK};
use crate::mistakes::mistake;
use std::fs::File;
use std::io;

const WINDOW: usize = 256 * 1024;

/// A part of the file in memory.
struct Window {
    file: File,
    end: u64,
    base: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `n` bytes at `offset`, less only at the end of the file.
    fn get(&mut self, offset: u64, n: usize) -> io::Result<&[u8]> {
        let n = n.min(self.end.saturating_sub(offset) as usize);
        let inside = offset >= self.base && offset + n as u64 <= self.base + self.bytes.len() as u64;
        if !inside {
            let want = n.max(WINDOW).min(self.end.saturating_sub(offset) as usize);
            self.bytes.resize(want, 0);
            let got = read_at(&self.file, &mut self.bytes, offset)?;
            self.bytes.truncate(got);
            self.base = offset;
            if got < want {
                self.end = offset + got as u64;
            }
        }
        let at = offset.saturating_sub(self.base) as usize;
        let to = (at + n).min(self.bytes.len());
        Ok(&self.bytes[at.min(to)..to])
    }

    /// At least `n` bytes at `offset` (less only at the end), and whatever else is in memory.
    fn rest(&mut self, offset: u64, n: usize) -> io::Result<&[u8]> {
        self.get(offset, n)?;
        let at = (offset.saturating_sub(self.base) as usize).min(self.bytes.len());
        Ok(&self.bytes[at..])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A copy that recovery made.
    Relocated,
    Own,
    /// A number that this file cannot hold any more.
    Stale,
}

pub type Numbers = (u64, u64);

/// A header that verified, and what was jumped over before it, by this file alone.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub offset: u64,
    pub header: FrameHeader,
    pub kind: Kind,
    /// Holes among copies: lost only if a damaged region explains them.
    pub copies_between: Numbers,
    /// Numbers of this file's own that are not there.
    pub own_between: Numbers,
}

#[derive(Clone, Copy, Debug)]
pub enum Piece {
    Frame(Found),
    BadBody(Found),
    Region { offset: u64, length: u64 },
    Tail { offset: u64 },
}

#[derive(Clone, Copy)]
struct Position {
    offset: u64,
    own: bool,
    expected: u64,
}

pub struct Scanner {
    window: Window,
    key: FrameKey,
    continues_from: u64,
    first_sequence: u64,
    at: Position,
    /// Where the next complete frame is known to stand.
    complete_at: u64,
}

impl Scanner {
    pub fn new(file: File, header: &Header, length: u64) -> Scanner {
        let copies = header.relocated_from < header.continues_from;
        Scanner {
            window: Window { file, end: length, base: 0, bytes: Vec::new() },
            key: FrameKey::new(&header.salt, header.file_number),
            continues_from: header.continues_from,
            first_sequence: header.first_sequence,
            at: Position {
                offset: BLOCK,
                own: !copies,
                expected: if copies { header.relocated_from } else { header.first_sequence },
            },
            complete_at: 0,
        }
    }

    /// True as long as no frame of the file's own was met and copies may still come.
    pub fn among_copies(&self) -> bool {
        !self.at.own && self.at.expected < self.continues_from
    }

    /// What this file expects next.
    pub fn expected(&self) -> u64 {
        self.at.expected
    }

    pub fn body(&mut self, found: &Found) -> io::Result<&[u8]> {
        self.window.get(found.offset + FRAME_HEADER as u64, found.header.body_bytes as usize)
    }

    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.at.offset >= self.window.end {
            return Ok(None);
        }
        let start = self.at;
        let piece = self.step()?;
        match piece {
            Piece::Frame(_) => return Ok(Some(piece)),
            Piece::Tail { .. } => {
                self.at.offset = self.window.end;
                return Ok(Some(piece));
            }
            _ => {}
        }
        if self.complete_at <= start.offset {
            let after = self.at;
            self.complete_at = self.find_complete()?;
            self.at = after;
        }
        if self.complete_at == u64::MAX {
            self.at = Position { offset: self.window.end, ..start };
            return Ok(Some(Piece::Tail { offset: start.offset }));
        }
        Ok(Some(piece))
    }

    /// The offset of the next complete frame, or u64::MAX.
    fn find_complete(&mut self) -> io::Result<u64> {
        while self.at.offset < self.window.end {
            match self.step()? {
                Piece::Frame(found) => return Ok(found.offset),
                Piece::Tail { .. } => break,
                _ => {}
            }
        }
        Ok(u64::MAX)
    }

    /// One step by the table of section 9, without knowing what comes later.
    fn step(&mut self) -> io::Result<Piece> {
        let offset = self.at.offset;
        if let Some(header) = self.header_inside(offset)? {
            let mut found = self.judge(offset, header);
            let body = self.window.get(offset + FRAME_HEADER as u64, header.body_bytes as usize)?;
            if body.len() < header.body_bytes as usize {
                return Ok(Piece::Tail { offset });
            }
            let good = self.key.verify_body(&header, body);
            self.at.offset = offset + header.frame_bytes();
            if found.kind != Kind::Stale {
                self.at.expected = header.sequence + 1;
                self.at.own = found.kind == Kind::Own;
            }
            if good {
                return Ok(Piece::Frame(found));
            }
            found.offset = offset;
            return Ok(Piece::BadBody(found));
        }
        match self.search(offset)? {
            Some(boundary) if !mistake("stop-at-first-damage") => {
                self.at.offset = boundary;
                Ok(Piece::Region { offset, length: boundary - offset })
            }
            _ => Ok(Piece::Tail { offset }),
        }
    }

    /// The header at `offset` if it verifies and its frame lies inside the file.
    fn header_inside(&mut self, offset: u64) -> io::Result<Option<FrameHeader>> {
        let bytes = self.window.get(offset, FRAME_HEADER)?;
        let header = self.key.verify_header(offset, bytes);
        Ok(header.filter(|h| offset + h.frame_bytes() <= self.window.end))
    }

    fn judge(&self, offset: u64, header: FrameHeader) -> Found {
        let s = header.sequence;
        let e = self.at.expected;
        let mut found = Found {
            offset,
            header,
            kind: Kind::Stale,
            copies_between: (0, 0),
            own_between: (0, 0),
        };
        if !self.at.own && s < self.continues_from {
            if s >= e {
                found.kind = Kind::Relocated;
                found.copies_between = (e, s);
            }
            return found;
        }
        let from = if self.at.own { e } else { self.first_sequence };
        if s >= from {
            found.kind = Kind::Own;
            found.own_between = (from, s);
            if !self.at.own {
                found.copies_between = (e, self.continues_from);
            }
        }
        found
    }

    /// The next boundary behind `start` (REC-3.1).
    fn search(&mut self, start: u64) -> io::Result<Option<u64>> {
        let mut offset = start + 1;
        while offset + FRAME_MIN <= self.window.end {
            let sync = self.key.sync_word;
            let bytes = self.window.rest(offset, FRAME_HEADER)?;
            if bytes.len() < FRAME_HEADER {
                break;
            }
            let hit = bytes.windows(4).position(|w| w == sync);
            let step = bytes.len() as u64 - 3;
            let at = match hit {
                Some(i) => offset + i as u64,
                None => {
                    offset += step;
                    continue;
                }
            };
            if let Some(header) = self.header_inside(at)? {
                if self.may_follow(header.sequence, at - start) {
                    return Ok(Some(at));
                }
            }
            offset = at + 1;
        }
        Ok(None)
    }

    fn may_follow(&self, sequence: u64, distance: u64) -> bool {
        let e = self.at.expected;
        if mistake("any-sequence-is-a-boundary") {
            return true;
        }
        if !self.at.own && (e..self.continues_from).contains(&sequence) {
            return true;
        }
        let low = if self.at.own { e } else { self.first_sequence };
        let high = e.max(self.first_sequence).saturating_add(distance / FRAME_MIN);
        (low..=high).contains(&sequence)
    }
}
