//! Small newtypes that name things: sessions, runs, stages, items, digests. One parser each.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A string that is not a valid name of its kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{kind} name: expected {expected}, found {found:?}")]
pub struct BadName {
    kind: &'static str,
    expected: &'static str,
    found: String,
}

/// The parts of a list of encoders, trimmed: a comma inside brackets does not separate.
#[must_use]
pub fn encoder_list(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let separates = |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(separates).map(str::trim).collect()
}

/// The item that an id speaks of: a caption's id is its item's with `#` and a number, a picture's with
/// `@` and a number.
#[must_use]
pub fn item_of(id: &str) -> &str {
    match id.rsplit_once(['#', '@']) {
        Some((item, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            item
        }
        _ => id,
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                if is_slug(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(BadName {
                    kind: $kind,
                    expected: "lower-case letters, digits, '-', '_' and '.', not starting with '-' or '.'",
                    found: text.to_owned(),
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug!(
    /// A session's folder name: `<utc>-<slug>-<6 hex>`.
    SessionId,
    "session"
);
slug!(
    /// A run within its session: `<recipe>-<n>`.
    RunName,
    "run"
);
slug!(
    /// A stage within its recipe.
    StageName,
    "stage"
);

impl StageName {
    /// A name that stands in the source; tests go through every one.
    pub(crate) fn known(text: &'static str) -> Self {
        debug_assert!(is_slug(text), "{text:?}");
        Self(text.to_owned())
    }
}

/// A sha256, written as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::from_raw(&sha2::Sha256::digest(bytes))
    }

    /// Wraps a finished sha256 (32 bytes).
    #[must_use]
    pub fn from_raw(raw: &[u8]) -> Self {
        use fmt::Write as _;
        Self(raw.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// All 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for file names and people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl TryFrom<String> for Digest {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(BadName { kind: "digest", expected: "64 hexadecimal digits", found: text })
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_caption_or_picture_speaks_of_its_item() {
        for (id, item) in [
            ("1f600#12", "1f600"),
            ("a/b#c@0", "a/b#c"),
            ("me@home.jpg@1", "me@home.jpg"),
            ("me@home.jpg", "me@home.jpg"),
            ("plain", "plain"),
            ("x#", "x#"),
        ] {
            assert_eq!(item_of(id), item, "{id}");
        }
    }

    #[test]
    fn names_refuse_what_would_leave_their_folder() {
        for bad in ["", "..", "../x", "a/b", "-x", "A", "x\u{1b}[m"] {
            assert!(bad.parse::<RunName>().is_err(), "{bad:?}");
        }
        assert_eq!("clip-1".parse::<RunName>().unwrap().as_str(), "clip-1");
    }

    #[test]
    fn a_digest_is_the_sha256_of_its_bytes() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.short(), "ba7816bf8f01");
        assert_eq!(Digest::try_from(String::from(digest.clone())), Ok(digest));
    }
}
