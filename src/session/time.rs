//! Moments in a log: UTC, whole milliseconds, written as RFC 3339.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A moment in UTC, in whole milliseconds. Written `2026-11-24T03:50:43.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

/// A text that is not a moment.
#[derive(Debug, thiserror::Error)]
#[error("time: expected RFC 3339 such as 2026-11-24T03:50:43.123Z, found {found:?}")]
pub struct BadTime {
    found: String,
    source: jiff::Error,
}

impl Time {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);

    /// This moment, from the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// Milliseconds since 1970; nothing outside the years -9999 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(|_| Self(millis))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to here; negative where the clock was set back.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1000.0
    }

    /// `20261124-035043`: UTC to the second, as file names begin.
    #[must_use]
    pub fn compact(self) -> String {
        let text = self.to_string();
        let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
        let (date, clock) = digits.split_at(digits.len().min(8));
        format!("{date}-{clock}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl std::str::FromStr for Time {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|source| BadTime { found: text.to_owned(), source })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in RFC 3339")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_three_digits_and_read_back() {
        let time = Time::from_millis(1_795_492_243_120).unwrap();
        assert_eq!(time.to_string(), "2026-11-24T03:50:43.120Z");
        assert_eq!(time.compact(), "20261124-035043");
        assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        assert_eq!(Time::from_millis(i64::MAX), None);
        assert!("yesterday".parse::<Time>().is_err());
    }
}
