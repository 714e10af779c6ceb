//! Numbers, times and sizes as people read them.

use crate::session::Time;
use serde_json::Value;

/// Seconds of a year.
const YEAR: u64 = 365 * 86_400;

/// A measured value in about four digits.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-2..1e7).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = if digits.contains('.') {
            digits.trim_end_matches('0').trim_end_matches('.')
        } else {
            digits
        };
        return format!("{digits}e{power}");
    }
    match size {
        size if size < 1.0 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        size if size < 1000.0 => format!("{value:.1}"),
        _ => count(value.round().abs() as u64),
    }
}

/// A count with its thousands set apart.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share from 0 to 1 in per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A length of time in its two largest units.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
        86_400..YEAR => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
        _ => format!("{:.1} years", seconds / YEAR as f64),
    }
}

/// The same in one unit, for narrow columns.
#[must_use]
pub fn short_duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..100 => format!("{whole} s"),
        100..6000 => format!("{} m", whole / 60),
        6000..172_800 => format!("{} h", whole / 3600),
        172_800..YEAR => format!("{} d", whole / 86_400),
        _ => format!("{} y", whole / YEAR),
    }
}

/// A size in bytes.
#[must_use]
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        return format!("{size} B");
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// `14:22`, in UTC.
#[must_use]
pub fn clock(time: Time) -> String {
    time.to_string().get(11..16).unwrap_or_default().to_owned()
}

/// `14:22:05`, in UTC.
#[must_use]
pub fn clock_seconds(time: Time) -> String {
    time.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// `24 Nov 14:22`, in UTC; without the date where it is that of `now`.
#[must_use]
pub fn moment(time: Time, now: Time) -> String {
    if same_day(time, now) { clock(time) } else { format!("{} {}", day(time), clock(time)) }
}

/// Whether two moments are of one day, in UTC.
#[must_use]
pub fn same_day(one: Time, other: Time) -> bool {
    one.to_string().get(..10) == other.to_string().get(..10)
}

/// `24 Nov`, in UTC.
#[must_use]
pub fn day(time: Time) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = time.to_string();
    let month = text.get(5..7).and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
    let name = MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or("?");
    format!("{} {name}", text.get(8..10).unwrap_or_default())
}

/// A recipe's value as it is typed: a number that was read as `f32` with the digits that tell it apart.
#[must_use]
pub fn value(value: &Value) -> String {
    let long = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let narrow = value.as_f64().map(|number| number as f32);
    match narrow.filter(|narrow| Some(f64::from(*narrow)) == value.as_f64()) {
        Some(narrow) if narrow.to_string().len() + 2 < long.len() => narrow.to_string(),
        _ => long,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_about_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (4.056_306_8, "4.056"),
            (41.25, "41.25"),
            (842.31, "842.3"),
            (12_345.6, "12,346"),
            (0.000_4, "4e-4"),
            (0.001_5, "1.5e-3"),
            (1.25e9, "1.25e9"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn a_recipes_values_are_shown_as_they_are_typed() {
        for (json, text) in [
            (Value::from(f64::from(0.05_f32)), "0.05"),
            (Value::from(32.0), "32.0"),
            (Value::from(1e-6), "1e-6"),
            (Value::from(0.001), "0.001"),
            (Value::from(128), "128"),
            (Value::from("emoji"), "emoji"),
        ] {
            assert_eq!(value(&json), text);
        }
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(duration(0.076), "76 ms");
        assert_eq!(duration(252.0), "4 m 12 s");
        assert_eq!(duration(7_500.0), "2 h 05 m");
        assert_eq!(short_duration(252.0), "4 m");
        assert_eq!(duration(2168.0 * 86_400.0), "5.9 years");
        assert_eq!(
            (duration(3e6), short_duration(1e8)),
            ("34 d 17 h".to_owned(), "3 y".to_owned())
        );
        assert_eq!(bytes(66_731_545), "67 MB");
        assert_eq!(bytes(1_047_334_912), "1.0 GB");
        assert_eq!(bytes(999), "999 B");
        let time = Time::from_millis(1_795_492_243_120).unwrap();
        let later = Time::from_millis(1_795_492_243_120 + 86_400_000).unwrap();
        assert_eq!(moment(time, time), "03:50");
        assert_eq!(moment(time, later), "24 Nov 03:50");
    }
}
