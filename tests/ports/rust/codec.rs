//! bincode legacy, written and read by hand (section 3).
//! Promise: what is decoded encodes to the same bytes; nothing is allocated before its length was
//! compared with what is there; every error names its byte.

use crate::errors::{DecodeKind, DecodeKind::*, Result, WalError};
use crate::events::Event;
use crate::mistakes::mistake;
use crate::timestamps;

pub const EVENT_BYTES_MAX: usize = (1 << 20) - 4096;

pub fn encode_timestamp(out: &mut Vec<u8>, ns: u128) {
    put_text(out, &timestamps::format(ns));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_optional_text(out: &mut Vec<u8>, text: &Option<String>) {
    match text {
        None => out.push(0),
        Some(t) => {
            out.push(1);
            put_text(out, t);
        }
    }
}

fn put_time(out: &mut Vec<u8>, ns: u128) {
    out.extend_from_slice(&((ns / timestamps::NANOS) as u64).to_le_bytes());
    out.extend_from_slice(&((ns % timestamps::NANOS) as u32).to_le_bytes());
}

pub fn encode_event(e: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&e.event_type.to_le_bytes());
    out.extend_from_slice(&e.pid.to_le_bytes());
    match e.ppid {
        None => out.push(0),
        Some(p) => {
            out.push(1);
            out.extend_from_slice(&p.to_le_bytes());
        }
    }
    put_text(&mut out, &e.name);
    put_optional_text(&mut out, &e.executable_path);
    out.extend_from_slice(&(e.command_line.len() as u64).to_le_bytes());
    for argument in &e.command_line {
        put_text(&mut out, argument);
    }
    match e.start_time {
        None => out.push(0),
        Some(t) => {
            out.push(1);
            put_time(&mut out, t);
        }
    }
    match e.cpu_usage {
        None => out.push(0),
        Some(c) => {
            out.push(1);
            out.extend_from_slice(&c.to_bits().to_le_bytes());
        }
    }
    match e.memory_usage {
        None => out.push(0),
        Some(m) => {
            out.push(1);
            out.extend_from_slice(&m.to_le_bytes());
        }
    }
    put_optional_text(&mut out, &e.executable_hash);
    put_optional_text(&mut out, &e.hash_algorithm);
    put_optional_text(&mut out, &e.user_id);
    out.push(e.accessible as u8);
    out.push(e.file_exists as u8);
    put_time(&mut out, e.timestamp);
    put_optional_text(&mut out, &e.platform_metadata);
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn fail<T>(kind: DecodeKind, offset: usize) -> Result<T> {
    Err(WalError::decode(kind, offset))
}

impl<'a> Reader<'a> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        if n > self.remaining() {
            return fail(EndOfBytes, self.bytes.len());
        }
        let part = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(part)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u64(&mut self) -> Result<u64> {
        let mut b = [0u8; 8];
        b.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(b))
    }

    /// 00 or 01: an Option's tag or a bool.
    fn flag(&mut self) -> Result<bool> {
        let at = self.at;
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => fail(InvalidTag, at),
        }
    }

    fn text(&mut self) -> Result<&'a str> {
        let at = self.at;
        let length = self.u64()?;
        if length > self.remaining() as u64 {
            return fail(LengthOutOfRange, at);
        }
        let start = self.at;
        let bytes = self.take(length as usize)?;
        std::str::from_utf8(bytes)
            .map_err(|e| WalError::decode(InvalidText, start + e.valid_up_to()))
    }

    fn optional_text(&mut self) -> Result<Option<String>> {
        Ok(if self.flag()? { Some(self.text()?.to_string()) } else { None })
    }

    fn timestamp(&mut self) -> Result<u128> {
        let at = self.at;
        let length = self.u64()?;
        if length > self.remaining() as u64 || !(20..=30).contains(&length) {
            return fail(LengthOutOfRange, at);
        }
        self.at = at;
        let text = self.text()?;
        timestamps::parse(text).ok_or(WalError::decode(InvalidText, at + 8))
    }

    fn time(&mut self) -> Result<u128> {
        let at = self.at;
        let seconds = self.u64()?;
        if seconds >= timestamps::SECONDS_END {
            return fail(NumberOutOfRange, at);
        }
        let nanoseconds = self.u32()?;
        if nanoseconds as u128 >= timestamps::NANOS {
            return fail(NumberOutOfRange, at + 8);
        }
        Ok(seconds as u128 * timestamps::NANOS + nanoseconds as u128)
    }

    fn event(&mut self) -> Result<Event> {
        let at = self.at;
        let event_type = self.u32()?;
        if event_type > 2 {
            return fail(InvalidTag, at);
        }
        let pid = self.u32()?;
        let ppid = if self.flag()? { Some(self.u32()?) } else { None };
        let name = self.text()?.to_string();
        let executable_path = self.optional_text()?;
        let at = self.at;
        let count = self.u64()?;
        if count > self.remaining() as u64 / 8 && !mistake("count-allocated-first") {
            return fail(LengthOutOfRange, at);
        }
        let mut command_line = Vec::new();
        if mistake("count-allocated-first") {
            command_line.reserve(count as usize);
        }
        for _ in 0..count {
            command_line.push(self.text()?.to_string());
        }
        let start_time = if self.flag()? { Some(self.time()?) } else { None };
        let cpu_usage = if self.flag()? {
            let at = self.at;
            let value = f64::from_bits(self.u64()?);
            if !value.is_finite() {
                return fail(NumberOutOfRange, at);
            }
            Some(value)
        } else {
            None
        };
        let memory_usage = if self.flag()? { Some(self.u64()?) } else { None };
        let hash_at = self.at;
        let executable_hash = self.optional_text()?;
        let hash_algorithm = self.optional_text()?;
        if executable_hash.is_some() != hash_algorithm.is_some() && !mistake("hash-without-algorithm") {
            return fail(InvalidTag, hash_at);
        }
        Ok(Event {
            event_type,
            pid,
            ppid,
            name,
            executable_path,
            command_line,
            start_time,
            cpu_usage,
            memory_usage,
            executable_hash,
            hash_algorithm,
            user_id: self.optional_text()?,
            accessible: self.flag()?,
            file_exists: self.flag()?,
            timestamp: self.time()?,
            platform_metadata: self.optional_text()?,
        })
    }
}

pub fn decode_event(bytes: &[u8]) -> Result<Event> {
    let mut r = Reader { bytes, at: 0 };
    let event = r.event()?;
    if r.remaining() != 0 {
        return fail(TrailingBytes, r.at);
    }
    Ok(event)
}

pub fn decode_timestamp(bytes: &[u8]) -> Result<u128> {
    let mut r = Reader { bytes, at: 0 };
    let ns = r.timestamp()?;
    if r.remaining() != 0 {
        return fail(TrailingBytes, r.at);
    }
    Ok(ns)
}

/// The entry in a frame's body (FMT-5.1): its time, its event, and where the event's bytes stand.
pub struct Entry {
    pub timestamp: u128,
    pub event: Event,
    pub event_at: usize,
}

pub fn decode_body(body: &[u8], sequence: u64) -> Result<Entry> {
    let mut r = Reader { bytes: body, at: 0 };
    if r.u64()? != sequence {
        return fail(NumberOutOfRange, 0);
    }
    let timestamp = r.timestamp()?;
    let event_at = r.at;
    let event = r.event()?;
    if r.remaining() > 4 {
        return fail(TrailingBytes, r.at);
    }
    if r.remaining() < 4 {
        return fail(EndOfBytes, body.len());
    }
    Ok(Entry { timestamp, event, event_at })
}
