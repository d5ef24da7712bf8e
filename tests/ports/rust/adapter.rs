//! The adapter protocol, version 1 (fault_injection/ports/PROTOCOL.md).
//! Promise: one reply for each line, whatever is in it; nothing else on standard output.

use crate::codec::{decode_event, encode_event};
use crate::config::Config;
use crate::dead_letters;
use crate::errors::{Result, WalError};
use crate::header::{hex, unhex};
use crate::json::{parse, Value};
use crate::json_lines;
use crate::log::Log;
use crate::replay::Replayed;
use crate::vectors;
use std::path::Path;

#[derive(Default)]
pub struct Adapter {
    log: Option<Log>,
    pub done: bool,
}

enum Reply {
    Ok(Value),
    /// A refusal, with further fields.
    Refused(WalError, Vec<(&'static str, Value)>),
    Unsupported(String),
}

pub fn bad_request(text: impl Into<String>) -> WalError {
    WalError::BadRequest(text.into())
}

pub fn text_of<'a>(request: &'a Value, name: &str) -> Result<&'a str> {
    let value = request.get(name).and_then(Value::as_text);
    value.ok_or_else(|| bad_request(format!("{} is no text", name)))
}

pub fn number_of(request: &Value, name: &str) -> Result<u64> {
    let value = request.get(name).and_then(Value::as_u64);
    value.ok_or_else(|| bad_request(format!("{} is no number", name)))
}

pub fn bytes_of(value: Option<&Value>) -> Result<Vec<u8>> {
    let text = value.and_then(Value::as_text);
    text.and_then(unhex).ok_or_else(|| bad_request("no lowercase hexadecimal"))
}

fn entries_value(entries: &[Replayed]) -> Value {
    let entry = |e: &Replayed| {
        Value::object(vec![
            ("sequence", Value::big(e.sequence)),
            ("timestamp_ns", Value::big(e.timestamp)),
            ("event", Value::Text(hex(&e.event))),
        ])
    };
    Value::List(entries.iter().map(entry).collect())
}

fn numbers_value(numbers: &[u64]) -> Value {
    Value::List(numbers.iter().map(Value::big).collect())
}

fn fields(op: &str) -> Option<&'static [&'static str]> {
    Some(match op {
        "hello" => &["protocol"],
        "decode" => &["event"],
        "encode" => &["json"],
        "open" | "recover" => &["dir", "settings"],
        "append" => &["event"],
        "append_batch" => &["events"],
        "acknowledge" => &["through"],
        "refuse" => &["sequence", "reason"],
        "replay" => &["after"],
        "status" | "close" | "bye" => &[],
        _ => return vectors::fields(op),
    })
}

impl Adapter {
    pub fn answer(&mut self, line: &[u8]) -> Value {
        let request = match std::str::from_utf8(line).map_err(|e| e.to_string()).and_then(parse) {
            Ok(v) => v,
            Err(e) => return self.print(Value::Null, Reply::Refused(bad_request(e), vec![])),
        };
        let id = request.get("id").cloned().unwrap_or(Value::Null);
        let reply = match self.dispatch(&request) {
            Ok(reply) => reply,
            Err(e) => Reply::Refused(e, vec![]),
        };
        self.print(id, reply)
    }

    fn print(&self, id: Value, reply: Reply) -> Value {
        let body = match reply {
            Reply::Ok(value) => ("ok", value),
            Reply::Refused(e, more) => {
                let mut members = vec![
                    ("code", Value::text(e.code())),
                    ("definite", Value::Bool(e.definite())),
                    ("text", Value::Text(e.to_string())),
                ];
                if let WalError::Decode { offset, .. } = &e {
                    members.push(("offset", Value::number(offset)));
                }
                if let WalError::InvalidJsonLine { field, line, .. } = &e {
                    members.push(("field", field.as_ref().map_or(Value::Null, |f| Value::text(f))));
                    members.push(("line_number", Value::number(line)));
                }
                members.extend(more);
                ("error", Value::object(members))
            }
            Reply::Unsupported(op) => {
                ("unsupported", Value::object(vec![("capability", Value::Text(op))]))
            }
        };
        Value::object(vec![("id", id), body])
    }

    fn open_log(&mut self) -> Result<&mut Log> {
        self.log.as_mut().ok_or(WalError::WalClosed)
    }

