//! The switch for deliberately broken variants: `WAL_RS_MISTAKE=<name>`.
//! Promise: without the variable every `mistake(..)` is false and the log is the sound one.

use std::sync::OnceLock;

static NAME: OnceLock<String> = OnceLock::new();

pub fn mistake(name: &str) -> bool {
    NAME.get_or_init(|| std::env::var("WAL_RS_MISTAKE").unwrap_or_default()) == name
}
