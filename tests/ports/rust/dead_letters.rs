//! The dead-letter file: lines of text with a CRC (DLQ-1.1, DLQ-1.2).
//! Promise: when `append` returns, the line is durable; a torn line costs only itself.

use crate::crc::crc32;
use crate::disk::{write_all_at, Disk};
use crate::header::{hex, LogId};
use crate::json::{parse, Value};
use crate::mistakes::mistake;
use crate::names::DEAD;
use std::fs::File;
use std::io;

#[derive(Default)]
pub struct DeadLetters {
    file: Option<File>,
    pub size: u64,
    /// The directory may not have the name yet.
    name_unsynced: bool,
    /// The file was there: what is read of its end may not be durable (DLQ-1.2).
    newline_first: bool,
}

pub struct Letter {
    pub sequence: u64,
}

fn line(log_id: &LogId, sequence: u64, reason: &str, payload: &[u8]) -> String {
    let reason: String = reason.chars().take(1000).collect();
    let text = Value::object(vec![
        ("log_id", Value::Text(hex(log_id))),
        ("sequence", Value::big(sequence)),
        ("reason", Value::Text(reason)),
        ("payload", Value::Text(hex(payload))),
    ])
    .print();
    format!("{:08x} {}\n", crc32(text.as_bytes(), 0), text)
}

impl DeadLetters {
    pub fn new(size: u64) -> DeadLetters {
        DeadLetters { size, ..DeadLetters::default() }
    }

    pub fn append(
        &mut self,
        disk: &Disk,
        log_id: &LogId,
        sequence: u64,
        reason: &str,
        payload: &[u8],
    ) -> io::Result<()> {
        let result = self.try_append(disk, line(log_id, sequence, reason, payload));
        if result.is_err() {
            // Never trusted again: opened anew, and the line is written anew.
            self.file = None;
        }
        result
    }

    fn try_append(&mut self, disk: &Disk, line: String) -> io::Result<()> {
        if self.file.is_none() {
            let (file, is_new) = match disk.open_write(DEAD) {
                Ok(f) => (f, false),
                Err(e) if e.kind() == io::ErrorKind::NotFound => (disk.create(DEAD)?, true),
                Err(e) => return Err(e),
            };
            // Also of a file that is there: who made it may have died before the directory's sync.
            self.name_unsynced = true;
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Err(io::Error::other("procmond.dead is no regular file"));
            }
            self.size = meta.len();
            self.newline_first = !is_new;
            self.file = Some(file);
        }
        let text = if self.newline_first { format!("\n{}", line) } else { line };
        if let Some(file) = &self.file {
            write_all_at(file, text.as_bytes(), self.size)?;
            if !mistake("dead-letter-not-synced") {
                file.sync_data()?;
            }
            self.size += text.len() as u64;
            self.newline_first = false;
        }
        if self.name_unsynced {
            disk.sync_directory()?;
            self.name_unsynced = false;
        }
        Ok(())
    }
}

fn read_line(line: &[u8]) -> Option<Letter> {
    let text = std::str::from_utf8(line).ok()?;
    let (crc, json) = text.split_once(' ')?;
    if crc != format!("{:08x}", crc32(json.as_bytes(), 0)) {
        return None;
    }
    let value = parse(json).ok()?;
    Some(Letter {
        sequence: value.get("sequence")?.as_u64()?,
    })
}

/// The sound lines, in the order of the file.
pub fn read(disk: &Disk) -> io::Result<Vec<Letter>> {
    let file = match disk.open_read(DEAD) {
        Ok(f) => f,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    if !file.metadata()?.is_file() {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut &file, &mut bytes)?;
    Ok(bytes.split(|b| *b == b'\n').filter_map(read_line).collect())
}
