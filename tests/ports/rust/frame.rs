//! Frames: a 20-byte header and a body, tied to salt, file number and offset (section 5).
//! Promise: bytes moved to another offset or file never verify, and zeros never do.

use crate::crc::crc32;
use crate::header::{sync_word, u32_at, u64_at, SEQUENCE_MAX};
use crate::mistakes::mistake;

pub const FRAME_HEADER: usize = 20;
pub const BODY_MIN: u32 = 87;
pub const BODY_MAX: u32 = 1 << 20;
/// The smallest frame, by which unknown stretches are counted.
pub const FRAME_MIN: u64 = 107;

/// What ties the frames of one file to it.
#[derive(Clone, Debug)]
pub struct FrameKey {
    pub sync_word: [u8; 4],
    /// CRC over salt and file number, which all frames of the file continue.
    prefix: u32,
}

/// A frame header that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    pub body_bytes: u32,
    pub sequence: u64,
    pub crc: u32,
}

impl FrameHeader {
    pub fn frame_bytes(&self) -> u64 {
        FRAME_HEADER as u64 + self.body_bytes as u64
    }
}

impl FrameKey {
    pub fn new(salt: &[u8; 8], file_number: u32) -> FrameKey {
        let prefix = crc32(&file_number.to_le_bytes(), crc32(salt, 0));
        FrameKey { sync_word: sync_word(salt), prefix }
    }

    /// FMT-5.3.
    fn header_crc(&self, offset: u64, first16: &[u8]) -> u32 {
        if mistake("offset-not-in-crc") {
            return crc32(first16, self.prefix);
        }
        if mistake("crc-without-header") {
            return crc32(&first16[..4], crc32(&offset.to_le_bytes(), self.prefix));
        }
        crc32(first16, crc32(&offset.to_le_bytes(), self.prefix))
    }

    /// The header at `offset`, if it verifies (FMT-5.4).
    pub fn verify_header(&self, offset: u64, bytes: &[u8]) -> Option<FrameHeader> {
        if bytes.len() < FRAME_HEADER || bytes[..4] != self.sync_word {
            return None;
        }
        let crc = u32_at(bytes, 16);
        if self.header_crc(offset, &bytes[..16]) != crc && !mistake("frame-crc-unchecked") {
            return None;
        }
        let (body_bytes, sequence) = (u32_at(bytes, 4), u64_at(bytes, 8));
        if !(BODY_MIN..=BODY_MAX).contains(&body_bytes) && !mistake("length-trusted") {
            return None;
        }
        if sequence < 1 || sequence > SEQUENCE_MAX {
            return None;
        }
        Some(FrameHeader { body_bytes, sequence, crc })
    }

    pub fn verify_body(&self, header: &FrameHeader, body: &[u8]) -> bool {
        if mistake("body-crc-unchecked") || mistake("frame-crc-unchecked") {
            return true;
        }
        let end = body.len() - 4;
        crc32(&body[..end], header.crc) == u32_at(body, end)
    }

    /// `payload` is timestamp and event as encoded.
    pub fn append_frame(&self, out: &mut Vec<u8>, offset: u64, sequence: u64, payload: &[u8]) {
        let start = out.len();
        out.extend_from_slice(&self.sync_word);
        out.extend_from_slice(&((payload.len() + 12) as u32).to_le_bytes());
        out.extend_from_slice(&sequence.to_le_bytes());
        let crc = self.header_crc(offset, &out[start..start + 16]);
        out.extend_from_slice(&crc.to_le_bytes());
        let body_at = out.len();
        out.extend_from_slice(&sequence.to_le_bytes());
        out.extend_from_slice(payload);
        let body_crc = crc32(&out[body_at..], crc);
        out.extend_from_slice(&body_crc.to_le_bytes());
    }
}

pub fn frame_bytes(payload: usize) -> u64 {
    (FRAME_HEADER + 12 + payload) as u64
}
