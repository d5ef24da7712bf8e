//! wal-rs: a port of procmond's write-ahead log after reference/SPEC.md, as an adapter of the
//! fault-injection kit. Build: `rustc -O --edition 2021 main.rs -o wal-rs`.

mod acknowledgement;
mod adapter;
mod codec;
mod config;
mod crc;
mod dead_letters;
mod disk;
mod errors;
mod events;
mod frame;
mod header;
mod intervals;
mod json;
mod json_lines;
mod log;
mod mistakes;
mod names;
mod quarantine;
mod recovery;
mod relocation;
mod replay;
mod report;
mod retention;
mod scanner;
mod survey;
mod timestamps;
mod vectors;
mod writer;

use std::io::{BufRead, Read, Write};

/// A request holds a batch of events in hexadecimal; nobody sends more than this.
const LINE_MAX: u64 = 256 << 20;

fn main() {
    let mut input = std::io::BufReader::new(std::io::stdin());
    let mut adapter = adapter::Adapter::default();
    let mut line = Vec::new();
    while !adapter.done {
        line.clear();
        match (&mut input).take(LINE_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let mut reply = adapter.answer(&line).print();
        reply.push('\n');
        // One call: the place of a reply in the trace of system calls is the promise.
        let mut output = std::io::stdout().lock();
        if output.write_all(reply.as_bytes()).and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    // No destructor: a process that goes away is not a clean shutdown.
    std::process::exit(0);
}
