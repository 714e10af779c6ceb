//! Typed queries as they stood at a moment of a session.

use crate::ids::SessionId;
use crate::session::sitting::SittingState;
use crate::tui::data::asked::Asked;
use std::sync::Arc;

/// Those of the last moment asked for.
#[derive(Debug, Default)]
pub struct Answers {
    /// How many had been answered, and how many of them were kept.
    of: (u64, usize),
    asked: Arc<Vec<Asked>>,
}

impl Answers {
    /// Those of a moment, oldest first. They are read again only where there are others.
    pub fn at(&mut self, session: &SessionId, sittings: &SittingState) -> Arc<Vec<Asked>> {
        let of = (sittings.answers.count, sittings.answers.kept.len());
        if self.of != of {
            *self = Self { of, asked: Arc::new(read(session, sittings)) };
        }
        Arc::clone(&self.asked)
    }
}

/// Of two with one id, the first: whoever typed the second saw the first under that id.
fn read(session: &SessionId, sittings: &SittingState) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for kept in &sittings.answers.kept {
        let id = kept.question["id"].as_str().unwrap_or_default().to_owned();
        if all.iter().any(|asked| asked.id == id) {
            continue;
        }
        let (session, question) = (session.clone(), kept.question.clone());
        let (expected, answer, dismissed) = (None, None, false);
        let mut asked = Asked { id, session, question, expected, answer, dismissed, seen: None };
        asked.answered(&kept.answer);
        all.push(asked);
    }
    all
}
