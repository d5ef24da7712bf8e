//! JSON, read strictly and written without spaces.
//! Promise: numbers keep their text (no detour through a float), members keep their order and
//! repeats, nesting is bounded, and nothing but one value stands in the input.

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// A string with half a surrogate pair: legal JSON, but no text.
    LoneSurrogate,
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn text(s: &str) -> Value {
        Value::Text(s.to_string())
    }

    pub fn number<N: ToString>(n: N) -> Value {
        Value::Number(n.to_string())
    }

    /// A number that may pass 2^53: a decimal string.
    pub fn big<N: ToString>(n: N) -> Value {
        Value::Text(n.to_string())
    }

    pub fn texts(list: &[String]) -> Value {
        Value::List(list.iter().map(|s| Value::text(s)).collect())
    }

    pub fn object(members: Vec<(&str, Value)>) -> Value {
        Value::Object(members.into_iter().map(|(k, v)| (k.to_string(), v)).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(m) => m.iter().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }

    /// An integer, written as a number or as a decimal string.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Number(t) | Value::Text(t) => t.parse().ok(),
            _ => None,
        }
    }

    pub fn print(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Number(t) => out.push_str(t),
            Value::Text(t) => write_text(out, t),
            Value::LoneSurrogate => out.push_str("\"\\ud800\""),
            Value::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(out, name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

const DEPTH_MAX: usize = 64;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

pub fn parse(text: &str) -> Result<Value, String> {
    let mut p = Parser { text, at: 0 };
    let value = p.value(0)?;
    p.spaces();
    if p.at != text.len() {
        return Err(format!("text behind the value, at byte {}", p.at));
    }
    Ok(value)
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("{} at byte {}", what, self.at))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(value);
        }
        self.fail("no JSON value")
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return self.fail("nested too deeply");
        }
        self.spaces();
        match self.peek() {
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'"') => Ok(match self.string()? {
                Some(t) => Value::Text(t),
                None => Value::LoneSurrogate,
            }),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fail("no JSON value"),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.spaces();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                _ => return self.fail("no comma or bracket"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut members = Vec::new();
        self.spaces();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.spaces();
            if self.peek() != Some(b'"') {
                return self.fail("no member name");
            }
            let name = self.string()?.unwrap_or_else(|| "\u{fffd}".to_string());
            self.spaces();
            if self.peek() != Some(b':') {
                return self.fail("no colon");
            }
            self.at += 1;
            members.push((name, self.value(depth + 1)?));
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return self.fail("no comma or brace"),
            }
        }
    }

    fn digits(&mut self) -> Result<(), String> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return self.fail("no digit");
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(self.text[start..self.at].to_string()))
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let part = self.text.as_bytes().get(self.at..self.at + 4);
        match part {
            Some(p) if p.iter().all(u8::is_ascii_hexdigit) => {
                let n = u32::from_str_radix(&self.text[self.at..self.at + 4], 16);
                self.at += 4;
                n.map_err(|e| e.to_string())
            }
            _ => self.fail("no four hex digits"),
        }
    }

    /// The text, or None if it has half a surrogate pair.
    fn string(&mut self) -> Result<Option<String>, String> {
        self.at += 1;
        let mut text = String::new();
        let mut whole = true;
        loop {
            let c = match self.text[self.at..].chars().next() {
                Some(c) => c,
                None => return self.fail("the string does not end"),
            };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(whole.then_some(text)),
                '\\' => {
                    let escape = match self.peek() {
                        Some(b) => b,
                        None => return self.fail("the string does not end"),
                    };
                    self.at += 1;
                    match escape {
                        b'"' => text.push('"'),
                        b'\\' => text.push('\\'),
                        b'/' => text.push('/'),
                        b'b' => text.push('\u{8}'),
                        b'f' => text.push('\u{c}'),
                        b'n' => text.push('\n'),
                        b'r' => text.push('\r'),
                        b't' => text.push('\t'),
                        b'u' => whole &= self.unicode(&mut text)?,
                        _ => {
                            self.at -= 1;
                            return self.fail("no such escape");
                        }
                    }
                }
                c if (c as u32) < 0x20 => return self.fail("a raw control character"),
                c => text.push(c),
            }
        }
    }

    /// Behind `\u`. False if it is half a pair.
    fn unicode(&mut self, text: &mut String) -> Result<bool, String> {
        let first = self.hex4()?;
        if (0xD800..0xDC00).contains(&first) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                text.extend(char::from_u32(code));
                return Ok(true);
            }
            self.at = back;
        }
        match char::from_u32(first) {
            Some(c) => {
                text.push(c);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}
