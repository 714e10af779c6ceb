//! The lines of `inspect --serve`: a question a line, and what comes back where it has no answer.

use super::Direction;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One question: exactly one of `text`, `image` and `query_id`; with `candidates`, a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InspectQuestion {
    /// Comes back with the answer; any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// A text that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A picture file that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// A caption or picture of the data set that asks, by its id, or by its item's for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
    /// Texts to choose from for a picture, a class each: answered by a classification instead of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<String>>,
    /// Labels of the two encoders that are asked, the left one first; none for the first two that the
    /// server was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoders: Option<[String; 2]>,
    /// Length of the lists; none for what the server was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Query to gallery; none for what the server was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectRefusal {
    /// The question's; null where it could not be read.
    pub id: Value,
    /// What was wrong.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_written_short_and_a_slip_in_a_key_is_an_error() {
        let line = r#"{"id":7,"text":"a red kite","k":3,"direction":"text-to-image"}"#;
        let question: InspectQuestion = serde_json::from_str(line).unwrap();
        assert_eq!((question.k, question.direction), (Some(3), Some(Direction::TextToImage)));
        assert_eq!(serde_json::to_string(&question).unwrap(), line);
        let slip = r#"{"txt":"a"}"#;
        let error = serde_json::from_str::<InspectQuestion>(slip).unwrap_err().to_string();
        assert!(error.contains("txt") && error.contains("query_id"), "{error}");
    }
}
