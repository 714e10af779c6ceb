//! [`Format`]: what kinds of files an export may hold.

use std::fmt;
use std::str::FromStr;

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One document of everything.
    Json,
    /// Tables.
    Csv,
    /// TREC's lists and judgements.
    Trec,
    /// Charts as vectors.
    Svg,
    /// Charts as pixels.
    Png,
}

/// A format that is not there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected json, csv, trec, svg or png, with commas between, found {0:?}")]
pub struct UnknownFormat(String);

impl Format {
    /// All.
    pub const ALL: [Self; 5] = [Self::Json, Self::Csv, Self::Trec, Self::Svg, Self::Png];

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Trec => "trec",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// How its files are called.
    #[must_use]
    pub const fn files(self) -> &'static str {
        match self {
            Self::Json => "export.json",
            Self::Csv => "*.csv",
            Self::Trec => "*.run *.qrels",
            Self::Svg => "*.svg",
            Self::Png => "*.png",
        }
    }

    /// What stands in its files.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Json => "the session's card, its runs and every result",
            Self::Csv => "comparisons, differences, sweeps, curves",
            Self::Trec => "TREC's ranked lists and judgements",
            Self::Svg => "every chart, as vectors",
            Self::Png => "every chart, as pixels",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text.trim());
        known.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("pdf".parse::<Format>().unwrap_err().to_string().contains("trec"));
    }
}
