//! Copies of damaged stretches, and names for whole files that are moved aside (REC-8.1).
//! Promise: a stretch is copied once, within bounds, and no failure here stops recovery.

use crate::crc::crc32;
use crate::disk::{read_at, write_all_at, Disk};
use crate::names::quarantine_name;
use std::fs::File;
use std::io;

const PIECE: usize = 256 * 1024;

#[derive(Clone, Debug)]
pub struct Stretch {
    pub file: String,
    pub offset: u64,
    pub length: u64,
}

pub struct Quarantine {
    /// Name and size of what is there.
    pub copies: Vec<(String, u64)>,
    pub files_max: u64,
    pub bytes_max: u64,
    pub not_kept: u64,
    /// Copies made, or found for a stretch that is still there.
    pub names: Vec<String>,
    changed: bool,
}

impl Quarantine {
    pub fn new(copies: Vec<(String, u64)>, files_max: u64, bytes_max: u64) -> Quarantine {
        Quarantine { copies, files_max, bytes_max, not_kept: 0, names: Vec::new(), changed: false }
    }

    pub fn bytes(&self) -> u64 {
        self.copies.iter().map(|c| c.1).sum()
    }

    pub fn keep(&mut self, disk: &Disk, stretch: &Stretch) {
        match self.try_keep(disk, stretch) {
            Ok(true) => {}
            Ok(false) => self.not_kept += 1,
            Err(e) => {
                eprintln!("warning: {} at {} was not copied aside: {}", stretch.file, stretch.offset, e);
                self.not_kept += 1;
            }
        }
    }

    /// True if it was copied, is there already, or is zeros.
    fn try_keep(&mut self, disk: &Disk, stretch: &Stretch) -> io::Result<bool> {
        let source = disk.open_read(&stretch.file)?;
        let mut crc = 0;
        let mut zeros = true;
        each_piece(&source, stretch.offset, stretch.length, |_, piece| {
            crc = crc32(piece, crc);
            zeros &= piece.iter().all(|b| *b == 0);
            Ok(())
        })?;
        if zeros {
            return Ok(true);
        }
        let name = quarantine_name(&stretch.file, stretch.offset, stretch.length, crc);
        if let Some(i) = self.copies.iter().position(|c| c.0 == name) {
            if is_whole(disk, &name, stretch.length, crc) {
                self.names.push(name);
                return Ok(true);
            }
            // A copy that a crash left unfinished.
            disk.unlink(&name)?;
            self.copies.remove(i);
        }
        let full = self.copies.len() as u64 >= self.files_max
            || self.bytes().saturating_add(stretch.length) > self.bytes_max;
        if full {
            return Ok(false);
        }
        let copied = copy(disk, &source, stretch, &name);
        if let Err(e) = copied {
            let _ = disk.unlink(&name);
            return Err(e);
        }
        self.changed = true;
        self.copies.push((name.clone(), stretch.length));
        self.names.push(name);
        Ok(true)
    }

    pub fn finish(&mut self, disk: &Disk) {
        if std::mem::take(&mut self.changed) {
            if let Err(e) = disk.sync_directory() {
                eprintln!("warning: copies may not be durable: {}", e);
            }
        }
    }
}

fn each_piece(
    file: &File,
    offset: u64,
    length: u64,
    mut each: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0u8; PIECE.min(length as usize)];
    let mut done = 0;
    while done < length {
        let want = buffer.len().min((length - done) as usize);
        let n = read_at(file, &mut buffer[..want], offset + done)?;
        if n == 0 {
            return Err(io::Error::other("the file became shorter"));
        }
        each(done, &buffer[..n])?;
        done += n as u64;
    }
    Ok(())
}

fn copy(disk: &Disk, source: &File, stretch: &Stretch, name: &str) -> io::Result<()> {
    let target = disk.create(name)?;
    each_piece(source, stretch.offset, stretch.length, |at, piece| write_all_at(&target, piece, at))?;
    target.sync_all()
}

fn is_whole(disk: &Disk, name: &str, length: u64, crc: u32) -> bool {
    let check = || -> io::Result<bool> {
        let file = disk.open_read(name)?;
        if file.metadata()?.len() != length {
            return Ok(false);
        }
        let mut actual = 0;
        each_piece(&file, 0, length, |_, piece| {
            actual = crc32(piece, actual);
            Ok(())
        })?;
        Ok(actual == crc)
    };
    check().unwrap_or(false)
}

/// Moves a whole file aside: `name.suffix`, or with `.2`, `.3` ... if that is taken.
pub fn move_aside(disk: &Disk, name: &str, suffix: &str) -> io::Result<String> {
    let mut target = format!("{}.{}", name, suffix);
    for n in 2..100_000u32 {
        match disk.rename(name, &target) {
            Ok(()) => return Ok(target),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                target = format!("{}.{}.{}", name, suffix, n);
            }
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("all names are taken"))
}
