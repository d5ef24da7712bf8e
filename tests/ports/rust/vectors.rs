//! The operations of the capability `bytes`: each answers a vector with its `then`.
//! Promise: they only call what the log itself uses.

use crate::acknowledgement::Slot;
use crate::adapter::{bad_request, bytes_of, number_of, text_of};
use crate::codec::{decode_body, decode_timestamp, encode_event, encode_timestamp};
use crate::crc::crc32;
use crate::errors::{Result, WalError};
use crate::events::Event;
use crate::frame::{FrameKey, FRAME_HEADER};
use crate::header::{hex, Fault, Header};
use crate::json::Value;
use crate::json_lines;
use crate::names::{segment_name, segment_number};
use crate::timestamps;

pub fn fields(op: &str) -> Option<&'static [&'static str]> {
    Some(match op {
        "crc" => &["bytes", "continues"],
        "segment_name" => &["number"],
        "segment_number" => &["name"],
        "header" | "slot" | "timestamp" => &["bytes"],
        "frame" => &["file_number", "salt", "offset", "bytes"],
        "json_line" => &["bytes", "line_number"],
        _ => return None,
    })
}

pub fn answer(op: &str, request: &Value) -> Result<Value> {
    let bytes = || bytes_of(request.get("bytes"));
    match op {
        "crc" => {
            let continues = u32::from_str_radix(text_of(request, "continues")?, 16)
                .map_err(|e| bad_request(format!("continues: {}", e)))?;
            let crc = crc32(&bytes()?, continues);
            Ok(Value::object(vec![("crc", Value::Text(format!("{:08x}", crc)))]))
        }
        "segment_number" => {
            let number = segment_number(text_of(request, "name")?).map_or(Value::Null, Value::number);
            Ok(Value::object(vec![("number", number)]))
        }
        "segment_name" => {
            let name = segment_name(number_of(request, "number")? as u32);
            Ok(Value::object(vec![("name", Value::Text(name))]))
        }
        "header" => Ok(header(&bytes()?)),
        "slot" => Ok(slot(&bytes()?)),
        "frame" => frame(request, &bytes()?),
        "timestamp" => {
            let ns = decode_timestamp(&bytes()?)?;
            let mut encoded = Vec::new();
            encode_timestamp(&mut encoded, ns);
            Ok(Value::object(vec![
                ("value", Value::Text(timestamps::format(ns))),
                ("nanoseconds", Value::big(ns)),
                ("encoded", Value::Text(hex(&encoded))),
            ]))
        }
        "json_line" => {
            let event = json_lines::read_line(&bytes()?, number_of(request, "line_number")?)?;
            Ok(Value::object(vec![
                ("line", Value::Text(json_lines::to_value(&event).print())),
                ("event", spelled(&event)),
                ("encoded", Value::Text(hex(&encode_event(&event)))),
            ]))
        }
        _ => Err(bad_request(format!("no operation {}", op))),
    }
}

/// The event as vectors spell it: `memory_usage` is a decimal string.
fn spelled(event: &Event) -> Value {
    let mut value = json_lines::to_value(event);
    if let Value::Object(members) = &mut value {
        for (name, member) in members.iter_mut() {
            if let ("memory_usage", Value::Number(digits)) = (name.as_str(), &*member) {
                *member = Value::Text(digits.clone());
            }
        }
    }
    value
}

fn header(bytes: &[u8]) -> Value {
    let fault = |name: &str| Value::object(vec![("fault", Value::text(name))]);
    match Header::decode(bytes) {
        Ok(h) => {
            let fields = Value::object(vec![
                ("file_number", Value::number(h.file_number)),
                ("log_id", Value::Text(hex(&h.log_id))),
                ("previous_log_id", Value::Text(hex(&h.previous_log_id))),
                ("salt", Value::Text(hex(&h.salt))),
                ("relocated_from", Value::big(h.relocated_from)),
                ("continues_from", Value::big(h.continues_from)),
                ("first_sequence", Value::big(h.first_sequence)),
            ]);
            let sync = Value::Text(hex(&h.sync_word()));
            Value::object(vec![("header", fields), ("sync_word", sync)])
        }
        Err(Fault::Short) => fault("short"),
        Err(Fault::Crc) => fault("crc"),
        Err(Fault::Magic) => fault("magic"),
        Err(Fault::Fields) => fault("fields"),
        Err(Fault::Unsupported { major, flags }) => {
            let what = vec![("major", Value::number(major)), ("flags", Value::number(flags))];
            Value::object(vec![("unsupported", Value::object(what))])
        }
    }
}

fn slot(bytes: &[u8]) -> Value {
    match Slot::decode(bytes) {
        None => Value::object(vec![("fault", Value::text("unusable"))]),
        Some(s) => {
            let fields = Value::object(vec![
                ("generation", Value::big(s.generation)),
                ("log_id", Value::Text(hex(&s.log_id))),
                ("acknowledged_through", Value::big(s.acknowledged_through)),
                ("next_sequence", Value::big(s.next_sequence)),
                ("clean_file", Value::number(s.clean_file)),
                ("clean_length", Value::big(s.clean_length)),
            ]);
            let place = Value::number(Slot::place(s.generation));
            Value::object(vec![("slot", fields), ("stands_at", place)])
        }
    }
}

fn frame(request: &Value, bytes: &[u8]) -> Result<Value> {
    let verdict = |v: &str, more: Vec<(&str, Value)>| {
        let mut members = vec![("verdict", Value::text(v))];
        members.extend(more);
        Value::object(members)
    };
    let mut salt = [0u8; 8];
    match bytes_of(request.get("salt"))? {
        s if s.len() == 8 => salt.copy_from_slice(&s),
        _ => return Err(bad_request("a salt has 8 bytes")),
    }
    let key = FrameKey::new(&salt, number_of(request, "file_number")? as u32);
    let offset: u64 = match text_of(request, "offset")?.parse() {
        Ok(n) => n,
        Err(_) => return Err(bad_request("offset is no number")),
    };
    if bytes.len() < FRAME_HEADER {
        return Ok(verdict("incomplete", vec![]));
    }
    let header = match key.verify_header(offset, bytes) {
        Some(h) => h,
        None => return Ok(verdict("bad-header", vec![])),
    };
    let mut known = vec![
        ("sequence", Value::big(header.sequence)),
        ("body_bytes", Value::number(header.body_bytes)),
    ];
    let body = match bytes.get(FRAME_HEADER..FRAME_HEADER + header.body_bytes as usize) {
        Some(b) => b,
        None => return Ok(verdict("incomplete", known)),
    };
    if !key.verify_body(&header, body) {
        return Ok(verdict("bad-body", known));
    }
    match decode_body(body, header.sequence) {
        Ok(entry) => {
            known.push(("timestamp", Value::Text(timestamps::format(entry.timestamp))));
            known.push(("event", spelled(&entry.event)));
            Ok(verdict("good", known))
        }
        Err(WalError::Decode { kind, offset }) => {
            known.push(("error", Value::text(kind.name())));
            known.push(("offset", Value::number(offset)));
            Ok(verdict("undecodable", known))
        }
        Err(e) => Err(e),
    }
}
