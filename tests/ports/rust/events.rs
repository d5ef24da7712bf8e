//! The event of the ticket (EVT-1.1), fields in wire order.
//! Promise: a value of this type holds what the format can carry, except for the size.

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub event_type: u32,
    pub pid: u32,
    pub ppid: Option<u32>,
    pub name: String,
    pub executable_path: Option<String>,
    pub command_line: Vec<String>,
    pub start_time: Option<u128>,
    pub cpu_usage: Option<f64>,
    pub memory_usage: Option<u64>,
    pub executable_hash: Option<String>,
    pub hash_algorithm: Option<String>,
    pub user_id: Option<String>,
    pub accessible: bool,
    pub file_exists: bool,
    pub timestamp: u128,
    pub platform_metadata: Option<String>,
}

pub const EVENT_TYPES: [&str; 3] = ["start", "stop", "modify"];

pub const FIELDS: [&str; 16] = [
    "event_type", "pid", "ppid", "name", "executable_path", "command_line", "start_time",
    "cpu_usage", "memory_usage", "executable_hash", "hash_algorithm", "user_id", "accessible",
    "file_exists", "timestamp", "platform_metadata",
];
