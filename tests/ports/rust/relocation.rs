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

    /// Copies the unsettled entries of the newest file to a new one, and removes the old one.
    pub fn relocate(&mut self) -> io::Result<()> {
        let old = match self.segments.last() {
            Some(s) => s.clone(),
            None => return self.create_segment(),
        };
        let from = old.header.relocated_from.max(self.acknowledged_at_open.saturating_add(1));
        let header = self.new_header(from)?;
        let name = segment_name(header.file_number);
        let temporary = format!("{}.new", name);
        let file = self.disk.create(&temporary)?;
        let copied = self.copy_entries(&old, &header, &file);
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
        let removed = match self.disk.unlink(&old.name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        match removed {
            Ok(()) => {
                self.segments.pop();
                if let Err(e) = self.disk.sync_directory() {
                    eprintln!("warning: the directory was not synced: {}", e);
                }
            }
            Err(e) => eprintln!("warning: {} was not removed: {}", old.name, e),
        }
        self.take_over(file, header, length);
        self.to_relocate = false;
        self.hidden_from = None;
        Ok(())
    }

    fn copy_entries(&self, old: &Segment, header: &Header, file: &File) -> io::Result<u64> {
        let mut buffer = header.block();
        let mut written = 0u64;
        let key = FrameKey::new(&header.salt, header.file_number);
        let mut scanner = Scanner::new(self.disk.open_read(&old.name)?, &old.header, old.length);
        while let Some(piece) = scanner.next()? {
            let found = match piece {
                Piece::Frame(found) => found,
                _ => continue,
            };
            let s = found.header.sequence;
            let stale = found.kind == Kind::Stale || (found.kind == Kind::Own && s < old.start);
            if stale || s < header.relocated_from || !self.is_unsettled(s) {
                continue;
            }
            let body = scanner.body(&found)?;
            let at = written + buffer.len() as u64;
            key.append_frame(&mut buffer, at, s, &body[8..body.len() - 4]);
            if buffer.len() >= FLUSH {
                write_all_at(file, &buffer, written)?;
                written += buffer.len() as u64;
                buffer.clear();
            }
        }
        write_all_at(file, &buffer, written)?;
        Ok(written + buffer.len() as u64)
    }
}
