//! Series of runs in one process: what is left of one whose process is gone, and how to start it.

use super::global::say;
use super::text::safe;
use crate::ids::Digest;
use crate::recipe::Recipe;
use crate::session::event::StillToStart;
use crate::session::folder::Session;
use crate::session::follow::{RunFollower, logs_in, read_run};
use std::collections::BTreeSet;

/// A run of a series that has not begun, by the words of its command.
pub fn still_to_start(words: &[String], recipe: &Recipe) -> StillToStart {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    StillToStart { command: format!("llm2clip {}", words.join(" ")), recipe: digest_of(recipe) }
}

fn digest_of(recipe: &Recipe) -> Digest {
    // A recipe is plain data: turning it into JSON cannot fail.
    Digest::of(&serde_json::to_vec(recipe).unwrap_or_default())
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Says which runs of a series have not begun, and the command of each.
pub fn say_left(left: &[StillToStart]) {
    if left.is_empty() {
        return;
    }
    say(&format!("{} of its series have not begun; each is started by", left.len()));
    for run in left {
        say(&format!("  {}", safe(&run.command)));
    }
}

/// The runs of the series that a run was part of, and that have not begun since.
pub fn left_of(session: &Session, run: &RunFollower) -> Vec<StillToStart> {
    let Some(started) = &run.state().started else { return Vec::new() };
    // A later segment is another process's: the first one knows of the series.
    let first = || first_segment(session, run);
    let series = if started.series.is_empty() {
        first().unwrap_or_default()
    } else {
        started.series.clone()
    };
    if series.is_empty() {
        return series;
    }
    let mut begun = BTreeSet::new();
    for other in logs_in(session.folder()).unwrap_or_default().into_keys() {
        let recipe = read_run(session.folder(), &other)
            .ok()
            .and_then(|other| other.into_state().started)
            .and_then(|started| serde_json::from_value::<Recipe>(started.recipe).ok());
        begun.extend(recipe.map(|recipe| digest_of(&recipe)));
    }
    series.into_iter().filter(|run| !begun.contains(&run.recipe)).collect()
}

fn first_segment(session: &Session, run: &RunFollower) -> Option<Vec<StillToStart>> {
    use crate::session::Event;
    use crate::session::tail::{Budget, LogTail};
    let logs = logs_in(session.folder()).ok()?.remove(run.run())?;
    let mut tail = LogTail::open(logs.values().next()?).ok()?;
    let mut found = None;
    tail.poll(Budget { records: 2, ..Budget::ALL }, |record| {
        if let Event::RunStarted(started) = record.event {
            found = Some(started.series);
        }
    })
    .ok()?;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        assert_eq!(quoted("clip.lr=1e-3"), "clip.lr=1e-3");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's;$HOME"), "'it'\\''s;$HOME'");
        assert_eq!(quoted(""), "''");
    }
}
