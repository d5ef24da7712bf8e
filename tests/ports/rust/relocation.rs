//! New segments: by rotation, and by recovery's copy of the newest file (WAL-3.1, REC-7.1).
//! Promise: a segment that this returns is durable with its name; a failed attempt leaves the log
//! as it was, and its name is not used again.

use crate::disk::write_all_at;
use crate::frame::FrameKey;
use crate::header::{Header, BLOCK, FILE_NUMBER_MAX, SEQUENCE_MAX};
use crate::log::{Active, Log};
use crate::mistakes::mistake;
use crate::names::segment_name;
use crate::recovery::Segment;
use crate::scanner::{Kind, Piece, Scanner};
use std::fs::File;
use std::io;

const FLUSH: usize = 1 << 20;

impl Log {
    fn new_header(&mut self, relocated_from: u64) -> io::Result<Header> {
        if self.next > SEQUENCE_MAX {
            return Err(io::Error::other("no sequence is left"));
        }
        while self.taken.contains(&self.next_file_number) {
            self.next_file_number += 1;
        }
        if self.next_file_number > FILE_NUMBER_MAX as u64 {
            return Err(io::Error::other("no file number is left"));
        }
        let file_number = self.next_file_number as u32;
        self.next_file_number += 1;
        let mut salt = [0u8; 8];
        self.config.random(&mut salt, (file_number as u64) << 1)?;
        if mistake("constant-salt") {
            salt = [0x57; 8];
        }
        Ok(Header {
            file_number,
            log_id: self.log_id,
            previous_log_id: self.previous_log_id,
            salt,
            relocated_from: relocated_from.min(self.continues),
            continues_from: self.continues,
            first_sequence: self.next,
        })
    }

    fn take_over(&mut self, file: File, header: Header, length: u64) {
        self.active = Some(Active { file, key: FrameKey::new(&header.salt, header.file_number) });
        self.continues = self.next;
        self.segments.push(Segment {
            name: segment_name(header.file_number),
            start: header.first_sequence,
            end: header.first_sequence,
            length,
            good: length,
            header,
        });
    }

    /// Create exclusively, header block, sync, directory sync.
    pub fn create_segment(&mut self) -> io::Result<()> {
        if mistake("returned-before-it-is-written") {
            self.write_held()?;
        }
        let header = self.new_header(self.continues)?;
        let name = segment_name(header.file_number);
        let file = self.disk.create(&name)?;
        let made = write_all_at(&file, &header.block(), 0)
            .and_then(|()| if mistake("header-not-synced") { Ok(()) } else { file.sync_all() })
            .and_then(|()| self.disk.sync_directory());
        if let Err(e) = made {
            drop(file);
            let _ = self.disk.unlink(&name);
            return Err(e);
        }
        self.take_over(file, header, BLOCK);
        Ok(())
    }

    /// The files that may have been open when the log ended (REC-7.3): the newest with a frame and
    /// the empty ones behind it, which failed rotations left; or only these, if it was full.
    pub fn open_at_the_end(&self) -> &[Segment] {
        let holding = self.segments.iter().rposition(|s| s.good > BLOCK).unwrap_or(0);
        let empty = &self.segments[(holding + 1).min(self.segments.len())..];
        let lowest = empty.iter().map(|s| s.header.first_sequence).min();
        match lowest {
            Some(first) if self.segments[holding].end <= first => empty,
            _ => &self.segments[holding..],
        }
    }

    /// Copies the unsettled entries of the files that were open to a new one. They go when the
    /// slots are durable (`remove_copied`).
    pub fn relocate(&mut self) -> io::Result<()> {
        let old_files = self.open_at_the_end().to_vec();
        let old = match old_files.last() {
            Some(s) => s.clone(),
            None => return self.create_segment(),
        };
        let lowest = old_files.iter().map(|s| s.header.relocated_from).min().unwrap_or(1);
        let from = lowest.max(self.acknowledged_at_open.saturating_add(1));
        if self.continues == old.header.first_sequence {
            // It has no record of its own: what it declares stays declared.
            self.continues = old.header.continues_from;
        }
        let header = self.new_header(from)?;
        let name = segment_name(header.file_number);
        let temporary = format!("{}.new", name);
        let file = self.disk.create(&temporary)?;
        let copied = self.copy_entries(&old_files, &header, &file);
        let sync = || if mistake("copy-not-synced") { Ok(()) } else { file.sync_all() };
        let length = match copied.and_then(|n| sync().map(|()| n)) {
            Ok(n) => n,
            Err(e) => {
                let _ = self.disk.unlink(&temporary);
                return Err(e);
            }
        };
        if mistake("old-file-removed-before-rename") {
            let _ = self.disk.unlink(&old.name);
        }
        if let Err(e) = self.disk.rename(&temporary, &name) {
            let _ = self.disk.unlink(&temporary);
            return Err(e);
        }
        if mistake("old-file-removed-before-directory-sync") {
            let _ = self.disk.unlink(&old.name);
        }
        if let Err(e) = self.disk.sync_directory() {
            let _ = self.disk.unlink(&name);
            return Err(e);
        }
        self.take_over(file, header, length);
        self.to_relocate = false;
        self.hidden_from = None;
        self.copied = old_files.into_iter().map(|s| s.name).collect();
        Ok(())
    }

    /// Unlinks what was copied, newest first, each durably; the first that stays keeps the rest.
    pub fn remove_copied(&mut self) {
        for name in std::mem::take(&mut self.copied).into_iter().rev() {
            let ours = |s: &Segment| s.name == name && s.header.log_id == self.log_id;
            let Some(at) = self.segments.iter().position(ours) else { return };
            match self.disk.unlink(&name) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    eprintln!("warning: {} was not removed: {}", name, e);
                    return;
                }
                _ => {}
            }
            self.segments.remove(at);
            if let Err(e) = self.disk.sync_directory() {
                eprintln!("warning: the directory was not synced: {}", e);
                return;
            }
        }
    }

    fn copy_entries(&self, old: &[Segment], header: &Header, file: &File) -> io::Result<u64> {
        let mut buffer = header.block();
        let mut written = 0u64;
        let mut last = 0;
        let key = FrameKey::new(&header.salt, header.file_number);
        for segment in old {
            let opened = self.disk.open_read(&segment.name)?;
            let mut scanner = Scanner::new(opened, &segment.header, segment.length);
            while let Some(piece) = scanner.next()? {
                let found = match piece {
                    Piece::Frame(found) => found,
                    _ => continue,
                };
                let s = found.header.sequence;
                let own_stale = found.kind == Kind::Own && s < segment.start;
                let stale = found.kind == Kind::Stale || own_stale;
                if stale || s <= last || s < header.relocated_from || !self.is_unsettled(s) {
                    continue;
                }
                last = s;
                let body = scanner.body(&found)?;
                let at = written + buffer.len() as u64;
                key.append_frame(&mut buffer, at, s, &body[8..body.len() - 4]);
                if buffer.len() >= FLUSH {
                    write_all_at(file, &buffer, written)?;
                    written += buffer.len() as u64;
                    buffer.clear();
                }
            }
        }
        write_all_at(file, &buffer, written)?;
        Ok(written + buffer.len() as u64)
    }
}
