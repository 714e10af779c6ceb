//! Results joined into one table, as `compare --results` joins them.

use crate::eval::CompareDocument;
use crate::eval::bootstrap::RESAMPLES;
use crate::eval::joined;
use crate::session::parts::part;
use crate::session::results::ResultId;
use crate::tui::data::joining::JoinPart;
use crate::tui::msg::{Msg, News};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// The seed of resamples and sign flips where none is named, on the command line too.
const SEED: u64 = 0;

/// Reads the results and joins them.
///
/// # Errors
/// One of them cannot be read, or may not share a table with the others; in words.
pub fn join(sessions: &Path, parts: &[JoinPart]) -> Result<Box<CompareDocument>, String> {
    let mut read = Vec::with_capacity(parts.len());
    for JoinPart { label, session, result } in parts {
        let id: ResultId = result.parse().map_err(in_words)?;
        let folder = sessions.join(session.as_str());
        read.push(part(&folder, session, &id, label).map_err(in_words)?);
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
