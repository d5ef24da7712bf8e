//! The log: opening (what recovery decided is done here), state, closing.
//! Promise: a crash after any call leaves a directory that recovers to the same entries (REC-9.2),
//! and burned numbers are durable before a number is handed out (REC-6.2).

use crate::acknowledgement::{AckFile, Place, Slot};
use crate::config::Config;
use crate::dead_letters::DeadLetters;
use crate::disk::{DirectoryProblem, Disk};
use crate::errors::{Result, WalError};
use crate::frame::FrameKey;
use crate::header::LogId;
use crate::intervals::IntervalSet;
use crate::mistakes::mistake;
use crate::names;
use crate::quarantine::{move_aside, Quarantine};
use crate::recovery::{scan, Scan, Segment};
use crate::report::Report;
use crate::survey::{survey, Survey};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

/// The file that is appended to; its length is that of the last segment.
pub struct Active {
    pub file: File,
    pub key: FrameKey,
}

pub struct Log {
    pub disk: Disk,
    _lock: File,
    pub config: Config,
    pub log_id: LogId,
    pub previous_log_id: LogId,
    /// Oldest first; the last is the newest, appended to or not.
    pub segments: Vec<Segment>,
    pub active: Option<Active>,
    /// The next number by the frames; from here to `next` numbers are burned.
    pub continues: u64,
    pub next: u64,
    pub watermark: u64,
    /// Numbers above the watermark that need no delivery, or never were an entry.
    pub settled: IntervalSet,
    pub ack: AckFile,
    pub acks_unsaved: u64,
    pub ack_saved_at: Instant,
    pub letters: DeadLetters,
    pub quarantine_bytes: u64,
    pub next_file_number: u64,
    pub taken: std::collections::BTreeSet<u64>,
    /// Files whose entries stand in the newest one as well; they go once the slots are durable.
    pub copied: Vec<String>,
    /// Recovery could not copy the newest file: the next append tries again.
    pub to_relocate: bool,
    /// The slots' watermark at open, which bounds `relocated_from`.
    pub acknowledged_at_open: u64,
    pub hidden_from: Option<u64>,
    pub failed: Option<String>,
    pub report: Report,
    /// Only for a mistake: what was promised and not written.
    pub held: Vec<(u64, Vec<u8>)>,
}

impl Log {
    pub fn open(path: &Path, config: Config) -> Result<Log> {
        let disk = Disk::open(path).map_err(|p| match p {
            DirectoryProblem::Unsafe(text) => WalError::UnsafeDirectory(text),
            DirectoryProblem::Disk(e) => WalError::DiskUnreadable(e.to_string()),
        })?;
        let lock = disk
            .lock(names::LOCK)
            .map_err(|e| WalError::DiskUnreadable(format!("{}: {}", names::LOCK, e)))?
            .ok_or_else(|| WalError::Locked("another process holds the log".into()))?;
        let mut report = Report::default();
        let survey = survey(&disk, &mut report)?;
        let (log_id, previous_log_id) = match survey.identity {
            Some(pair) => pair,
            None => {
                let mut id = [0u8; 16];
                let drawn = config.random(&mut id, survey.next_file_number << 1 | 1);
                drawn.map_err(|e| WalError::DiskUnreadable(format!("no random bytes: {}", e)))?;
                id[15] |= 1;
                (id, [0; 16])
            }
        };
        report.log_id = log_id;
        report.previous_log_id = previous_log_id;
        let mut letters = DeadLetters::new(survey.dead_bytes);
        let scan = scan(&disk, &survey, &log_id, &mut letters, &mut report)?;
        let generation = survey.slots.generation;
        let last = survey.slots.newest.clone().unwrap_or_default();
        let mut log = Log {
            disk,
            _lock: lock,
            log_id,
            previous_log_id,
            segments: scan.segments.clone(),
            active: None,
            continues: scan.continues,
            next: scan.next,
            watermark: scan.acknowledged,
            settled: IntervalSet::new(),
            ack: AckFile::new(survey.slots.place, Slot { generation, ..last }),
            acks_unsaved: 0,
            ack_saved_at: Instant::now(),
            letters,
            quarantine_bytes: 0,
            next_file_number: survey.next_file_number,
            taken: survey.taken.clone(),
            copied: Vec::new(),
            to_relocate: false,
            acknowledged_at_open: scan.acknowledged,
            hidden_from: None,
            failed: None,
            report,
            held: Vec::new(),
            config,
        };
        log.settle_holes(&scan);
        log.report.acknowledged_through = log.watermark;
        log.apply(&survey, &scan);
        Ok(log)
    }

    /// Whatever is no unsettled entry is settled.
    fn settle_holes(&mut self, scan: &Scan) {
        let mut unsettled = IntervalSet::new();
        for (a, b) in scan.seen.iter() {
            for (a, b) in scan.dead.missing_in(a, b) {
                unsettled.add(a, b);
            }
        }
        let from = self.watermark + 1;
        for (a, b) in unsettled.missing_in(from, self.next) {
            self.settled.add(a, b);
        }
        self.advance();
    }

