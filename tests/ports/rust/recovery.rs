//! Reads all segments and says what they hold, what is gone, and which number comes next
//! (section 9). Promise: changes nothing but dead letters; every byte string is taken; memory
//! grows with the damage only.

use crate::codec::decode_body;
use crate::dead_letters::DeadLetters;
use crate::disk::Disk;
use crate::errors::Result;
use crate::frame::FRAME_MIN;
use crate::header::{Header, LogId, BLOCK, SEQUENCE_MAX};
use crate::intervals::IntervalSet;
use crate::mistakes::mistake;
use crate::quarantine::Stretch;
use crate::report::{Collected, Damage, Fate, Report};
use crate::scanner::{Found, Kind, Numbers, Piece, Scanner};
use crate::survey::{disk_unreadable, SegmentFile, Survey};

/// A usable segment after it was read.
#[derive(Clone, Debug)]
pub struct Segment {
    pub name: String,
    pub header: Header,
    /// Bytes that are durable and may be read.
    pub length: u64,
    /// Where the last complete frame ends.
    pub good: u64,
    /// What the log expected before this file: own frames below are stale.
    pub start: u64,
    /// One above the highest number in it.
    pub end: u64,
}

/// A tail or an unreadable file that no later file has settled yet.
struct Unexplained {
    unreadable: bool,
    file: String,
    offset: u64,
    length: u64,
    start: u64,
    count: u64,
}

/// How many stretches are remembered for copying; more than that are only counted.
const STRETCHES_MAX: usize = 10_000;

pub struct Scan {
    pub segments: Vec<Segment>,
    /// Numbers of entries that verified, above the watermark, once each.
    pub seen: IntervalSet,
    /// Those of them that are settled by a dead letter.
    pub dead: IntervalSet,
    /// What the log expects by its frames: from here on numbers are burned.
    pub continues: u64,
    pub next: u64,
    /// The watermark in the slots, or what stands in for it.
    pub acknowledged: u64,
    pub stretches: Vec<Stretch>,
    pub stretches_dropped: u64,
    expected: u64,
    unexplained: Vec<Unexplained>,
    damages: Collected,
}

/// ACK-1.2: without two good slots, what is below the oldest segment with records was settled.
fn acknowledged(survey: &Survey) -> u64 {
    let slot = survey.slots.newest.as_ref().map_or(0, |s| s.acknowledged_through);
    if survey.slots.both || mistake("oldest-file-starts-at-one") {
        return slot;
    }
    let mut older = 0u64;
    for file in &survey.files {
        match &file.header {
            Some(h) if file.size > BLOCK => {
                return slot.max(h.relocated_from.saturating_sub(1 + older));
            }
            Some(_) => {}
            None => older = older.saturating_add(file.possible()),
        }
    }
    slot
}

impl Scan {
    fn stretch(&mut self, file: &str, offset: u64, length: u64) {
        if self.stretches.len() < STRETCHES_MAX {
            self.stretches.push(Stretch { file: file.to_string(), offset, length });
        } else {
            self.stretches_dropped += 1;
        }
    }

    /// One unexplained stretch becomes a damage, with or without numbers.
    fn tell(&mut self, u: &Unexplained, fate: Fate, numbers: Numbers) {
        let gap = fate == Fate::Lost && !u.unreadable;
        let (kind, detail) = match (u.unreadable, gap) {
            (true, _) => ("unreadable-file", "no usable header"),
            (_, true) => ("gap-between-files", "the next file starts above"),
            _ => ("tail", "no complete frame to the end"),
        };
        let damage = Damage::new(kind, &u.file, u.offset, u.length, detail);
        self.damages.add(damage.with(fate, &[numbers]));
        let all_known = self.seen.missing_in(numbers.0.max(self.acknowledged + 1), numbers.1);
        if !u.unreadable && !(gap && all_known.is_empty()) {
            self.stretch(&u.file, u.offset, u.length);
        }
    }

    /// A later file explains the stretches: nothing is lost by them.
    fn explained(&mut self) {
        for u in std::mem::take(&mut self.unexplained) {
            if u.unreadable {
                self.tell(&u, Fate::None, (0, 0));
            }
        }
    }

