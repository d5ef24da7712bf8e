//! The human form of an event (EVT-2.1, EVT-2.2).
//! Promise: reading is strict and names the field; what is written is read back the same.

use crate::errors::{Result, WalError};
use crate::events::{Event, EVENT_TYPES, FIELDS};
use crate::json::{parse, Value};
use crate::timestamps;

/// The fewest digits that read back the same, spelled as Python and ECMAScript do up to 16 digits.
fn float_text(value: f64) -> String {
    let short = format!("{:e}", value.abs());
    let (mantissa, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let e: i32 = exponent.parse().unwrap_or(0);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let count = digits.len() as i32;
    let body = if (-4..16).contains(&e) {
        if e < 0 {
            format!("0.{}{}", "0".repeat((-e - 1) as usize), digits)
        } else if count <= e + 1 {
            format!("{}{}.0", digits, "0".repeat((e + 1 - count) as usize))
        } else {
            format!("{}.{}", &digits[..(e + 1) as usize], &digits[(e + 1) as usize..])
        }
    } else {
        let point = if count > 1 { "." } else { "" };
        let e_sign = if e < 0 { '-' } else { '+' };
        format!("{}{}{}e{}{:02}", &digits[..1], point, &digits[1..], e_sign, e.abs())
    };
    format!("{}{}", sign, body)
}

pub fn to_value(e: &Event) -> Value {
    let text = |t: &Option<String>| t.as_ref().map_or(Value::Null, |t| Value::text(t));
    Value::object(vec![
        ("event_type", Value::text(EVENT_TYPES[e.event_type as usize % 3])),
        ("pid", Value::number(e.pid)),
        ("ppid", e.ppid.map_or(Value::Null, Value::number)),
        ("name", Value::text(&e.name)),
        ("executable_path", text(&e.executable_path)),
        ("command_line", Value::texts(&e.command_line)),
        ("start_time", e.start_time.map_or(Value::Null, |t| Value::Text(timestamps::format(t)))),
        ("cpu_usage", e.cpu_usage.map_or(Value::Null, |c| Value::Number(float_text(c)))),
        ("memory_usage", e.memory_usage.map_or(Value::Null, Value::number)),
        ("executable_hash", text(&e.executable_hash)),
        ("hash_algorithm", text(&e.hash_algorithm)),
        ("user_id", text(&e.user_id)),
        ("accessible", Value::Bool(e.accessible)),
        ("file_exists", Value::Bool(e.file_exists)),
        ("timestamp", Value::Text(timestamps::format(e.timestamp))),
        ("platform_metadata", text(&e.platform_metadata)),
    ])
}

struct Members<'a> {
    members: &'a [(String, Value)],
    line: u64,
}

impl Members<'_> {
    fn fail<T>(&self, field: &str, text: &str) -> Result<T> {
        Err(WalError::InvalidJsonLine {
            line: self.line,
            field: Some(field.to_string()),
            text: text.to_string(),
        })
    }

    fn get(&self, field: &str) -> Result<&Value> {
        match self.members.iter().find(|(k, _)| k == field) {
            Some((_, v)) => Ok(v),
            None => self.fail(field, "missing"),
        }
    }

    fn text(&self, field: &str) -> Result<String> {
        match self.get(field)? {
            Value::Text(t) => Ok(t.clone()),
            Value::LoneSurrogate => self.fail(field, "half a surrogate pair"),
            _ => self.fail(field, "not a text"),
        }
    }

    fn optional<T>(&self, field: &str, read: impl Fn(&Self, &str) -> Result<T>) -> Result<Option<T>> {
        match self.get(field)? {
            Value::Null => Ok(None),
            _ => read(self, field).map(Some),
        }
    }

    fn integer(&self, field: &str, max: u64) -> Result<u64> {
        match self.get(field)? {
            Value::Number(t) if !t.contains(['.', 'e', 'E']) => {
                let n = if t == "-0" { Ok(0) } else { t.parse::<u64>() };
                match n {
                    Ok(n) if n <= max => Ok(n),
                    _ => self.fail(field, "out of range"),
                }
            }
            _ => self.fail(field, "not an integer"),
        }
    }

    fn time(&self, field: &str) -> Result<u128> {
        match timestamps::parse(&self.text(field)?) {
            Some(ns) => Ok(ns),
            None => self.fail(field, "not a time of the one spelling"),
        }
    }

    fn boolean(&self, field: &str) -> Result<bool> {
        match self.get(field)? {
            Value::Bool(b) => Ok(*b),
            _ => self.fail(field, "not a bool"),
        }
    }

    fn float(&self, field: &str) -> Result<f64> {
        match self.get(field)? {
            Value::Number(t) => match t.parse::<f64>() {
                Ok(f) if f.is_finite() => Ok(f),
                _ => self.fail(field, "not finite"),
            },
            _ => self.fail(field, "not a number"),
        }
    }

    fn event_type(&self) -> Result<u32> {
        let text = self.text("event_type")?;
        match EVENT_TYPES.iter().position(|t| *t == text) {
            Some(i) => Ok(i as u32),
            None => self.fail("event_type", "no such type"),
        }
    }

    fn texts(&self, field: &str) -> Result<Vec<String>> {
        let items = match self.get(field)? {
            Value::List(items) => items,
            _ => return self.fail(field, "not a list"),
        };
        let mut texts = Vec::new();
        for item in items {
            match item {
                Value::Text(t) => texts.push(t.clone()),
                _ => return self.fail(field, "an item is no text"),
            }
        }
        Ok(texts)
    }
}

pub fn from_value(value: &Value, line: u64) -> Result<Event> {
    let members = match value {
        Value::Object(m) => m,
        _ => {
            return Err(WalError::InvalidJsonLine { line, field: None, text: "not an object".into() })
        }
    };
    let m = Members { members, line };
    let mut seen = std::collections::BTreeSet::new();
    for (name, _) in members {
        if !seen.insert(name) {
            return m.fail(name, "repeated");
        }
    }
    for (name, _) in members {
        if !FIELDS.contains(&name.as_str()) {
            return m.fail(name, "unknown");
        }
    }
    let event = Event {
        event_type: m.event_type()?,
        pid: m.integer("pid", u32::MAX as u64)? as u32,
        ppid: m.optional("ppid", |m, f| m.integer(f, u32::MAX as u64))?.map(|p| p as u32),
        name: m.text("name")?,
        executable_path: m.optional("executable_path", Members::text)?,
        command_line: m.texts("command_line")?,
        start_time: m.optional("start_time", Members::time)?,
        cpu_usage: m.optional("cpu_usage", Members::float)?,
        memory_usage: m.optional("memory_usage", |m, f| m.integer(f, u64::MAX))?,
        executable_hash: m.optional("executable_hash", Members::text)?,
        hash_algorithm: m.optional("hash_algorithm", Members::text)?,
        user_id: m.optional("user_id", Members::text)?,
        accessible: m.boolean("accessible")?,
        file_exists: m.boolean("file_exists")?,
        timestamp: m.time("timestamp")?,
        platform_metadata: m.optional("platform_metadata", Members::text)?,
    };
    if event.executable_hash.is_some() != event.hash_algorithm.is_some() {
        return m.fail("executable_hash", "without the other of hash and algorithm");
    }
    Ok(event)
}

pub fn read_line(bytes: &[u8], line: u64) -> Result<Event> {
    let syntax = |text: String| WalError::InvalidJsonLine { line, field: None, text };
    let text = std::str::from_utf8(bytes).map_err(|e| syntax(e.to_string()))?;
    from_value(&parse(text).map_err(syntax)?, line)
}
