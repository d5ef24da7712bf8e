//! Reads all segments and says what they hold, what is gone, and which number comes next
//! (section 9). Promise: changes nothing but dead letters; every byte string is taken; memory
//! grows with the damage only.

use crate::acknowledgement::Slot;
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

impl Unexplained {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.count)
    }
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
    slot: Option<Slot>,
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
    let usable = || survey.files.iter().filter(|f| f.header.is_some());
    let oldest = usable().find(|f| f.size > BLOCK).or_else(|| usable().last());
    let Some((file, h)) = oldest.and_then(|f| f.header.as_ref().map(|h| (f, h))) else {
        return slot;
    };
    let before = survey.files.iter().filter(|f| f.header.is_none() && f.number < file.number);
    let held = before.fold(0u64, |sum, f| sum.saturating_add(f.possible()));
    slot.max((h.relocated_from - 1).saturating_sub(held))
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
        } else {
            let copies = h.relocated_from < h.continues_from;
            let all = copies || mistake("empty-file-settles-the-tail");
            let held = std::mem::take(&mut self.unexplained);
            let (settled, held): (Vec<_>, Vec<_>) =
                held.into_iter().partition(|u| all || u.end() <= h.first_sequence);
            self.unexplained = settled;
            self.explained();
            self.unexplained = held;
        }
    }

    fn unexplained_end(&self) -> u64 {
        self.unexplained.iter().fold(self.expected, |end, u| end.max(u.end()))
    }

    fn add_unreadable(&mut self, file: &SegmentFile, from: u64) {
        self.unexplained.push(Unexplained {
            unreadable: true,
            file: file.name.clone(),
            offset: 0,
            length: file.size,
            start: from,
            count: file.possible(),
        });
    }

    /// The numbers before a frame or a bad body, and who answers for them.
    fn jump(&mut self, file: &SegmentFile, h: &Header, found: &Found, region: Option<(u64, u64)>) {
        let own = (found.own_between.0.max(self.expected), found.own_between.1);
        let copies = found.copies_between;
        let has_gap = h.continues_from < h.first_sequence;
        if let Some((offset, length)) = region {
            // What the region hides beyond a declared gap is a jump behind it.
            let across = has_gap && copies.0 < copies.1 && found.kind == Kind::Own;
            let hidden = if across { vec![copies] } else { vec![copies, own] };
            let damage =
                Damage::new("damaged-region", &file.name, offset, length, "no header verifies");
            self.damages.add(damage.with(Fate::Lost, &hidden));
            self.stretch(&file.name, offset, length);
            if !across {
                return;
            }
        }
        // By what the file expects: with no number left it is damage all the same.
        if found.kind == Kind::Own && found.own_between.0 < found.own_between.1 {
            let damage =
                Damage::new("missing-numbers", &file.name, found.offset, 0, "numbers jump");
            if !mistake("gap-not-reported") {
                self.damages.add(damage.with(Fate::Lost, &[own]));
            }
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
            // The file handed out its numbers from its first on: no tail before it had any.
            self.explained();
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

    fn bad_body(&mut self, file: &SegmentFile, found: &Found, behind_region: bool) {
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
        let numbers = match found.kind {
            _ if behind => (0, 0),
            // It answers for the numbers before it as well (REC-2.1).
            Kind::Own if !behind_region && found.own_between.0 < s => {
                (found.own_between.0.max(self.expected), s + 1)
            }
            _ => (s, s + 1),
        };
        self.damages.add(damage.with(Fate::Lost, &[numbers]));
        self.stretch(&file.name, found.offset, found.header.frame_bytes());
        if found.kind == Kind::Own {
            self.expected = self.expected.max(s + 1);
        }
    }

    /// What a tail may have held: missing copies, and records of the file's own (REC-6.3).
    fn tail(&mut self, file: &SegmentFile, h: &Header, scanner: &Scanner, offset: u64) {
        let count = (file.size - offset).div_ceil(FRAME_MIN);
        let count = if mistake("tail-burns-one") { 1 } else { count };
        let end = scanner.expected().max(h.first_sequence).saturating_add(count);
        let mut from = scanner.expected().max(self.expected);
        if scanner.among_copies() && h.continues_from < h.first_sequence {
            if from < h.continues_from {
                let detail = "copies that recovery made";
                let damage =
                    Damage::new("tail", &file.name, offset, file.size - offset, detail);
                let numbers = (from, h.continues_from);
                self.damages.add(damage.with(Fate::PossiblyLost, &[numbers]));
                self.stretch(&file.name, offset, file.size - offset);
            }
            from = h.first_sequence.max(self.expected);
        }
        self.unexplained.push(Unexplained {
            unreadable: false,
            file: file.name.clone(),
            offset,
            length: file.size - offset,
            start: from.min(end),
            count: end.saturating_sub(from),
        });
    }

    /// A file that is shorter than the clean mark says, where copies are missing (ACK-3.1).
    fn count_copies(&mut self, file: &SegmentFile, h: &Header, local: u64) {
        let first = self.expected.max(local).max(self.acknowledged + 1);
        if let Some(slot) = &self.slot {
            let shorter = slot.clean_file == h.file_number && file.size < slot.clean_length;
            if shorter && first < h.continues_from {
                let detail = "the file was longer when it was closed";
                let damage = Damage::new("missing-end", &file.name, file.size, 0, detail);
                let numbers = (first, h.continues_from);
                self.damages.add(damage.with(Fate::PossiblyLost, &[numbers]));
                self.expected = h.continues_from;
            }
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
        let mut tail_of_copies = false;
        while let Some(piece) = scanner.next().map_err(&failed)? {
            match piece {
                Piece::Region { offset, length } => region = Some((offset, length)),
                Piece::BadBody(found) => {
                    let behind_region = region.is_some();
                    if behind_region {
                        self.jump(file, h, &found, region.take());
                    }
                    self.bad_body(file, &found, behind_region);
                }
                Piece::Frame(found) => {
                    let body = scanner.body(&found).map_err(&failed)?;
                    self.jump(file, h, &found, region.take());
                    self.frame(file, &found, body, dead);
                }
                Piece::Tail { offset } => {
                    good = offset;
                    self.tail(file, h, &scanner, offset);
                    tail_of_copies =
                        scanner.among_copies() && h.continues_from == h.first_sequence;
                }
            }
        }
        self.count_copies(file, h, scanner.expected());
        let local = scanner.expected().max(h.first_sequence);
        // A tail that may have held the last copies begins with them.
        let reached = if tail_of_copies { scanner.expected() } else { local };
        self.expected = self.expected.max(reached);
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
        slot: survey.slots.newest.clone(),
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
                scan.add_unreadable(file, from);
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
    let mut reached = scan.continues;
    for u in std::mem::take(&mut scan.unexplained) {
        let first = u.start.max(reached);
        scan.tell(&u, Fate::PossiblyLost, (first, u.end().max(first)));
        reached = reached.max(u.end());
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
