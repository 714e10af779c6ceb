//! The filter of the list of runs: `loss<0.5 recipe:simcse -tag:old`. Words stand side by side and
//! all must hold; a minus before one turns it round.

use super::condition::{Order, comparison, turned};
use super::library::RunEntry;

/// One condition.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    turned: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Somewhere in the name, recipe, stage or state.
    Text(String),
    /// In that field.
    In(Field, String),
    /// A number of that field against another.
    Number(Measure, Order, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Name,
    Session,
    Recipe,
    State,
    Stage,
    Device,
    Host,
    Tag,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    Loss,
    Best,
    Step,
    Steps,
    Eta,
    Seed,
    Warnings,
    Segments,
    Share,
}

/// A filter that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

/// What is wrong with a filter: in words, for the line it is typed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A field there is not.
    #[error(
        "no field {0:?}: expected name, session, recipe, state, stage, device, host, tag, loss, best, step, steps, eta, seed, warnings, segments or done"
    )]
    Field(String),
    /// A number was expected.
    #[error("{field}: expected a number, found {found:?}")]
    Number {
        /// The field.
        field: String,
        /// What stands there.
        found: String,
    },
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "name" | "run" => Field::Name,
        "session" => Field::Session,
        "recipe" => Field::Recipe,
        "state" => Field::State,
        "stage" => Field::Stage,
        "device" => Field::Device,
        "host" => Field::Host,
        "tag" => Field::Tag,
        _ => return None,
    })
}

fn measure(name: &str) -> Option<Measure> {
    Some(match name {
        "loss" => Measure::Loss,
        "best" => Measure::Best,
        "step" => Measure::Step,
        "steps" => Measure::Steps,
        "eta" => Measure::Eta,
        "seed" => Measure::Seed,
        "warnings" => Measure::Warnings,
        "segments" => Measure::Segments,
        "done" => Measure::Share,
        _ => return None,
    })
}

impl std::str::FromStr for Filter {
    type Err = FilterError;
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let terms: Result<Vec<Term>, FilterError> = text.split_whitespace().map(term).collect();
        Ok(Self { terms: terms? })
    }
}

fn term(word: &str) -> Result<Term, FilterError> {
    let (turned, word) = turned(word);
    if let Some((name, order, value)) = comparison(word) {
        if let Some(measure) = measure(name) {
            let share = value.strip_suffix('%').map(|text| (text, 0.01));
            let (digits, factor) = share.unwrap_or((value, 1.0));
            let number = digits.parse::<f64>().map_err(|_| FilterError::Number {
                field: name.to_owned(),
                found: value.to_owned(),
            })?;
            return Ok(Term { turned, test: Test::Number(measure, order, number * factor) });
        }
        if order == Order::Equal
            && let Some(field) = field(name)
        {
            return Ok(Term { turned, test: Test::In(field, value.to_lowercase()) });
        }
        return Err(FilterError::Field(name.to_owned()));
    }
    if let Some((name, value)) = word.split_once(':') {
        let field = field(name).ok_or_else(|| FilterError::Field(name.to_owned()))?;
        return Ok(Term { turned, test: Test::In(field, value.to_lowercase()) });
    }
    Ok(Term { turned, test: Test::Text(word.to_lowercase()) })
}

impl Filter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a run, its session's title and its tags match.
    #[must_use]
    pub fn matches(&self, run: &RunEntry, title: &str, tags: &[String]) -> bool {
        self.terms.iter().all(|term| term.test.holds(run, title, tags) != term.turned)
    }
}

impl Test {
    fn holds(&self, run: &RunEntry, title: &str, tags: &[String]) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(part);
        let stage = run.row.stage.as_ref().map_or("", |stage| stage.as_str());
        let state = run.row.state.to_string();
        match self {
            Self::Text(part) => {
                let texts =
                    [run.row.run.as_str(), run.row.recipe.as_str(), title, stage, state.as_str()];
                texts.iter().any(|text| has(text, part)) || tags.iter().any(|tag| has(tag, part))
            }
            Self::In(field, part) => match field {
                Field::Name => has(run.id.run.as_str(), part),
                Field::Session => has(run.id.session.as_str(), part) || has(title, part),
                Field::Recipe => has(&run.row.recipe, part),
                Field::State => has(&state, part),
                Field::Stage => has(stage, part),
                Field::Device => has(&run.device, part),
                Field::Host => has(&run.host, part),
                Field::Tag => tags.iter().any(|tag| has(tag, part)),
            },
            Self::Number(measure, order, wanted) => {
                let value = match measure {
                    Measure::Loss => run.row.loss,
                    Measure::Best => run.row.best.as_ref().map(|best| best.value),
                    Measure::Step => Some(run.row.step as f64),
                    Measure::Steps => Some(run.row.steps as f64),
                    Measure::Eta => run.row.eta_s,
                    Measure::Seed => Some(run.seed as f64),
                    Measure::Warnings => Some(run.warnings as f64),
                    Measure::Segments => Some(run.segments as f64),
                    Measure::Share => Some(run.share),
                };
                value.is_some_and(|value| order.holds(value, *wanted))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::entry;

    fn lets(filter: &str) -> bool {
        let mut run = entry("20261124-100000-night-bbbbbb/simcse-1", 1);
        run.row.loss = Some(0.25);
        filter.parse::<Filter>().unwrap().matches(&run, "Night", &["old".to_owned()])
    }

    #[test]
    fn words_of_a_filter_must_all_hold() {
        for (filter, expected) in [
            ("", true),
            ("loss<0.5", true),
            ("loss>=0.5", false),
            ("recipe:simcse loss<0.5", true),
            ("recipe:simcse -tag:old", false),
            ("-tag:new night", true),
            ("-simcse", false),
            ("done<=100%", true),
            ("best<1", false),
        ] {
            assert_eq!(lets(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_says_why() {
        assert!("los<1".parse::<Filter>().unwrap_err().to_string().starts_with("no field \"los\""));
        assert!("loss<x".parse::<Filter>().unwrap_err().to_string().contains("expected a number"));
        assert!("x:y".parse::<Filter>().is_err());
        assert_eq!("-".parse::<Filter>().unwrap().terms.len(), 1);
    }
}
