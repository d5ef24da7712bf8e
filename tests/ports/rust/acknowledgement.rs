//! The acknowledgement file: two slots, the newer usable one counts (section 8).
//! Promise: a write or sync that failed is never tried again on that file; it is made anew, and at
//! every moment one of the two files has the floor (ACK-4.1).

use crate::crc::crc32;
use crate::disk::{read_at, write_all_at, Disk};
use crate::header::{u16_at, u32_at, u64_at, LogId};
use crate::mistakes::mistake;
use crate::names::{ACK, ACK_NEW};
use std::fs::File;
use std::io;

const MAGIC: [u8; 8] = [0x89, 0x50, 0x4D, 0x41, 0x0D, 0x0A, 0x1A, 0x0A];
pub const SLOT_BYTES: usize = 128;
pub const NEXT_MAX: u64 = u64::MAX - (1 << 16) + 1;
pub const GENERATION_MAX: u64 = u64::MAX - (1 << 16);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    pub generation: u64,
    pub log_id: LogId,
    pub acknowledged_through: u64,
    pub next_sequence: u64,
    pub clean_file: u32,
    pub clean_length: u64,
}

impl Slot {
    pub fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut b = [0u8; SLOT_BYTES];
        b[0..8].copy_from_slice(&MAGIC);
        b[8..10].copy_from_slice(&1u16.to_le_bytes());
        b[16..24].copy_from_slice(&self.generation.to_le_bytes());
        b[24..40].copy_from_slice(&self.log_id);
        b[40..48].copy_from_slice(&self.acknowledged_through.to_le_bytes());
        b[48..56].copy_from_slice(&self.next_sequence.to_le_bytes());
        b[56..60].copy_from_slice(&self.clean_file.to_le_bytes());
        b[60..68].copy_from_slice(&self.clean_length.to_le_bytes());
        let crc = crc32(&b[..124], 0);
        b[124..].copy_from_slice(&crc.to_le_bytes());
        b
    }

    pub fn decode(b: &[u8]) -> Option<Slot> {
        if b.len() < SLOT_BYTES {
            return None;
        }
        if crc32(&b[..124], 0) != u32_at(b, 124) && !mistake("ack-without-crc") {
            return None;
        }
        if b[..8] != MAGIC || u16_at(b, 8) != 1 || u32_at(b, 12) != 0 {
            return None;
        }
        let mut slot = Slot {
            generation: u64_at(b, 16),
            log_id: [0; 16],
            acknowledged_through: u64_at(b, 40),
            next_sequence: u64_at(b, 48),
            clean_file: u32_at(b, 56),
            clean_length: u64_at(b, 60),
        };
        slot.log_id.copy_from_slice(&b[24..40]);
        let sound = slot.acknowledged_through < slot.next_sequence
            && slot.next_sequence <= NEXT_MAX
            && slot.generation <= GENERATION_MAX;
        (sound || mistake("ack-without-crc")).then_some(slot)
    }

    pub fn place(generation: u64) -> u64 {
        (generation % 2) * 4096
    }
}

/// The two slots of a file, by their place.
pub fn read_slots(disk: &Disk, name: &str) -> io::Result<[Option<Slot>; 2]> {
    let file = disk.open_read(name)?;
    let mut slots = [None, None];
    for (i, slot) in slots.iter_mut().enumerate() {
        let mut bytes = [0u8; SLOT_BYTES];
        let n = read_at(&file, &mut bytes, i as u64 * 4096)?;
        *slot = Slot::decode(&bytes[..n]);
    }
    Ok(slots)
}

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum Place {
    /// Both slots are good; written in place.
    Good,
    /// Missing, damaged or poisoned: made anew at the next write.
    Anew,
    /// Only the new file has the floor: the rename is still to be done.
    Unrenamed,
    /// Something irregular has the name.
    Never,
}

pub struct AckFile {
    pub place: Place,
    file: Option<File>,
    /// What was written last, or read.
    pub last: Slot,
    /// This process has synced `last`. What was read may be in the page cache alone (trap T3).
    pub is_durable: bool,
}

impl AckFile {
    pub fn new(place: Place, last: Slot) -> AckFile {
        AckFile { place, file: None, last, is_durable: false }
    }

    /// Makes `slot` durable; its generation is given here.
    pub fn write(&mut self, disk: &Disk, mut slot: Slot) -> io::Result<()> {
        if self.place == Place::Never {
            return Err(io::Error::other("something else has the name procmond.ack"));
        }
        if self.place == Place::Unrenamed {
            disk.rename(ACK_NEW, ACK)?;
            self.place = Place::Good;
            if let Err(e) = disk.sync_directory() {
                self.place = Place::Anew;
                return Err(e);
            }
        }
        slot.generation = self.last.generation.saturating_add(1);
        if self.place == Place::Good {
            match self.write_in_place(disk, &slot) {
                Ok(()) => {
                    self.last = slot;
                    self.is_durable = true;
                    return Ok(());
                }
                Err(_) => {
                    self.place = Place::Anew;
                    self.file = None;
                }
            }
        }
        self.make_anew(disk, slot)
    }

    fn write_in_place(&mut self, disk: &Disk, slot: &Slot) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(disk.open_write(ACK)?);
        }
        match &self.file {
            Some(file) => {
                let place = if mistake("one-ack-slot") { 0 } else { Slot::place(slot.generation) };
                write_all_at(file, &slot.encode(), place)?;
                if mistake("ack-not-synced") {
                    return Ok(());
                }
                file.sync_data()
            }
            None => Err(io::Error::other("no file")),
        }
    }

    fn make_anew(&mut self, disk: &Disk, slot: Slot) -> io::Result<()> {
        self.file = None;
        if let Err(e) = disk.unlink(ACK_NEW) {
            if e.kind() != io::ErrorKind::NotFound {
                return Err(e);
            }
        }
        let mut bytes = vec![0u8; 8192];
        for generation in [slot.generation.saturating_sub(1), slot.generation] {
            let at = Slot::place(generation) as usize;
            let copy = Slot { generation, ..slot.clone() };
            bytes[at..at + SLOT_BYTES].copy_from_slice(&copy.encode());
        }
        let file = disk.create(ACK_NEW)?;
        write_all_at(&file, &bytes, 0)?;
        file.sync_all()?;
        disk.sync_directory()?;
        match disk.unlink(ACK) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        self.place = Place::Unrenamed;
        self.last = slot;
        self.is_durable = true; // under one of the two names, whatever happens to the rename
        disk.rename(ACK_NEW, ACK)?;
        self.place = Place::Good;
        if let Err(e) = disk.sync_directory() {
            self.place = Place::Anew;
            return Err(e);
        }
        Ok(())
    }
}