    fn settle_by_header(&mut self, file: &SegmentFile, h: &Header) {
        if h.relocated_from > self.expected {
            let gap = (self.expected, h.relocated_from);
            let mut waiting = std::mem::take(&mut self.unexplained).into_iter();
            match waiting.next() {
                Some(first) => self.tell(&first, Fate::Lost, gap),
                None => {
                    let damage = Damage::new("gap-between-files", &file.name, 0, 0, "starts above");
                    if !mistake("gap-not-reported") {
                        self.damages.add(damage.with(Fate::Lost, &[gap]));
                    }
                }
            }
            self.unexplained = waiting.collect();
            self.explained();
            self.expected = h.relocated_from;
        } else if let Some(first) = self.unexplained.first() {
            let declared = h.continues_from <= first.start && first.start < h.first_sequence;
            let copies = h.relocated_from < h.continues_from;
            if copies || declared || mistake("empty-file-settles-the-tail") {
                self.explained();
            }
        }
    }

    fn unexplained_end(&self) -> u64 {
        self.unexplained.last().map_or(self.expected, |u| u.start.saturating_add(u.count))
    }

    fn add_unexplained(&mut self, unreadable: bool, file: &SegmentFile, offset: u64, from: u64) {
        let length = file.size - offset;
        let count =
            if unreadable { file.possible() } else { length.div_ceil(FRAME_MIN) };
        let count = if mistake("tail-burns-one") && !unreadable { 1 } else { count };
        self.unexplained.push(Unexplained {
            unreadable,
            file: file.name.clone(),
            offset,
            length,
            start: from,
            count,
        });
    }

    /// The numbers before a frame or a bad body, and who answers for them.
    fn jump(&mut self, file: &SegmentFile, found: &Found, region: Option<(u64, u64)>) {
        let own = (found.own_between.0.max(self.expected), found.own_between.1);
        let s = found.offset;
        match region {
            Some((offset, length)) => {
                let damage =
                    Damage::new("damaged-region", &file.name, offset, length, "no header verifies");
                self.damages.add(damage.with(Fate::Lost, &[found.copies_between, own]));
                self.stretch(&file.name, offset, length);
            }
            None if found.kind == Kind::Own && own.0 < own.1 => {
                let damage = Damage::new("missing-numbers", &file.name, s, 0, "numbers jump");
                if !mistake("gap-not-reported") {
                    self.damages.add(damage.with(Fate::Lost, &[own]));
                }
            }
            None => {}
        }
    }

    fn frame(
        &mut self,
        file: &SegmentFile,
        found: &Found,
        body: &[u8],
        dead: &mut impl FnMut(u64, &[u8], &str) -> bool,
    ) {
        let s = found.header.sequence;
        let known = s < self.expected && found.kind == Kind::Own;
        if found.kind == Kind::Stale || (known && !mistake("stale-frames-accepted")) {
            let detail = "its number was delivered already";
            let bytes = found.header.frame_bytes();
            self.damages.add(Damage::new("stale-frame", &file.name, found.offset, bytes, detail));
            return;
        }
        if found.kind == Kind::Own {
            if self.unexplained.first().is_some_and(|u| u.start == s) {
                self.explained();
            }
            self.expected = s + 1;
        }
        if s <= self.acknowledged || self.seen.contains(s) {
            return;
        }
        self.seen.add(s, s + 1);
        if let Err(e) = decode_body(body, s) {
            if mistake("undecodable-skipped") {
                self.dead.add(s, s + 1);
                return;
            }
            let reason = e.to_string();
            let bytes = found.header.frame_bytes();
            let damage =
                Damage::new("undecodable-entry", &file.name, found.offset, bytes, &reason);
            if dead(s, &body[8..body.len() - 4], &reason) {
                self.dead.add(s, s + 1);
                self.damages.add(damage.with(Fate::DeadLettered, &[(s, s + 1)]));
            } else {
                self.damages.add(damage);
            }
        }
    }

    fn bad_body(&mut self, file: &SegmentFile, found: &Found) {
        let s = found.header.sequence;
        let damage = Damage::new(
            "damaged-body",
            &file.name,
            found.offset,
            found.header.frame_bytes(),
            "the header verifies, the body does not",
        );
        let behind = found.kind == Kind::Stale
            || (found.kind == Kind::Own && s < self.expected);
        let numbers = if behind { (0, 0) } else { (s, s + 1) };
        self.damages.add(damage.with(Fate::Lost, &[numbers]));
        self.stretch(&file.name, found.offset, found.header.frame_bytes());
        if found.kind == Kind::Own {
            self.expected = self.expected.max(s + 1);
        }
    }

