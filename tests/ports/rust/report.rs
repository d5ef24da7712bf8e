//! The RecoveryReport and its published form (section 10).
//! Promise: sums cover all damages, also those that are not listed; memory does not grow with them.

use crate::header::{hex, LogId};
use crate::intervals::IntervalSet;
use crate::json::Value;
use crate::scanner::Numbers;

pub const LISTED_MAX: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Lost,
    PossiblyLost,
    DeadLettered,
    None,
}

impl Fate {
    pub fn name(self) -> &'static str {
        match self {
            Fate::Lost => "lost",
            Fate::PossiblyLost => "possibly-lost",
            Fate::DeadLettered => "dead-lettered",
            Fate::None => "none",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Damage {
    pub kind: &'static str,
    pub file: String,
    pub offset: u64,
    pub length: u64,
    pub fate: Fate,
    pub numbers: Vec<Numbers>,
    pub detail: String,
}

impl Damage {
    pub fn new(kind: &'static str, file: &str, offset: u64, length: u64, detail: &str) -> Damage {
        Damage {
            kind,
            file: file.to_string(),
            offset,
            length,
            fate: Fate::None,
            numbers: Vec::new(),
            detail: detail.to_string(),
        }
    }

    pub fn with(mut self, fate: Fate, numbers: &[Numbers]) -> Damage {
        self.numbers = numbers.iter().copied().filter(|(a, b)| a < b).collect();
        self.fate = fate;
        self
    }

    fn count(&self) -> u64 {
        self.numbers.iter().map(|(a, b)| b - a).sum()
    }

    fn to_value(&self) -> Value {
        let first = self.numbers.iter().map(|n| n.0).min();
        Value::object(vec![
            ("kind", Value::text(self.kind)),
            ("file", Value::text(&self.file)),
            ("offset", Value::number(self.offset)),
            ("length_bytes", Value::number(self.length)),
            ("fate", Value::text(self.fate.name())),
            ("first_sequence", first.map_or(Value::Null, Value::big)),
            ("sequence_count", Value::big(self.count())),
            ("detail", Value::text(&self.detail)),
        ])
    }
}

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub log_id: LogId,
    pub previous_log_id: LogId,
    pub clean_shutdown: bool,
    pub segments: u64,
    pub entries: u64,
    pub acknowledged_through: u64,
    pub next_sequence: u64,
    pub lost: u64,
    pub possibly_lost: u64,
    pub dead_lettered: u64,
    pub damages: Vec<Damage>,
    pub damages_not_listed: u64,
    pub ignored: Vec<String>,
    pub removed: Vec<String>,
    pub quarantined: Vec<String>,
    pub not_kept: u64,
    pub degraded: String,
}

impl Report {
    pub fn add(&mut self, damage: Damage) {
        match damage.fate {
            Fate::Lost => self.lost += damage.count(),
            Fate::PossiblyLost => self.possibly_lost += damage.count(),
            Fate::DeadLettered => self.dead_lettered += damage.count(),
            Fate::None => {}
        }
        // One warning for each (REP-1.1).
        eprintln!(
            "warning: {} {} at {}, {} bytes, {} {:?}: {}",
            damage.kind, damage.file, damage.offset, damage.length, damage.fate.name(),
            damage.numbers, damage.detail
        );
        if self.damages.len() < LISTED_MAX {
            self.damages.push(damage);
        } else {
            self.damages_not_listed += 1;
        }
    }

    pub fn to_value(&self) -> Value {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names.dedup();
            Value::texts(&names)
        };
        let id = |id: &LogId| {
            if *id == [0; 16] { Value::text("") } else { Value::Text(hex(id)) }
        };
        Value::object(vec![
            ("log_id", id(&self.log_id)),
            ("previous_log_id", id(&self.previous_log_id)),
            ("clean_shutdown", Value::Bool(self.clean_shutdown)),
            ("segments", Value::number(self.segments)),
            ("entries", Value::number(self.entries)),
            ("acknowledged_through", Value::big(self.acknowledged_through)),
            ("next_sequence", Value::big(self.next_sequence)),
            ("lost", Value::big(self.lost)),
            ("possibly_lost", Value::big(self.possibly_lost)),
            ("dead_lettered", Value::big(self.dead_lettered)),
            ("damages", Value::List(self.damages.iter().map(Damage::to_value).collect())),
            ("damages_not_listed", Value::number(self.damages_not_listed)),
            ("ignored", sorted(&self.ignored)),
            ("removed", sorted(&self.removed)),
            ("quarantined", sorted(&self.quarantined)),
            ("not_kept", Value::number(self.not_kept)),
            ("degraded", Value::text(&self.degraded)),
            ("live", Value::Bool(false)),
        ])
    }
}

/// Damages while the scan still runs: a later file may hold a copy of what is lost here, so the
/// numbers are settled at the end.
#[derive(Default)]
pub struct Collected {
    first: Vec<Damage>,
    /// Behind the first thousand only numbers are kept.
    rest: Vec<(Fate, IntervalSet)>,
    rest_count: u64,
}

impl Collected {
    pub fn add(&mut self, damage: Damage) {
        if self.first.len() < LISTED_MAX {
            self.first.push(damage);
            return;
        }
        self.rest_count += 1;
        let index = match self.rest.iter().position(|(f, _)| *f == damage.fate) {
            Some(i) => i,
            None => {
                self.rest.push((damage.fate, IntervalSet::new()));
                self.rest.len() - 1
            }
        };
        for (a, b) in damage.numbers {
            self.rest[index].1.add(a, b);
        }
    }

    /// Leaves out what was acknowledged, found elsewhere or reported already.
    pub fn finish(self, report: &mut Report, acknowledged: u64, found: &IntervalSet) {
        let mut told = found.clone();
        let mut leave_out = |numbers: &[Numbers], dead: bool| -> Vec<Numbers> {
            if dead {
                return numbers.to_vec();
            }
            let mut left = Vec::new();
            for &(a, b) in numbers {
                left.extend(told.missing_in(a.max(acknowledged.saturating_add(1)), b));
                told.add(a, b);
            }
            left
        };
        for mut damage in self.first {
            damage.numbers = leave_out(&damage.numbers, damage.fate == Fate::DeadLettered);
            if damage.numbers.is_empty() {
                damage.fate = Fate::None;
                if matches!(damage.kind, "gap-between-files" | "missing-end") {
                    continue;
                }
            }
            report.add(damage);
        }
        for (fate, set) in self.rest {
            let numbers: Vec<Numbers> = set.iter().collect();
            let left = leave_out(&numbers, fate == Fate::DeadLettered);
            let count: u64 = left.iter().map(|(a, b)| b - a).sum();
            match fate {
                Fate::Lost => report.lost += count,
                Fate::PossiblyLost => report.possibly_lost += count,
                Fate::DeadLettered => report.dead_lettered += count,
                Fate::None => {}
            }
        }
        report.damages_not_listed += self.rest_count;
    }
}
