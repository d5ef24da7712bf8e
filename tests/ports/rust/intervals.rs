//! A set of numbers as disjoint half-open intervals.
//! Promise: memory is one entry per interval, whatever their length.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct IntervalSet {
    /// start -> end (exclusive); never touching each other.
    map: BTreeMap<u64, u64>,
}

impl IntervalSet {
    pub fn new() -> IntervalSet {
        IntervalSet::default()
    }

    pub fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        if let Some((&s, &e)) = self.map.range(..=start).next_back() {
            if e >= start {
                if e >= end {
                    return;
                }
                start = s;
                self.map.remove(&s);
            }
        }
        while let Some((&s, &e)) = self.map.range(start..=end).next() {
            end = end.max(e);
            self.map.remove(&s);
        }
        self.map.insert(start, end);
    }

    pub fn contains(&self, n: u64) -> bool {
        self.map.range(..=n).next_back().is_some_and(|(_, &e)| n < e)
    }

    /// The lowest number >= n that is not in the set.
    pub fn first_missing_from(&self, n: u64) -> u64 {
        match self.map.range(..=n).next_back() {
            Some((_, &e)) if n < e => e,
            _ => n,
        }
    }

    /// The parts of [start, end) that are not in the set.
    pub fn missing_in(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut at = start;
        while at < end {
            let from = self.first_missing_from(at);
            if from >= end {
                break;
            }
            let to = self.map.range(from..).next().map_or(end, |(&s, _)| s.min(end));
            gaps.push((from, to));
            at = to;
        }
        gaps
    }

    pub fn remove_below(&mut self, n: u64) {
        while let Some((&s, &e)) = self.map.iter().next() {
            if s >= n {
                return;
            }
            self.map.remove(&s);
            if e > n {
                self.map.insert(n, e);
                return;
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.map.iter().map(|(&s, &e)| (s, e))
    }

    /// How many numbers there are in [start, end).
    pub fn count_in(&self, start: u64, end: u64) -> u64 {
        let mut count = end.saturating_sub(start);
        for (a, b) in self.missing_in(start, end) {
            count -= b - a;
        }
        count
    }
}
