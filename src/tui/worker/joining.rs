//! Results joined into one table, as `compare --results` joins them.

use crate::eval::CompareDocument;
use crate::eval::bootstrap::RESAMPLES;
use crate::eval::joined;
use crate::session::parts::part;
use crate::session::results::{ResultId, results_of};
use crate::tui::data::joining::JoinPart;
use crate::tui::msg::{Msg, News};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// The seed of resamples and sign flips where none is named, on the command line too.
const SEED: u64 = 0;

/// Reads the results and joins them: those that are there, as the table's document names them.
///
/// # Errors
/// Fewer than two are there; one of them cannot be read, or may not share a table with the others; in words.
pub fn join(sessions: &Path, parts: &[JoinPart]) -> Result<Box<CompareDocument>, String> {
    let (mut read, mut gone) = (Vec::with_capacity(parts.len()), Vec::new());
    for JoinPart { label, session, result } in parts {
        let folder = sessions.join(session.as_str());
        let id = result.parse::<ResultId>().ok();
        match id.filter(|id| results_of(&folder).document_path(id).is_file()) {
            Some(id) => read.push(part(&folder, session, &id, label).map_err(in_words)?),
            None => gone.push(label.as_str()),
        }
    }
    if read.len() < 2 && !gone.is_empty() {
        return Err(format!("not there any more: {}", gone.join(", ")));
    }
    joined::join(read, None, RESAMPLES, SEED).map(Box::new).map_err(in_words)
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The same beside everything else: resampling long results takes its time.
pub fn start(sessions: PathBuf, parts: Vec<JoinPart>, messages: Sender<Msg>) {
    std::thread::spawn(move || {
        let table = join(&sessions, &parts);
        let _ = messages.send(Msg::News(News::Joined(parts, table)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SESSION: &str = "20261124-100000-tables-bbbbbb";

    /// A comparison of one encoder, without its neighbours.
    fn write(sessions: &Path, id: &str) {
        let shares = json!({"recall@1": 0.5, "recall@5": 0.5, "recall@10": 0.5, "mrr": 0.5,
            "median_rank": 1.0});
        let ends = json!([0.1, 0.9]);
        let document = json!({"format": "llm2clip.compare/1", "task": "caption",
            "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                "captions": "any", "judgements": "own", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "rows": [{"role": id, "encoder": {"kind": "llama"}, "direction": "text-to-text",
                "metrics": shares, "ci95": {"recall@1": ends, "recall@5": ends, "recall@10": ends,
                    "mrr": ends, "median_rank": [1.0, 2.0]},
                "tied_share": 0.0, "mean_cosine": 0.5, "items": 9, "queries": 9,
                "ms_per_item": null, "ms_per_query": null, "index_ms": null,
                "bytes_per_item": null, "truncated": 0}],
            "differences": []});
        let results = results_of(&sessions.join(SESSION));
        results.write(&id.parse().unwrap(), &document).unwrap();
    }

    fn part(result: &str) -> JoinPart {
        JoinPart { label: result.into(), session: SESSION.parse().unwrap(), result: result.into() }
    }

    #[test]
    fn what_is_gone_is_left_out_and_named_where_nothing_is_left_to_join() {
        let sessions = tempfile::tempdir().unwrap();
        for id in ["caption-1", "caption-2"] {
            write(sessions.path(), id);
        }
        // A record may name anything.
        let parts = ["caption-1", "caption-9", "../../x", "caption-2"].map(part);
        let table = join(sessions.path(), &parts).unwrap();
        let joined: Vec<&str> =
            table.joined.iter().flat_map(|joined| &joined.results).map(|one| &*one.label).collect();
        assert_eq!(joined, ["caption-1", "caption-2"]);
        assert_eq!(table.rows.len(), 2);
        let error = join(sessions.path(), &parts[..3]).unwrap_err();
        assert_eq!(error, "not there any more: caption-9, ../../x");
        // One that is there and cannot be read is no gap.
        let results = results_of(&sessions.path().join(SESSION));
        std::fs::write(results.document_path(&"caption-2".parse().unwrap()), "torn").unwrap();
        assert!(join(sessions.path(), &parts).unwrap_err().contains("caption-2"));
    }
}
