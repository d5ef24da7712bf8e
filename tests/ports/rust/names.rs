//! The names in the directory (FMT-3.1, FMT-3.2).
//! Promise: every name has one class; only canonical spellings are the log's own.

pub const ACK: &str = "procmond.ack";
pub const ACK_NEW: &str = "procmond.ack.new";
pub const LOCK: &str = "procmond.lock";
pub const DEAD: &str = "procmond.dead";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    Segment(u32),
    /// `<segment>.new`: an unfinished copy.
    Unfinished,
    /// `<segment>.salvaged|.unreadable|.foreign`, perhaps with a number behind.
    MovedAside,
    Quarantine,
    Own,
    Other,
}

pub fn segment_name(number: u32) -> String {
    format!("procmond-{:05}.wal", number)
}

fn decimal(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

pub fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("procmond-")?.strip_suffix(".wal")?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u32 = digits.parse().ok()?;
    (n >= 1 && segment_name(n) == name).then_some(n)
}

pub fn quarantine_name(file: &str, offset: u64, length: u64, crc: u32) -> String {
    format!("{}@{}+{}-{:08x}.quarantine", file, offset, length, crc)
}

fn is_quarantine(rest: &str) -> bool {
    let inner = match rest.strip_prefix('@').and_then(|r| r.strip_suffix(".quarantine")) {
        Some(i) => i,
        None => return false,
    };
    let (offset, more) = match inner.split_once('+') {
        Some(p) => p,
        None => return false,
    };
    let (length, crc) = match more.split_once('-') {
        Some(p) => p,
        None => return false,
    };
    decimal(offset).is_some()
        && decimal(length).is_some()
        && crc.len() == 8
        && crc.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

pub fn classify(name: &str) -> Class {
    if let Some(n) = segment_number(name) {
        return Class::Segment(n);
    }
    if matches!(name, ACK | ACK_NEW | LOCK | DEAD) {
        return Class::Own;
    }
    let cut = match name.find(".wal") {
        Some(i) => i + 4,
        None => return Class::Other,
    };
    let (segment, rest) = name.split_at(cut);
    if segment_number(segment).is_none() {
        return Class::Other;
    }
    if rest == ".new" {
        return Class::Unfinished;
    }
    for suffix in [".salvaged", ".unreadable", ".foreign"] {
        if let Some(more) = rest.strip_prefix(suffix) {
            let again = more.strip_prefix('.').and_then(decimal).is_some_and(|n| n >= 2);
            if more.is_empty() || again && suffix != ".salvaged" {
                return Class::MovedAside;
            }
        }
    }
    if is_quarantine(rest) {
        return Class::Quarantine;
    }
    Class::Other
}
