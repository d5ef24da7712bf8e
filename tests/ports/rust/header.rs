//! The header of a segment (FMT-4.1 to FMT-4.6).
//! Promise: the CRC is looked at before any field, and a header that is accepted keeps all bounds.

use crate::crc::crc32;
use crate::mistakes::mistake;

pub const BLOCK: u64 = 8192;
pub const COPY_AT: [u64; 2] = [0, 4096];
pub const HEADER_BYTES: usize = 128;
pub const FILE_NUMBER_MAX: u32 = u32::MAX - (1 << 16);
pub const SEQUENCE_MAX: u64 = u64::MAX - (1 << 16);
const MAGIC: [u8; 8] = [0x89, 0x50, 0x4D, 0x57, 0x0D, 0x0A, 0x1A, 0x0A];

pub type LogId = [u8; 16];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub file_number: u32,
    pub log_id: LogId,
    pub previous_log_id: LogId,
    pub salt: [u8; 8],
    pub relocated_from: u64,
    pub continues_from: u64,
    pub first_sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Short,
    Crc,
    Magic,
    Fields,
    Unsupported { major: u16, flags: u32 },
}

pub fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

pub fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

pub fn u64_at(b: &[u8], at: usize) -> u64 {
    let mut n = [0u8; 8];
    n.copy_from_slice(&b[at..at + 8]);
    u64::from_le_bytes(n)
}

pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from_digit((b >> 4) as u32, 16).unwrap_or('0'));
        out.push(char::from_digit((b & 15) as u32, 16).unwrap_or('0'));
    }
    out
}

pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    digits.chunks(2).map(|p| Some(value(p[0])? << 4 | value(p[1])?)).collect()
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0u8; HEADER_BYTES];
        b[0..8].copy_from_slice(&MAGIC);
        b[8..10].copy_from_slice(&1u16.to_le_bytes());
        b[16..20].copy_from_slice(&self.file_number.to_le_bytes());
        b[20..36].copy_from_slice(&self.log_id);
        b[36..52].copy_from_slice(&self.previous_log_id);
        b[52..60].copy_from_slice(&self.salt);
        b[60..68].copy_from_slice(&self.relocated_from.to_le_bytes());
        b[68..76].copy_from_slice(&self.continues_from.to_le_bytes());
        b[76..84].copy_from_slice(&self.first_sequence.to_le_bytes());
        let crc = crc32(&b[..124], 0);
        b[124..].copy_from_slice(&crc.to_le_bytes());
        b
    }

    /// The whole block: the header twice.
    pub fn block(&self) -> Vec<u8> {
        let header = self.encode();
        let mut block = vec![0u8; BLOCK as usize];
        block[..HEADER_BYTES].copy_from_slice(&header);
        if !mistake("no-second-header-copy") {
            block[4096..4096 + HEADER_BYTES].copy_from_slice(&header);
        }
        block
    }

    /// One copy; length, CRC, magic, version and flags, fields, in this order (FMT-4.3).
    pub fn decode(b: &[u8]) -> Result<Header, Fault> {
        if b.len() < HEADER_BYTES {
            return Err(Fault::Short);
        }
        let b = &b[..HEADER_BYTES];
        if crc32(&b[..124], 0) != u32_at(b, 124) && !mistake("header-crc-unchecked") {
            return Err(Fault::Crc);
        }
        if b[..8] != MAGIC {
            return Err(Fault::Magic);
        }
        let (major, flags) = (u16_at(b, 8), u32_at(b, 12));
        if major != 1 || flags != 0 {
            return Err(Fault::Unsupported { major, flags });
        }
        let mut header = Header {
            file_number: u32_at(b, 16),
            log_id: [0; 16],
            previous_log_id: [0; 16],
            salt: [0; 8],
            relocated_from: u64_at(b, 60),
            continues_from: u64_at(b, 68),
            first_sequence: u64_at(b, 76),
        };
        header.log_id.copy_from_slice(&b[20..36]);
        header.previous_log_id.copy_from_slice(&b[36..52]);
        header.salt.copy_from_slice(&b[52..60]);
        let sound = (1..=FILE_NUMBER_MAX).contains(&header.file_number)
            && header.log_id != [0; 16]
            && 1 <= header.relocated_from
            && header.relocated_from <= header.continues_from
            && header.continues_from <= header.first_sequence
            && header.first_sequence <= SEQUENCE_MAX;
        if sound {
            Ok(header)
        } else {
            Err(Fault::Fields)
        }
    }

    /// FMT-5.2.
    pub fn sync_word(&self) -> [u8; 4] {
        sync_word(&self.salt)
    }
}

pub fn sync_word(salt: &[u8; 8]) -> [u8; 4] {
    if salt[..4] == [0; 4] {
        return [0xFF; 4];
    }
    [salt[0], salt[1], salt[2], salt[3]]
}
