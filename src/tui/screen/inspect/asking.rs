//! What is typed on Inspect: a question for two encoders, texts to choose from, a note.

use super::source;
use super::spread::Beside;
use super::{InspectScreen, Row, Shown, serve};
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
        let pictured = match purpose {
            Purpose::Ask => asked::is_picture(text),
            purpose => purpose == Purpose::Choose,
        };
        if pictured {
            self.seat_seeing(shared);
        }
        let (Some(session), Some(shown)) = (session(shared).cloned(), self.shown(shared)) else {
            let words = "there are no two encoders to ask here: compare or inspect some first";
            return vec![Effect::Fail(words.to_owned())];
        };
        match purpose {
            Purpose::Ask | Purpose::Choose if !text.is_empty() => {
                let id = shared.next_question();
                let blind = if pictured { serve::blind(&shown) } else { None };
                let line = if let Some(why) = blind {
                    Err(why)
                } else if purpose == Purpose::Ask {
                    Ok(asked::question(&id, text, shown.direction))
                } else {
                    let rows = self.listed(shared, &shown);
                    let row = self.selected(&rows);
                    let picture = row.and_then(|row| match row {
                        // Of a typed text the chosen neighbour is looked at.
                        Row::Asked(asked) => {
                            asked.picture().or_else(|| self.neighbour(shared, &shown, row))
                        }
                        Row::Paired(_, id) => Some(id),
                    });
                    asked::choice(&id, text, picture)
                };
                let groups = source::judged(shared, self.second);
                let ready = line.and_then(|mut line| {
                    let (roles, why) = serve::asked(shared, &shown, &groups, pictured)?;
                    line["encoders"] = roles.to_vec().into();
                    let expected = serve::expected(shared, &shown)?;
                    Ok((line, serve::arguments(shared, &shown, roles)?, expected, why))
                });
                match ready {
                    Err(why) => {
                        self.unsent = Some((purpose, text.to_owned()));
                        vec![Effect::Fail(why)]
                    }
                    Ok((line, arguments, expected, why)) => {
                        (self.wanted, self.beside) = (Some(id.clone()), Beside::Neighbours);
                        let question = Question { id, line, expected };
                        let mut effects = vec![Effect::Ask(session, arguments, question)];
                        effects.extend(why.map(Effect::Say));
                        effects
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

    /// The id of the chosen neighbour.
    fn neighbour<'a>(&self, shared: &Shared, shown: &Shown<'a>, row: Row<'a>) -> Option<&'a str> {
        let columns = self.columns(shared, shown, row)?;
        let mut hits = columns.lists.iter().flat_map(|list| &list.hits);
        hits.nth(columns.chosen).map(|hit| hit.item)
    }

    /// What a line for a purpose begins with: what was typed for it and could not be asked.
    pub(super) fn begun(&mut self, purpose: Purpose) -> String {
        let unsent = self.unsent.take().filter(|(of, _)| *of == purpose);
        unsent.map_or_else(String::new, |(_, text)| text)
    }

    /// Of encoders that can only be asked, and of which none were chosen, puts the first two in front
    /// that can be shown a picture.
    fn seat_seeing(&mut self, shared: &Shared) {
        let groups = source::judged(shared, self.second);
        let Some(group) = groups.get(source::at(&groups, self.place.as_ref())) else { return };
        if group.is_listed() || self.encoders.is_some() {
            return;
        }
        let sets = group.sets.iter().enumerate();
        let mut seeing = sets.filter(|(_, set)| !serve::is_blind(group.from, &set.role));
        if let (Some((a, _)), Some((b, _))) = (seeing.next(), seeing.next()) {
            self.encoders = Some((a, b));
            self.settle(shared);
        }
    }
}
