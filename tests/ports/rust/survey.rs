//! What is in the directory, before anything is read beyond headers and slots (REC-5).
//! Promise: changes nothing, except that a salvage and a swap of the acknowledgement file are completed.

use crate::acknowledgement::{read_slots, Place, Slot, GENERATION_MAX};
use crate::disk::{read_at, Disk, Item};
use crate::errors::{Result, WalError};
use crate::frame::FRAME_MIN;
use crate::header::{Fault, Header, LogId, BLOCK, COPY_AT, FILE_NUMBER_MAX, HEADER_BYTES};
use crate::mistakes::mistake;
use crate::names::{self, classify, Class};
use crate::report::{Damage, Report};
use std::collections::BTreeSet;
use std::io;

pub struct SegmentFile {
    pub number: u32,
    pub name: String,
    pub size: u64,
    /// None: unreadable.
    pub header: Option<Header>,
}

impl SegmentFile {
    /// How many records an unreadable file may have held.
    pub fn possible(&self) -> u64 {
        self.size.saturating_sub(BLOCK).div_ceil(FRAME_MIN)
    }
}

pub struct Slots {
    pub place: Place,
    /// The newest slot that counts.
    pub newest: Option<Slot>,
    pub both: bool,
    pub generation: u64,
}

pub struct Survey {
    /// Usable and unreadable segments, in numeric order.
    pub files: Vec<SegmentFile>,
    pub foreign: Vec<SegmentFile>,
    /// Leftovers that never held a record.
    pub leftovers: Vec<String>,
    pub quarantine: Vec<(String, u64)>,
    pub dead_bytes: u64,
    /// Of the highest usable header.
    pub identity: Option<(LogId, LogId)>,
    pub slots: Slots,
    pub next_file_number: u64,
    /// Numbers whose names something irregular has.
    pub taken: BTreeSet<u64>,
    pub damages: Vec<Damage>,
}

pub fn disk_unreadable(name: &str) -> impl Fn(io::Error) -> WalError + '_ {
    move |e| WalError::DiskUnreadable(format!("{}: {}; nothing was changed, try again", name, e))
}

/// The first usable copy of a header, and damage if the other differs (FMT-4.2, FMT-4.3).
fn read_header(disk: &Disk, file: &SegmentFile, damages: &mut Vec<Damage>) -> Result<Option<Header>> {
    let failed = disk_unreadable(&file.name);
    let handle = disk.open_read(&file.name).map_err(&failed)?;
    let mut copies = Vec::new();
    for at in COPY_AT {
        let mut bytes = [0u8; HEADER_BYTES];
        let n = read_at(&handle, &mut bytes, at).map_err(&failed)?;
        copies.push(bytes[..n].to_vec());
    }
    if mistake("second-header-copy-not-read") {
        copies[1].clear();
    }
    let judged: Vec<_> = copies.iter().map(|c| Header::decode(c)).collect();
    let usable = judged.iter().position(|j| j.as_ref().is_ok_and(|h| h.file_number == file.number));
    if let Some(i) = usable {
        let other = 1 - i;
        if copies[other] != copies[i] && !mistake("second-header-copy-not-read") {
            let detail = "one of two copies of the header is bad; the other serves";
            damages.push(Damage::new("header-copy", &file.name, COPY_AT[other], 128, detail));
        }
        return Ok(judged.into_iter().nth(i).and_then(|j| j.ok()));
    }
    // The first that verifies decides (FMT-4.3); a sound one is that of another file.
    for j in &judged {
        match j {
            Err(Fault::Unsupported { major, flags }) => {
                return Err(WalError::UnsupportedVersion(format!(
                    "{}: version {} with flags {:#x}; use a reader that has them",
                    file.name, major, flags
                )));
            }
            Ok(_) => break,
            Err(_) => {}
        }
    }
    Ok(None)
}

/// The identities that are this log's: the newest one and all that it continues.
fn chain(files: &[SegmentFile], newest: LogId) -> BTreeSet<LogId> {
    let mut chain = BTreeSet::from([newest]);
    loop {
        let before = chain.len();
        for header in files.iter().filter_map(|f| f.header.as_ref()) {
            if chain.contains(&header.log_id) && header.previous_log_id != [0; 16] {
                chain.insert(header.previous_log_id);
            }
        }
        if chain.len() == before {
            return chain;
        }
    }
}

fn read_acknowledgements(
    disk: &Disk,
    items: &[Item],
    chain: &BTreeSet<LogId>,
    leftovers: &mut Vec<String>,
    damages: &mut Vec<Damage>,
) -> Result<Slots> {
    let find = |name: &str| items.iter().find(|i| i.name == name);
    let failed = disk_unreadable(names::ACK);
    let mut size = find(names::ACK).filter(|i| i.regular).map(|i| i.size);
    if find(names::ACK_NEW).is_some_and(|i| i.regular) {
        let whole = find(names::ACK).is_none()
            && read_slots(disk, names::ACK_NEW).map_err(&failed)?.iter().all(Option::is_some);
        if whole {
            disk.rename(names::ACK_NEW, names::ACK).map_err(&failed)?;
            disk.sync_directory().map_err(&failed)?;
            size = find(names::ACK_NEW).map(|i| i.size);
        } else {
            leftovers.push(names::ACK_NEW.to_string());
        }
    }
    let irregular = find(names::ACK).is_some_and(|i| !i.regular);
    let place = if irregular { Place::Never } else { Place::Anew };
    let mut slots = Slots { place, newest: None, both: false, generation: 0 };
    let size = match size {
        None => return Ok(slots),
        Some(s) => s,
    };
    let found = read_slots(disk, names::ACK).map_err(&failed)?;
    let ours: Vec<Option<&Slot>> = found
        .iter()
        .map(|s| {
            let any = mistake("foreign-ack-file-believed");
            s.as_ref().filter(|s| any || chain.contains(&s.log_id))
        })
        .collect();
    slots.generation = found.iter().flatten().map(|s| s.generation).max().unwrap_or(0);
    slots.newest = ours.iter().rev().flatten().max_by_key(|s| s.generation).map(|s| (*s).clone());
    slots.both = ours.iter().all(Option::is_some);
    let exhausted = slots.generation >= GENERATION_MAX;
    if exhausted {
        slots.generation = 0;
    }
    if slots.both {
        slots.place = if exhausted { Place::Anew } else { Place::Good };
    } else if slots.newest.is_none() {
        let detail = "no slot can be used: as if the file were missing";
        damages.push(Damage::new("acknowledgement-file", names::ACK, 0, size, detail));
    } else {
        for (i, slot) in ours.iter().enumerate() {
            if slot.is_none() {
                let detail = "the slot cannot be used; the other one counts";
                let at = i as u64 * 4096;
                damages.push(Damage::new("acknowledgement-slot", names::ACK, at, 128, detail));
            }
        }
    }
    Ok(slots)
}

