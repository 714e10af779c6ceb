//! The filter of the list of queries: `gain>5 rank_b<=10 slice:fixed margin<0 tie:yes words`. Words stand
//! side by side and all must hold; a minus before one turns it round.

use super::condition::{Order, comparison, turned};
use super::pairing::PairedQuery;
use crate::eval::compare::Slice;

/// One condition.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    turned: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Somewhere in the id or in the caption.
    Text(String),
    /// In that slice.
    In(Slice),
    /// In it or not.
    Is(Slice, bool),
    /// A number against another.
    Number(Measure, Order, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    Gain,
    /// Under the first or the second encoder; nothing: under either.
    Rank(Option<usize>),
    Margin(Option<usize>),
}

/// A filter that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryFilter {
    terms: Vec<Term>,
}

/// What is wrong with a filter, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFilterError {
    /// A field there is not.
    #[error(
        "no field {0:?}: expected gain, rank, rank_a, rank_b, margin, margin_a or margin_b with < <= > >= =, or slice:, tie: or hub:"
    )]
    Field(String),
    /// Another value was expected.
    #[error("{field}: expected {expected}, found {found:?}")]
    Value {
        /// The field.
        field: String,
        /// What may stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
}

fn measure(name: &str) -> Option<Measure> {
    Some(match name {
        "gain" => Measure::Gain,
        "rank" => Measure::Rank(None),
        "rank_a" => Measure::Rank(Some(0)),
        "rank_b" => Measure::Rank(Some(1)),
        "margin" => Measure::Margin(None),
        "margin_a" => Measure::Margin(Some(0)),
        "margin_b" => Measure::Margin(Some(1)),
        _ => return None,
    })
}

impl std::str::FromStr for QueryFilter {
    type Err = QueryFilterError;
    fn from_str(text: &str) -> Result<Self, QueryFilterError> {
        let terms: Result<Vec<Term>, _> = text.split_whitespace().map(term).collect();
        Ok(Self { terms: terms? })
    }
}

/// Whether a word before a sign is meant as a field, not as a part of a caption.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn term(word: &str) -> Result<Term, QueryFilterError> {
    let (turned, word) = turned(word);
    if let Some((name, order, found)) = comparison(word)
        && is_name(name)
    {
        let measure = measure(name).ok_or_else(|| QueryFilterError::Field(name.to_owned()))?;
        let number = found.parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number.ok_or_else(|| bad(name, "a number", found))?;
        return Ok(Term { turned, test: Test::Number(measure, order, number) });
    }
    if let Some((name, found)) = word.split_once(':')
        && is_name(name)
    {
        let is = |slice| match found {
            "yes" => Ok(Test::Is(slice, true)),
            "no" => Ok(Test::Is(slice, false)),
            _ => Err(bad(name, "yes or no", found)),
        };
        let test = match name {
            "tie" => is(Slice::Tie)?,
            "hub" => is(Slice::Hub)?,
            "slice" => {
                let slices = "fixed, broke, both-right, both-wrong, tie or hub";
                Test::In(found.parse().map_err(|_| bad(name, slices, found))?)
            }
            _ => return Err(QueryFilterError::Field(name.to_owned())),
        };
        return Ok(Term { turned, test });
    }
    Ok(Term { turned, test: Test::Text(word.to_lowercase()) })
}

fn bad(field: &str, expected: &'static str, found: &str) -> QueryFilterError {
    QueryFilterError::Value { field: field.to_owned(), expected, found: found.to_owned() }
}

/// What words are looked for in: a query's id and its caption, in small letters.
#[must_use]
pub fn words_of(id: &str, caption: Option<&str>) -> String {
    // No word of a filter holds a line's end, so none is found across both.
    let mut words = id.to_lowercase();
    if let Some(caption) = caption {
        words.push('\n');
        words.push_str(&caption.to_lowercase());
    }
    words
}

impl QueryFilter {
    /// Whether it looks into [`words_of`] a query.
    #[must_use]
    pub fn reads_words(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.test, Test::Text(_)))
    }

    /// Whether a query matches; its words are [`words_of`] it.
    #[must_use]
    pub fn matches(&self, query: &PairedQuery, words: &str) -> bool {
        self.terms.iter().all(|term| term.test.holds(Some(query), words) != term.turned)
    }

    /// Whether a typed query does, of which only the words are known.
    #[must_use]
    pub fn matches_words(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        self.terms.iter().all(|term| {
            matches!(term.test, Test::Text(_)) && term.test.holds(None, &words) != term.turned
        })
    }
}

impl Test {
    fn holds(&self, query: Option<&PairedQuery>, words: &str) -> bool {
        let within = |slice| query.is_some_and(|query| query.slices.contains(slice));
        match self {
            Self::Text(part) => words.contains(part),
            Self::In(slice) => within(*slice),
            Self::Is(slice, wanted) => within(*slice) == *wanted,
            Self::Number(measure, order, wanted) => {
                let Some(query) = query else { return false };
                let sides = |which: Option<usize>| which.map_or(0..2, |at| at..at + 1);
                let is_so = |value: f64| order.holds(value, *wanted);
                match *measure {
                    Measure::Gain => is_so(query.gain() as f64),
                    Measure::Rank(which) => {
                        query.rank[sides(which)].iter().any(|rank| is_so(f64::from(*rank)))
                    }
                    Measure::Margin(which) => {
                        query.margin[sides(which)].iter().any(|margin| is_so(f64::from(*margin)))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets(filter: &str) -> bool {
        let query = PairedQuery {
            at: 0,
            rank: [12, 1],
            margin: [-0.5, 0.25],
            slices: [Slice::Fixed, Slice::Tie].into_iter().collect(),
        };
        let words = words_of("cat#0", Some("A sleepy Cat: 10:30"));
        filter.parse::<QueryFilter>().unwrap().matches(&query, &words)
    }

    #[test]
    fn words_of_a_filter_must_all_hold() {
        for (filter, expected) in [
            ("", true),
            ("gain>5", true),
            ("gain<=5", false),
            ("rank_b<=10 slice:fixed tie:yes", true),
            ("rank_a<=10", false),
            ("rank<=10", true),
            ("-rank<=10", false),
            ("margin<0", true),
            ("margin_b<0", false),
            ("margin_b=0.25", true),
            ("slice:broke", false),
            ("-slice:broke hub:no", true),
            ("hub:yes", false),
            ("sleepy CAT", true),
            ("cat#0", true),
            ("10:30", true),
            ("<3", false),
            ("-dog", true),
            ("-sleepy", false),
        ] {
            assert_eq!(lets(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_says_why() {
        let error = |filter: &str| filter.parse::<QueryFilter>().unwrap_err().to_string();
        assert!(error("gian>5").starts_with("no field \"gian\": expected gain"));
        assert_eq!(error("gain>x"), "gain: expected a number, found \"x\"");
        assert_eq!(error("tie:maybe"), "tie: expected yes or no, found \"maybe\"");
        assert!(error("slice:good").contains("expected fixed, broke"));
        assert!(error("colour:red").starts_with("no field \"colour\""));
    }

    #[test]
    fn a_typed_query_is_known_by_its_words_alone() {
        let lets = |filter: &str| filter.parse::<QueryFilter>().unwrap().matches_words("Big cat");
        assert!(lets("") && lets("cat -dog"));
        assert!(!lets("cat gain>1") && !lets("-tie:yes") && !lets("dog"));
    }
}
