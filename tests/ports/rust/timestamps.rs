//! Times as nanoseconds since 1970, and their one spelling (FMT-2.6).
//! Promise: `parse(format(t)) == t`, and `parse` takes no other spelling.

pub const NANOS: u128 = 1_000_000_000;
/// 9999-12-31T23:59:59 and the second after.
pub const SECONDS_END: u64 = 253_402_300_800;

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month as i64 + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day as i64 - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

pub fn format(ns: u128) -> String {
    let seconds = (ns / NANOS) as i64;
    let fraction = (ns % NANOS) as u32;
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let s = seconds.rem_euclid(86_400);
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        year, month, day, s / 3600, s / 60 % 60, s % 60
    );
    if fraction != 0 {
        if fraction % 1_000_000 == 0 {
            text += &format!(".{:03}", fraction / 1_000_000);
        } else if fraction % 1000 == 0 {
            text += &format!(".{:06}", fraction / 1000);
        } else {
            text += &format!(".{:09}", fraction);
        }
    }
    text.push('Z');
    text
}

fn digits(bytes: &[u8]) -> Option<u32> {
    let mut n: u32 = 0;
    for &b in bytes {
        if !b.is_ascii_digit() {
            return None;
        }
        n = n * 10 + (b - b'0') as u32;
    }
    Some(n)
}

pub fn parse(text: &str) -> Option<u128> {
    let b = text.as_bytes();
    if !matches!(b.len(), 20 | 24 | 27 | 30) {
        return None;
    }
    if b[4] != b'-' || b[7] != b'-' || b[10] != b'T' || b[13] != b':' || b[16] != b':' {
        return None;
    }
    let year = digits(&b[0..4])?;
    let (month, day) = (digits(&b[5..7])?, digits(&b[8..10])?);
    let (hour, minute, second) = (digits(&b[11..13])?, digits(&b[14..16])?, digits(&b[17..19])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = 0u128;
    if b.len() > 20 {
        if b[19] != b'.' {
            return None;
        }
        let count = b.len() - 21;
        fraction = digits(&b[20..20 + count])? as u128 * 10u128.pow(9 - count as u32);
    }
    let days = days_from_civil(year as i64, month, day);
    let seconds = days * 86_400 + (hour * 3600 + minute * 60 + second) as i64;
    let ns = u128::try_from(seconds).ok()? * NANOS + fraction;
    // The one spelling: whatever is not written back the same (30 February, .250000) is refused.
    (format(ns) == text).then_some(ns)
}