    fn dispatch(&mut self, request: &Value) -> Result<Reply> {
        let op = text_of(request, "op")?;
        let known = match fields(op) {
            Some(f) => f,
            None => return Ok(Reply::Unsupported(op.to_string())),
        };
        if let Value::Object(members) = request {
            for (name, _) in members {
                if name != "id" && name != "op" && !known.contains(&name.as_str()) {
                    return Err(bad_request(format!("{} has no field {}", op, name)));
                }
            }
        }
        let empty = || Value::object(vec![]);
        Ok(Reply::Ok(match op {
            "hello" => hello(),
            "decode" => {
                let event = decode_event(&bytes_of(request.get("event"))?)?;
                Value::object(vec![("json", json_lines::to_value(&event))])
            }
            "encode" => {
                let json = request.get("json").ok_or_else(|| bad_request("json is missing"))?;
                let event = json_lines::from_value(json, 1)?;
                Value::object(vec![("event", Value::Text(hex(&encode_event(&event))))])
            }
            "open" => self.open(request)?,
            "recover" => self.recover(request)?,
            "append" => {
                let event = bytes_of(request.get("event"))?;
                let (stored, error) = self.open_log()?.append_batch(&[event]);
                match (stored.first(), error) {
                    (_, Some(e)) => return Err(e),
                    (Some(s), None) => Value::object(vec![("sequence", Value::big(s))]),
                    (None, None) => return Err(bad_request("nothing was appended")),
                }
            }
            "append_batch" => {
                let items = match request.get("events") {
                    Some(Value::List(items)) => items,
                    _ => return Err(bad_request("events is no list")),
                };
                let events: Result<Vec<_>> = items.iter().map(|i| bytes_of(Some(i))).collect();
                let events = events?;
                let (stored, error) = self.open_log()?.append_batch(&events);
                let stored = numbers_value(&stored);
                match error {
                    Some(e) => return Ok(Reply::Refused(e, vec![("stored", stored)])),
                    None => Value::object(vec![("sequences", stored)]),
                }
            }
            "acknowledge" => {
                let through = number_of(request, "through")?;
                self.open_log()?.acknowledge(through)?;
                empty()
            }
            "refuse" => {
                let sequence = number_of(request, "sequence")?;
                let reason = text_of(request, "reason")?;
                self.open_log()?.refuse(sequence, reason)?;
                empty()
            }
            "replay" => {
                let after = number_of(request, "after")?;
                let entries = self.open_log()?.replay(after)?;
                Value::object(vec![("entries", entries_value(&entries))])
            }
            "status" => status(self.open_log()?),
            "close" => {
                let (clean, reason) = self.log.take().ok_or(WalError::WalClosed)?.close();
                Value::object(vec![("clean", Value::Bool(clean)), ("reason", Value::Text(reason))])
            }
            "bye" => {
                self.done = true;
                empty()
            }
            _ => Value::object(vec![("then", vectors::answer(op, request)?)]),
        }))
    }

    fn open_at(&self, request: &Value) -> Result<Log> {
        if self.log.is_some() {
            return Err(bad_request("a log is open already"));
        }
        let config = Config::from_value(request.get("settings"))?;
        Log::open(Path::new(text_of(request, "dir")?), config)
    }

    fn open(&mut self, request: &Value) -> Result<Value> {
        let log = self.open_at(request)?;
        let value = Value::object(vec![
            ("report", log.report.to_value()),
            ("log_id", Value::Text(hex(&log.log_id))),
        ]);
        self.log = Some(log);
        Ok(value)
    }

    fn recover(&mut self, request: &Value) -> Result<Value> {
        let mut log = self.open_at(request)?;
        let report = log.report.to_value();
        let entries = log.replay(0)?;
        let letters = dead_letters::read(&log.disk)
            .map_err(|e| WalError::ReadFailed(format!("dead letters: {}", e)))?;
        let mut numbers: Vec<u64> = letters.iter().map(|l| l.sequence).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Value::object(vec![
            ("report", report),
            ("next_sequence", Value::big(log.next)),
            ("entries", entries_value(&entries)),
            ("dead_letters", numbers_value(&numbers)),
        ]))
    }
}

fn hello() -> Value {
    Value::object(vec![
        ("protocol", Value::number(1)),
        ("name", Value::text("wal-rs")),
        ("language", Value::text("Rust")),
        ("version", Value::text("0.1")),
        ("capabilities", Value::List(["codec", "log", "bytes"].map(Value::text).to_vec())),
        ("limits", Value::object(vec![])),
        ("issues_url", Value::text("")),
    ])
}

fn status(log: &Log) -> Value {
    let names: Vec<String> = log.segments.iter().map(|s| s.name.clone()).collect();
    Value::object(vec![
        ("next_sequence", Value::big(log.next)),
        ("acknowledged_through", Value::big(log.watermark)),
        ("hidden_from", log.hidden_from.map_or(Value::Null, Value::big)),
        ("segments", Value::texts(&names)),
        ("used_bytes", Value::big(log.used_bytes())),
    ])
}
