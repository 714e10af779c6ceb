//! Results that share one table: which ones, and what came of joining them.

use crate::eval::CompareDocument;
use crate::ids::SessionId;

/// One of the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinPart {
    /// What stands before its rows' labels where several results have a row of that label.
    pub label: String,
    /// Its session.
    pub session: SessionId,
    /// Its id.
    pub result: String,
}

/// The table that was asked for last.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    asked: Option<Vec<JoinPart>>,
    table: Option<Result<Box<CompareDocument>, String>>,
    /// Whether one that failed is on its way again.
    again: bool,
}

impl Joining {
    /// Whether a table of these is still to be asked for; from now on it is.
    pub fn ask(&mut self, parts: &[JoinPart]) -> bool {
        if self.asked.as_deref() == Some(parts) {
            return false;
        }
        *self = Self { asked: Some(parts.to_vec()), table: None, again: false };
        true
    }

    /// Notes that a table of these is asked for again by someone's wish; why it failed stays until it
    /// came.
    pub fn ask_again(&mut self, parts: &[JoinPart]) {
        self.again = self.asked.as_deref() == Some(parts) && matches!(self.table, Some(Err(_)));
    }

    /// Whether the one that failed is on its way again.
    #[must_use]
    pub fn is_asked_again(&self) -> bool {
        self.again
    }

    /// Takes in what came of it; what nobody waits for any more is dropped.
    pub fn put(&mut self, parts: &[JoinPart], table: Result<Box<CompareDocument>, String>) {
        if self.asked.as_deref() == Some(parts) {
            (self.table, self.again) = (Some(table), false);
        }
    }

    /// The table of these, or why there is none; nothing until it came.
    #[must_use]
    pub fn of(&self, parts: &[JoinPart]) -> Option<Result<&CompareDocument, &str>> {
        let table = self.table.as_ref().filter(|_| self.asked.as_deref() == Some(parts))?;
        Some(match table {
            Ok(document) => Ok(&**document),
            Err(why) => Err(why.as_str()),
        })
    }

    /// A session's results are others now.
    pub fn forget(&mut self, session: &SessionId) {
        if self.asked.iter().flatten().any(|part| part.session == *session) {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(session: &str, result: &str) -> JoinPart {
        JoinPart { label: result.into(), session: session.parse().unwrap(), result: result.into() }
    }

    #[test]
    fn a_table_is_asked_for_once_and_again_when_its_results_change() {
        let (a, b) = ("20261124-100000-a-aaaaaa", "20261124-110000-b-bbbbbb");
        let (one, two) = ([part(a, "x"), part(a, "y")], [part(a, "x"), part(b, "y")]);
        let mut joining = Joining::default();
        assert!(joining.ask(&one) && !joining.ask(&one));
        assert!(joining.of(&one).is_none());
        joining.put(&two, Err("of another table".to_owned()));
        assert!(joining.of(&one).is_none() && joining.of(&two).is_none());
        joining.put(&one, Err("gone".to_owned()));
        assert_eq!(joining.of(&one), Some(Err("gone")));
        joining.forget(&b.parse().unwrap());
        assert!(!joining.ask(&one));
        joining.forget(&a.parse().unwrap());
        assert!(joining.ask(&one) && joining.of(&one).is_none());
        assert!(joining.ask(&two), "another table");
    }

    #[test]
    fn one_that_failed_is_asked_again_by_wish_and_says_why_meanwhile() {
        let a = "20261124-100000-a-aaaaaa";
        let parts = [part(a, "x"), part(a, "y")];
        let mut joining = Joining::default();
        assert!(joining.ask(&parts));
        joining.ask_again(&parts);
        assert!(!joining.is_asked_again(), "it is on its way");
        joining.put(&parts, Err("no room".to_owned()));
        assert!(!joining.ask(&parts) && !joining.is_asked_again());
        joining.ask_again(&parts);
        assert!(joining.is_asked_again());
        assert_eq!(joining.of(&parts), Some(Err("no room")));
        joining.put(&parts, Err("gone".to_owned()));
        assert!(!joining.is_asked_again());
        assert_eq!(joining.of(&parts), Some(Err("gone")));
    }
}