    /// What is changed on the disk, in an order that a crash may cut anywhere.
    fn apply(&mut self, survey: &Survey, scan: &Scan) {
        let config = &self.config;
        let mut quarantine = Quarantine::new(
            survey.quarantine.clone(),
            config.quarantine_files_max,
            config.quarantine_bytes_max,
        );
        for stretch in &scan.stretches {
            quarantine.keep(&self.disk, stretch);
        }
        quarantine.finish(&self.disk);
        self.quarantine_bytes = quarantine.bytes();
        self.report.quarantined = quarantine.names;
        self.report.not_kept = quarantine.not_kept + scan.stretches_dropped;
        let mut renamed = false;
        for name in &survey.leftovers {
            match self.disk.unlink(name) {
                Ok(()) => renamed = true,
                Err(e) => eprintln!("warning: {} was not removed: {}", name, e),
            }
            self.report.removed.push(name.clone());
        }
        if let Err(e) = self.make_appendable() {
            self.report.degraded = format!("no file can be appended to: {}", e);
            eprintln!("warning: {}", self.report.degraded);
        }
        let saved = self.save_after_recovery(survey);
        if saved {
            self.remove_copied();
        }
        // Only now: until the new header or the floor, an unreadable file is the witness of its
        // numbers. A foreign one is no witness of anything.
        let burned = saved || self.report.degraded.is_empty();
        let unreadable = survey.files.iter().filter(|f| f.header.is_none() && burned);
        let aside = unreadable.map(|f| (f, "unreadable"));
        for (file, suffix) in aside.chain(survey.foreign.iter().map(|f| (f, "foreign"))) {
            match move_aside(&self.disk, &file.name, suffix) {
                Ok(name) => {
                    self.report.quarantined.push(name);
                    renamed = true;
                }
                Err(e) => eprintln!("warning: {} was not moved aside: {}", file.name, e),
            }
        }
        if renamed {
            if let Err(e) = self.disk.sync_directory() {
                eprintln!("warning: the directory was not synced: {}", e);
            }
        }
        self.retire();
    }

    fn make_appendable(&mut self) -> io::Result<()> {
        let newest = match self.segments.last() {
            None => return self.create_segment(),
            Some(n) => n.clone(),
        };
        if self.report.clean_shutdown
            || mistake("recovery-appends-to-unclean-file")
            || mistake("recovery-truncates-in-place")
        {
            let file = self.disk.open_write(&newest.name)?;
            if mistake("recovery-truncates-in-place") {
                file.set_len(newest.good)?;
                if let Some(s) = self.segments.last_mut() {
                    s.length = newest.good;
                }
            }
            let key = FrameKey::new(&newest.header.salt, newest.header.file_number);
            self.active = Some(Active { file, key });
            return Ok(());
        }
        self.to_relocate = true;
        self.relocate()
    }

    /// Recovery writes the clean mark too, or the floor if no file could be made (REC-9.3).
    fn save_after_recovery(&mut self, survey: &Survey) -> bool {
        let degraded = self.active.is_none();
        let mut slot = self.slot();
        if let (Some(newest), false) = (self.segments.last(), degraded) {
            slot.clean_file = newest.header.file_number;
            slot.clean_length = newest.length;
        }
        // What was read may be in the page cache alone: a floor that has to hold is written again.
        let is_relied_on = degraded && self.to_relocate;
        let same = survey.slots.both
            && !is_relied_on
            && Slot { generation: self.ack.last.generation, ..slot.clone() } == self.ack.last;
        if !same {
            let saved = self.ack.write(&self.disk, slot);
            if let Err(e) = &saved {
                eprintln!("warning: the acknowledgement file was not written: {}", e);
            }
            if degraded && saved.is_err() && self.to_relocate {
                let open = self.open_at_the_end();
                self.hidden_from = open.iter().map(|s| s.header.relocated_from).min();
            }
            return saved.is_ok();
        }
        true
    }

    /// The slot as it should be now, without a clean mark.
    pub fn slot(&self) -> Slot {
        Slot {
            generation: 0,
            log_id: self.log_id,
            acknowledged_through: self.watermark,
            next_sequence: self.next,
            clean_file: 0,
            clean_length: 0,
        }
    }

    pub fn used_bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|s| s.length).sum();
        segments + self.letters.size + self.quarantine_bytes
    }

    /// Syncs what is left and says whether the next open may append to the newest file.
    pub fn close(mut self) -> (bool, String) {
        if mistake("returned-before-it-is-written") {
            let _ = self.write_held();
        }
        let mut slot = self.slot();
        let mut reason = String::new();
        if let Some(f) = &self.failed {
            reason = format!("the log had failed: {}", f);
        } else if self.to_relocate || self.active.is_none() {
            reason = "no file can be appended to".to_string();
        } else if let Some(newest) = self.segments.last() {
            slot.clean_file = newest.header.file_number;
            slot.clean_length = newest.length;
        }
        let same = self.ack.place == Place::Good
            && Slot { generation: self.ack.last.generation, ..slot.clone() } == self.ack.last;
        if !same && !mistake("watermark-forgotten-at-close") {
            if let Err(e) = self.ack.write(&self.disk, slot) {
                reason = format!("the acknowledgement file was not written: {}", e);
            } else {
                self.retire();
            }
        }
        (reason.is_empty(), reason)
    }
}
