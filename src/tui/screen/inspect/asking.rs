//! What is typed on Inspect: a question for two encoders, texts to choose from, a note.

use super::spread::Beside;
use super::{InspectScreen, Row, serve};
use crate::session::sitting::Subject;
use crate::tui::app::{Effect, Purpose, Question, Shared};
use crate::tui::data::asked;
use crate::tui::screen::compare::session;

impl InspectScreen {
    /// Takes a line that was typed.
    pub(super) fn take_line(
        &mut self,
        purpose: Purpose,
        text: &str,
        shared: &Shared,
    ) -> Vec<Effect> {
        let (Some(session), Some(shown)) = (session(shared).cloned(), self.shown(shared)) else {
            let words = "there are no two encoders to ask here: compare or inspect some first";
            return vec![Effect::Fail(words.to_owned())];
        };
        match purpose {
            Purpose::Ask | Purpose::Choose if !text.is_empty() => {
                let id = shared.next_question();
                let line = if purpose == Purpose::Ask {
                    Ok(asked::question(&id, text, shown.direction))
                } else if let Some(why) = serve::blind(shared, &shown) {
                    Err(why)
                } else {
                    let rows = self.listed(shared, &shown);
                    let row = self.selected(&rows);
                    let picture = row.and_then(|row| match row {
                        Row::Asked(asked) => asked.picture(),
                        Row::Paired(query) => Some(&*query.id),
                    });
                    asked::choice(&id, text, picture)
                };
                let roles: Vec<&str> = shown.sets.iter().map(|set| set.role.as_str()).collect();
                let ready = line.and_then(|mut line| {
                    line["encoders"] = roles.into();
                    let expected = serve::expected(shared, &shown)?;
                    Ok((line, serve::arguments(shared, &shown)?, expected))
                });
                match ready {
                    Err(why) => vec![Effect::Fail(why)],
                    Ok((line, arguments, expected)) => {
                        (self.wanted, self.beside) = (Some(id.clone()), Beside::Neighbours);
                        vec![Effect::Ask(session, arguments, Question { id, line, expected })]
                    }
                }
            }
            Purpose::Note => {
                let rows = self.listed(shared, &shown);
                let Some(row) = self.selected(&rows) else { return Vec::new() };
                vec![Effect::Note(session, Subject::query(row.id()), text.to_owned())]
            }
            _ => Vec::new(),
        }
    }
}