/// The last steps of a salvage that was interrupted (CLI-3.1).
fn finish_salvage(disk: &Disk) -> Result<()> {
    let items = disk.list().map_err(disk_unreadable("the directory"))?;
    for item in items.iter().filter(|i| i.regular) {
        let name = match item.name.strip_suffix(".salvaged") {
            Some(n) if names::segment_number(n).is_some() => n,
            _ => continue,
        };
        if !items.iter().any(|i| i.name == name) {
            disk.rename(&item.name, name).map_err(disk_unreadable(&item.name))?;
            disk.sync_directory().map_err(disk_unreadable("the directory"))?;
        }
    }
    Ok(())
}

/// The header of an empty newest file is what was on its blocks before it (REC-5.2).
fn is_of_earlier_log(
    disk: &Disk,
    items: &[Item],
    header: &Header,
    before: &[SegmentFile],
) -> Result<bool> {
    let older = match before.iter().rev().find_map(|f| f.header.as_ref()) {
        Some(older) => older,
        None => return Ok(false),
    };
    if older.log_id == header.log_id || older.log_id == header.previous_log_id {
        return Ok(false);
    }
    if !items.iter().any(|i| i.name == names::ACK && i.regular) {
        return Ok(true);
    }
    let slots = read_slots(disk, names::ACK).map_err(disk_unreadable(names::ACK))?;
    Ok(slots.iter().flatten().all(|slot| slot.log_id != header.log_id))
}

pub fn survey(disk: &Disk, report: &mut Report) -> Result<Survey> {
    finish_salvage(disk)?;
    let items = disk.list().map_err(disk_unreadable("the directory"))?;
    let mut files = Vec::new();
    let mut leftovers = Vec::new();
    let mut quarantine = Vec::new();
    let mut damages = Vec::new();
    let mut dead_bytes = 0;
    let mut taken = BTreeSet::new();
    for item in &items {
        match classify(&item.name) {
            _ if !item.regular => {
                report.ignored.push(item.name.clone());
                let name = item.name.strip_suffix(".new").unwrap_or(&item.name);
                taken.extend(names::segment_number(name).map(u64::from));
            }
            Class::Segment(number) => files.push(SegmentFile {
                number,
                name: item.name.clone(),
                size: item.size,
                header: None,
            }),
            Class::Unfinished => leftovers.push(item.name.clone()),
            Class::Quarantine => quarantine.push((item.name.clone(), item.size)),
            Class::MovedAside => {}
            Class::Own => {
                if item.name == names::DEAD {
                    dead_bytes = item.size;
                }
            }
            Class::Other => report.ignored.push(item.name.clone()),
        }
    }
    if mistake("lexicographic-order") {
        files.sort_by(|a, b| a.name.cmp(&b.name));
    } else {
        files.sort_by_key(|f| f.number);
    }
    for file in &mut files {
        file.header = read_header(disk, file, &mut damages)?;
    }
    let highest = files.iter().map(|f| f.number).max().unwrap_or(0) as u64;
    while let Some((last, before)) = files.split_last() {
        let goes = last.size <= BLOCK
            && match &last.header {
                None => true,
                Some(header) => is_of_earlier_log(disk, &items, header, before)?,
            };
        if !goes {
            break;
        }
        leftovers.extend(files.pop().map(|f| f.name));
    }
    let identity = files
        .iter()
        .rev()
        .find_map(|f| f.header.as_ref())
        .map(|h| (h.log_id, h.previous_log_id));
    let chain = identity.map_or_else(BTreeSet::new, |(id, _)| chain(&files, id));
    let slots = read_acknowledgements(disk, &items, &chain, &mut leftovers, &mut damages)?;
    let (files, foreign): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|f| {
            let any = mistake("foreign-segment-replayed");
            f.header.as_ref().is_none_or(|h| any || chain.contains(&h.log_id))
        });
    damages.retain(|d| !foreign.iter().any(|f| f.name == d.file));
    for file in &foreign {
        let detail = "a segment of another log";
        damages.push(Damage::new("foreign-file", &file.name, 0, file.size, detail));
    }
    let usable = files.iter().filter(|f| f.header.is_some()).map(|f| f.number).max().unwrap_or(0);
    // An unreadable file may stand at a number that leaves none above it.
    let next_file_number =
        if highest >= FILE_NUMBER_MAX as u64 { usable as u64 + 1 } else { highest + 1 };
    Ok(Survey {
        files,
        foreign,
        leftovers,
        quarantine,
        dead_bytes,
        identity,
        slots,
        next_file_number,
        taken,
        damages,
    })
}
