//! Settings, and where randomness and time come from.
//! Promise: with `fixed` the same calls give the same bytes.

use crate::errors::{Result, WalError};
use crate::json::Value;
use std::fs::File;
use std::io::Read;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const MIB: u64 = 1 << 20;
const FIXED_TIME: u128 = 1_700_000_000_250_000_000;

#[derive(Clone, Debug)]
pub struct Config {
    pub rotation_bytes: u64,
    pub file_bytes_max: u64,
    pub batch_bytes_max: u64,
    pub event_bytes_max: u64,
    pub quota_bytes: u64,
    pub quarantine_bytes_max: u64,
    pub quarantine_files_max: u64,
    pub acknowledge_interval_ns: u64,
    pub acknowledge_count_max: u64,
    pub fixed: Option<u64>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            rotation_bytes: 80 * MIB,
            file_bytes_max: 100 * MIB,
            batch_bytes_max: 4 * MIB,
            event_bytes_max: crate::codec::EVENT_BYTES_MAX as u64,
            quota_bytes: 1000 * MIB,
            quarantine_bytes_max: 64 * MIB,
            quarantine_files_max: 64,
            acknowledge_interval_ns: 1_000_000_000,
            acknowledge_count_max: 1000,
            fixed: None,
        }
    }
}

impl Config {
    pub fn from_value(value: Option<&Value>) -> Result<Config> {
        let mut c = Config::default();
        let members = match value {
            None | Some(Value::Null) => return Ok(c),
            Some(Value::Object(m)) => m,
            Some(_) => return Err(WalError::BadRequest("settings is no object".into())),
        };
        for (name, value) in members {
            let n = value
                .as_u64()
                .ok_or_else(|| WalError::BadRequest(format!("setting {} is no number", name)))?;
            match name.as_str() {
                "rotation_bytes" => c.rotation_bytes = n,
                "file_bytes_max" => c.file_bytes_max = n,
                "batch_bytes_max" => c.batch_bytes_max = n,
                "event_bytes_max" => c.event_bytes_max = n,
                "quota_bytes" => c.quota_bytes = n,
                "quarantine_bytes_max" => c.quarantine_bytes_max = n,
                "quarantine_files_max" => c.quarantine_files_max = n,
                "acknowledge_interval_ns" => c.acknowledge_interval_ns = n,
                "acknowledge_count_max" => c.acknowledge_count_max = n,
                "fixed" => c.fixed = Some(n),
                _ => return Err(WalError::BadRequest(format!("no setting {}", name))),
            }
        }
        c.check()?;
        Ok(c)
    }

    /// The bounds of section 7.
    fn check(&self) -> Result<()> {
        let event_max = crate::codec::EVENT_BYTES_MAX as u64;
        for (name, value, low, high) in [
            ("rotation_bytes", self.rotation_bytes, 8193, self.file_bytes_max),
            ("file_bytes_max", self.file_bytes_max, 8193, 1 << 40),
            ("batch_bytes_max", self.batch_bytes_max, 1, 1 << 30),
            ("event_bytes_max", self.event_bytes_max, 47, event_max),
            ("quota_bytes", self.quota_bytes, 16384, 1 << 50),
            ("quarantine_bytes_max", self.quarantine_bytes_max, 0, self.quota_bytes),
            ("quarantine_files_max", self.quarantine_files_max, 0, 10_000),
            ("acknowledge_interval_ns", self.acknowledge_interval_ns, 0, 3_600_000_000_000),
            ("acknowledge_count_max", self.acknowledge_count_max, 1, 1_000_000_000),
        ] {
            if !(low..=high).contains(&value) {
                let text = format!("{} is {}; it must be from {} to {}", name, value, low, high);
                return Err(WalError::BadRequest(text));
            }
        }
        Ok(())
    }

    /// The time of an entry, clamped to 1970 to 9999 (section 14).
    pub fn now(&self) -> u128 {
        if self.fixed.is_some() {
            return FIXED_TIME;
        }
        let ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        ns.min(crate::timestamps::SECONDS_END as u128 * crate::timestamps::NANOS - 1)
    }

    /// Nanoseconds since `since` on a clock that does not go back; a fixed clock stands still.
    pub fn elapsed(&self, since: Instant) -> u128 {
        if self.fixed.is_some() { 0 } else { since.elapsed().as_nanos() }
    }

    /// Random bytes. `purpose` keeps the draws of a fixed generator apart across opens.
    pub fn random(&self, bytes: &mut [u8], purpose: u64) -> std::io::Result<()> {
        let mut state = match self.fixed {
            None => return File::open("/dev/urandom")?.read_exact(bytes),
            Some(seed) => seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ purpose.rotate_left(32),
        };
        for chunk in bytes.chunks_mut(8) {
            // splitmix64
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
