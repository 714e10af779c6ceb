//! Work that was started here and is watched: comparisons and exports.

use super::super::text;
use crate::ids::SessionId;
use serde_json::Value;

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Asked for; nothing was heard yet.
    #[default]
    Requested,
    /// What it said last.
    Under(String),
    /// It ended well: what it came to, where there is more to say.
    Done(Option<String>),
    /// Why it failed.
    Failed(String),
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// The session it works for.
    pub session: SessionId,
    /// What it does, in words.
    pub what: String,
    /// How far it is.
    pub progress: Progress,
}

impl Job {
    /// In words, as far as it is.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.progress {
            Progress::Requested => format!("{}: requested", self.what),
            Progress::Under(said) => format!("{}: {said}", self.what),
            Progress::Done(None) => format!("{}: done", self.what),
            Progress::Done(Some(came_to)) => format!("{}: {came_to}", self.what),
            Progress::Failed(why) => format!("{} failed: {why}", self.what),
        }
    }

    /// Whether it still works.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self.progress, Progress::Requested | Progress::Under(_))
    }
}

/// What the document that a job printed comes to, where it says more than that it is done.
#[must_use]
pub fn came_to(document: &Value) -> Option<String> {
    if document["format"] == "llm2clip.screen/1" {
        return Some(format!("it lies at {}", text::safe(document["out"].as_str()?)));
    }
    let out = document["out"].as_str().filter(|_| document["format"] == "llm2clip.exported/1")?;
    let files = document["files"].as_array()?.len();
    let noun = if files == 1 { "file" } else { "files" };
    Some(format!("{files} {noun} in {}", text::safe(out)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_export_comes_to_its_files_and_other_work_to_its_end() {
        let document = json!({"format": "llm2clip.exported/1", "out": "a\u{1b}", "files": ["x"]});
        assert_eq!(came_to(&document).unwrap(), "1 file in a\\u{1b}");
        let document = json!({"format": "llm2clip.screen/1", "out": "a.cast"});
        assert_eq!(came_to(&document).unwrap(), "it lies at a.cast");
        assert_eq!(came_to(&json!({"format": "llm2clip.compare/1"})), None);
    }
}
