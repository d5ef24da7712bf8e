//! Errors of the log, by the names of SPEC.md section 11.
//! Promise: every error says whether the operation had no effect and never will have (`definite`).

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeKind {
    EndOfBytes,
    LengthOutOfRange,
    InvalidTag,
    InvalidText,
    NumberOutOfRange,
    TrailingBytes,
}

#[derive(Clone, Debug)]
pub enum WalError {
    EventTooLarge(String),
    InvalidJsonLine { line: u64, field: Option<String>, text: String },
    Decode { kind: DecodeKind, offset: u64 },
    WalClosed,
    LogFailed(String),
    QuotaExceeded(String),
    DiskRejected(String),
    NoSegment(String),
    AppendIndefinite(String),
    SyncFailed(String),
    AcknowledgedBeyondLog(String),
    DeadLetterFailed(String),
    ReadFailed(String),
    EntriesNotDurable(String),
    Locked(String),
    UnsafeDirectory(String),
    UnsupportedVersion(String),
    DiskUnreadable(String),
    /// Not of the log: the adapter was asked something that makes no sense.
    BadRequest(String),
}

impl DecodeKind {
    pub fn name(self) -> &'static str {
        match self {
            DecodeKind::EndOfBytes => "EndOfBytes",
            DecodeKind::LengthOutOfRange => "LengthOutOfRange",
            DecodeKind::InvalidTag => "InvalidTag",
            DecodeKind::InvalidText => "InvalidText",
            DecodeKind::NumberOutOfRange => "NumberOutOfRange",
            DecodeKind::TrailingBytes => "TrailingBytes",
        }
    }
}

impl WalError {
    pub fn decode(kind: DecodeKind, offset: usize) -> WalError {
        WalError::Decode { kind, offset: offset as u64 }
    }

    pub fn code(&self) -> &'static str {
        match self {
            WalError::EventTooLarge(_) => "EventTooLarge",
            WalError::InvalidJsonLine { .. } => "InvalidJsonLine",
            WalError::Decode { kind, .. } => kind.name(),
            WalError::WalClosed => "WalClosed",
            WalError::LogFailed(_) => "LogFailed",
            WalError::QuotaExceeded(_) => "QuotaExceeded",
            WalError::DiskRejected(_) => "DiskRejected",
            WalError::NoSegment(_) => "NoSegment",
            WalError::AppendIndefinite(_) => "AppendIndefinite",
            WalError::SyncFailed(_) => "SyncFailed",
            WalError::AcknowledgedBeyondLog(_) => "AcknowledgedBeyondLog",
            WalError::DeadLetterFailed(_) => "DeadLetterFailed",
            WalError::ReadFailed(_) => "ReadFailed",
            WalError::EntriesNotDurable(_) => "EntriesNotDurable",
            WalError::Locked(_) => "Locked",
            WalError::UnsafeDirectory(_) => "UnsafeDirectory",
            WalError::UnsupportedVersion(_) => "UnsupportedVersion",
            WalError::DiskUnreadable(_) => "DiskUnreadable",
            WalError::BadRequest(_) => "BadRequest",
        }
    }

    pub fn definite(&self) -> bool {
        !matches!(self, WalError::AppendIndefinite(_) | WalError::SyncFailed(_))
    }
}

impl fmt::Display for WalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WalError::Decode { kind, offset } => write!(f, "{} at byte {}", kind.name(), offset),
            WalError::WalClosed => write!(f, "the log is not open"),
            WalError::InvalidJsonLine { line, field, text } => match field {
                Some(name) => write!(f, "line {}, field {}: {}", line, name, text),
                None => write!(f, "line {}: {}", line, text),
            },
            WalError::EventTooLarge(t)
            | WalError::LogFailed(t)
            | WalError::QuotaExceeded(t)
            | WalError::DiskRejected(t)
            | WalError::NoSegment(t)
            | WalError::AppendIndefinite(t)
            | WalError::SyncFailed(t)
            | WalError::AcknowledgedBeyondLog(t)
            | WalError::DeadLetterFailed(t)
            | WalError::ReadFailed(t)
            | WalError::EntriesNotDurable(t)
            | WalError::Locked(t)
            | WalError::UnsafeDirectory(t)
            | WalError::UnsupportedVersion(t)
            | WalError::DiskUnreadable(t)
            | WalError::BadRequest(t) => write!(f, "{}", t),
        }
    }
}

pub type Result<T> = std::result::Result<T, WalError>;
