//! The eleven calls of the log (DSK-1.1) on one flat directory.
//! Promise: symbolic links are not followed, files have mode 0600, nothing is inherited, short
//! writes are continued and EINTR is retried (WAL-4.1); an error is returned as it came.

use crate::mistakes::mistake;
use std::ffi::CString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::raw::{c_char, c_int, c_uint};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::io::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const O_NOFOLLOW: i32 = 0o400000;
const O_NONBLOCK: i32 = 0o4000;
const O_DIRECTORY: i32 = 0o200000;
const AT_FDCWD: c_int = -100;
const RENAME_NOREPLACE: c_uint = 1;
const LOCK_EX: c_int = 2;
const LOCK_NB: c_int = 4;

extern "C" {
    fn flock(fd: c_int, operation: c_int) -> c_int;
    fn geteuid() -> c_uint;
    fn renameat2(a: c_int, from: *const c_char, b: c_int, to: *const c_char, flags: c_uint) -> c_int;
}

pub struct Item {
    pub name: String,
    pub size: u64,
    pub regular: bool,
}

pub enum DirectoryProblem {
    Unsafe(String),
    Disk(io::Error),
}

pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Makes the directory if there is none, and looks whether it is safe (DSK-1.2, DSK-1.4).
    pub fn open(path: &Path) -> Result<Disk, DirectoryProblem> {
        let made = match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => true,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => false,
            Err(e) => return Err(DirectoryProblem::Disk(e)),
        };
        // Or a power cut takes the whole log although each append was durable in it. Also for one
        // that is there: who made it may have been killed before.
        let parent = path.parent().unwrap_or(Path::new("/"));
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        match File::open(parent) {
            Err(e) if e.kind() == ErrorKind::PermissionDenied && !made => {}
            Err(e) => return Err(DirectoryProblem::Disk(e)),
            Ok(d) => d.sync_all().map_err(DirectoryProblem::Disk)?,
        }
        let meta = std::fs::metadata(path).map_err(DirectoryProblem::Disk)?;
        let refuse = |what: &str| {
            Err(DirectoryProblem::Unsafe(format!("{}: {}", path.display(), what)))
        };
        if !meta.is_dir() {
            let text = format!("{}: is no directory", path.display());
            return Err(DirectoryProblem::Disk(io::Error::other(text)));
        }
        if meta.uid() != unsafe { geteuid() } {
            return refuse("belongs to another user");
        }
        if meta.mode() & 0o022 != 0 {
            return refuse("group or others can write to it");
        }
        Ok(Disk { path: path.to_path_buf() })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn list(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let meta = match std::fs::symlink_metadata(entry.path()) {
                Ok(m) => m,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            items.push(Item {
                // A name that is no UTF-8 is nobody of ours; it is only shown.
                name: entry.file_name().to_string_lossy().into_owned(),
                size: meta.len(),
                regular: meta.is_file() && entry.file_name().to_str().is_some(),
            });
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(items)
    }

    pub fn create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).read(true).mode(0o600).custom_flags(O_NOFOLLOW);
        if mistake("truncate-on-create") {
            return options.create(true).truncate(true).open(self.at(name));
        }
        options.create_new(true).open(self.at(name))
    }

    pub fn open_read(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(self.at(name))
    }

    pub fn open_write(&self, name: &str) -> io::Result<File> {
        let flags = O_NOFOLLOW | O_NONBLOCK;
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(self.at(name))
    }

    pub fn sync_directory(&self) -> io::Result<()> {
        if mistake("no-directory-sync") {
            return Ok(());
        }
        OpenOptions::new().read(true).custom_flags(O_DIRECTORY).open(&self.path)?.sync_all()
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let a = CString::new(self.at(from).as_os_str().as_bytes())?;
        let b = CString::new(self.at(to).as_os_str().as_bytes())?;
        let done = unsafe {
            renameat2(AT_FDCWD, a.as_ptr(), AT_FDCWD, b.as_ptr(), RENAME_NOREPLACE)
        };
        if done == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // A filesystem without RENAME_NOREPLACE: a link refuses a taken name just as well.
        if matches!(error.raw_os_error(), Some(22 | 38)) {
            std::fs::hard_link(self.at(from), self.at(to))?;
            return std::fs::remove_file(self.at(from));
        }
        Err(error)
    }

    pub fn unlink(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(name))
    }

    /// The advisory lock (DSK-1.3), held as long as the file is open. `None`: somebody has it.
    pub fn lock(&self, name: &str) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let path = self.at(name);
        // A directory or a link there is an error: a lock on something else is none (DSK-1.3).
        let file = options.custom_flags(O_NOFOLLOW | O_NONBLOCK).open(&path)?;
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            if mistake("no-lock") {
                return Ok(Some(file));
            }
            if unsafe { flock(file.as_raw_fd(), LOCK_EX | LOCK_NB) } == 0 {
                return Ok(Some(file));
            }
            let error = io::Error::last_os_error();
            if error.kind() != ErrorKind::WouldBlock && error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Writes all bytes at `offset`.
pub fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::Error::new(ErrorKind::WriteZero, "nothing was written")),
            Ok(n) => {
                if mistake("short-write-is-whole") {
                    return Ok(());
                }
                if n < bytes.len() && mistake("short-write-starts-over") {
                    offset += n as u64;
                    continue;
                }
                bytes = &bytes[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {
                if mistake("interrupted-is-failure") {
                    return Err(e);
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads up to `buffer.len()` bytes at `offset`; less only at the end of the file.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