    fn read_segment(
        &mut self,
        disk: &Disk,
        file: &SegmentFile,
        h: &Header,
        dead: &mut impl FnMut(u64, &[u8], &str) -> bool,
    ) -> Result<()> {
        let failed = disk_unreadable(&file.name);
        self.settle_by_header(file, h);
        let start = self.expected;
        let handle = disk.open_read(&file.name).map_err(&failed)?;
        let mut scanner = Scanner::new(handle, h, file.size);
        let mut region = None;
        let mut good = file.size;
        while let Some(piece) = scanner.next().map_err(&failed)? {
            match piece {
                Piece::Region { offset, length } => region = Some((offset, length)),
                Piece::BadBody(found) => {
                    self.jump(file, &found, region.take());
                    self.bad_body(file, &found);
                }
                Piece::Frame(found) => {
                    let body = scanner.body(&found).map_err(&failed)?;
                    self.jump(file, &found, region.take());
                    self.frame(file, &found, body, dead);
                }
                Piece::Tail { offset } => {
                    good = offset;
                    let from = if scanner.among_copies() {
                        scanner.expected()
                    } else {
                        self.expected = self.expected.max(h.first_sequence);
                        self.unexplained_end()
                    };
                    self.add_unexplained(false, file, offset, from);
                }
            }
        }
        let local = scanner.expected().max(h.first_sequence);
        self.expected = self.expected.max(local);
        self.segments.push(Segment {
            name: file.name.clone(),
            header: h.clone(),
            length: file.size,
            good,
            start,
            end: local,
        });
        Ok(())
    }
}

pub fn scan(
    disk: &Disk,
    survey: &Survey,
    log_id: &LogId,
    letters: &mut DeadLetters,
    report: &mut Report,
) -> Result<Scan> {
    let mut scan = Scan {
        segments: Vec::new(),
        seen: IntervalSet::new(),
        dead: IntervalSet::new(),
        continues: 1,
        next: 1,
        acknowledged: acknowledged(survey),
        stretches: Vec::new(),
        stretches_dropped: 0,
        expected: 1,
        unexplained: Vec::new(),
        damages: Collected::default(),
    };
    for damage in &survey.damages {
        scan.damages.add(damage.clone());
    }
    let mut dead = |s: u64, payload: &[u8], reason: &str| {
        let done = letters.append(disk, log_id, s, reason, payload);
        done.map_err(|e| eprintln!("warning: no dead letter for {}: {}", s, e)).is_ok()
    };
    for file in &survey.files {
        match &file.header {
            None => {
                let from = scan.unexplained_end();
                scan.add_unexplained(true, file, 0, from);
            }
            Some(h) => scan.read_segment(disk, file, h, &mut dead)?,
        }
    }
    finish(scan, survey, report)
}

/// Burned numbers, the floor, the clean mark, and the report.
fn finish(mut scan: Scan, survey: &Survey, report: &mut Report) -> Result<Scan> {
    scan.continues = scan.expected.min(SEQUENCE_MAX + 1);
    scan.next = scan.continues;
    let burned = scan.unexplained_end();
    for u in std::mem::take(&mut scan.unexplained) {
        scan.tell(&u, Fate::PossiblyLost, (u.start, u.start.saturating_add(u.count)));
    }
    if survey.identity.is_some() && !mistake("next-is-last-plus-one") {
        scan.next = scan.next.max(burned).min(SEQUENCE_MAX + 1);
    }
    let newest = scan.segments.last().cloned();
    let slot = survey.slots.newest.clone().unwrap_or_default();
    report.clean_shutdown = match &newest {
        None => true,
        Some(n) => {
            survey.slots.both
                && slot.log_id == n.header.log_id
                && slot.clean_file == n.header.file_number
                && slot.clean_length == n.length
                && (slot.next_sequence == scan.next || mistake("clean-without-floor"))
        }
    };
    if let Some(n) = &newest {
        if slot.next_sequence > scan.next && !mistake("ack-ahead-clamped") {
            let detail = "the acknowledgement file knows higher numbers";
            let damage = Damage::new("missing-end", &n.name, n.length, 0, detail);
            let numbers = (scan.next, slot.next_sequence);
            scan.damages.add(damage.with(Fate::PossiblyLost, &[numbers]));
            scan.next = slot.next_sequence;
        }
        if mistake("ack-ahead-clamped") {
            scan.acknowledged = scan.acknowledged.min(scan.next - 1);
        }
        scan.next = scan.next.max(scan.acknowledged + 1);
    }
    std::mem::take(&mut scan.damages).finish(report, scan.acknowledged, &scan.seen);
    report.segments = scan.segments.len() as u64;
    report.next_sequence = scan.next;
    let seen = scan.seen.count_in(1, u64::MAX);
    report.entries = seen - scan.dead.count_in(1, u64::MAX);
    Ok(scan)
}
