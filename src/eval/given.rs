//! How a result's data set was given, so that it can be opened again: its name in the protocol is what
//! its file is called, and says neither where it lies nor how it is read.

use serde::{Deserialize, Serialize};

/// What `--dataset`, `--data` and their like said, word for word. It is no part of the protocol: the
/// same set elsewhere is the same set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGiven {
    /// As `--dataset` took it; a relative path starts at `data`, else where the program worked.
    pub dataset: String,
    /// As `--data` took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The split asked for, whether or not the set has splits.
    pub split: String,
    /// The first so many items; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<usize>,
    /// Language of the queries; absent where not picked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_language: Option<String>,
    /// Language of the gallery; absent where not picked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_language: Option<String>,
}

impl SetGiven {
    /// The flags that give it again.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        // A value may begin with a dash: one word with its flag.
        let mut arguments = vec![format!("--dataset={}", self.dataset)];
        let mut put = |flag: &str, value: Option<&str>| {
            arguments.extend(value.map(|value| format!("--{flag}={value}")));
        };
        put("data", self.data.as_deref());
        put("split", Some(&self.split));
        put("pool", self.pool.map(|pool| pool.to_string()).as_deref());
        put("query-language", self.query_language.as_deref());
        put("gallery-language", self.gallery_language.as_deref());
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_given_again() {
        let plain = SetGiven { dataset: "emoji".into(), split: "test".into(), ..<_>::default() };
        assert_eq!(plain.arguments(), ["--dataset=emoji", "--split=test"]);
        let text = serde_json::to_string(&plain).unwrap();
        assert_eq!(text, r#"{"dataset":"emoji","split":"test"}"#);
        let given = SetGiven {
            dataset: "csv:lines.txt".into(),
            data: Some("my data".into()),
            split: "validation".into(),
            pool: Some(7),
            query_language: Some("ko".into()),
            gallery_language: Some("en".into()),
        };
        let arguments = given.arguments().join(" ");
        let expected = "--dataset=csv:lines.txt --data=my data --split=validation --pool=7 \
                        --query-language=ko --gallery-language=en";
        assert_eq!(arguments, expected);
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(serde_json::from_str::<SetGiven>(&text).unwrap(), given);
    }
}
