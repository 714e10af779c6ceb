//! Typed queries and notes: asked and recorded here, shown by the Inspect screen.

use super::{App, Notice, Question, READONLY};
use crate::ids::SessionId;
use crate::session::sitting::{Answered, Note, Noted, SittingState, Subject};
use crate::tui::data::asked::Asked;
use crate::tui::msg::{Cmd, Work};
use serde_json::{Value, json};

impl App {
    fn readonly(&mut self) -> bool {
        if self.shared.readonly {
            self.notice = Some(Notice { text: READONLY.to_owned(), bad: true });
        }
        self.shared.readonly
    }

    /// Asks two encoders.
    pub(super) fn put_question(
        &mut self,
        session: SessionId,
        arguments: Vec<String>,
        asked: Question,
        commands: &mut Vec<Cmd>,
    ) {
        // Also under --readonly: the child reads data and weights and prints, and what is asked is
        // recorded only where anything may be written.
        let Question { id, line: question, expected } = asked;
        let (line, expected) = (question.clone(), Some(expected));
        let (answer, dismissed, seen) = (None, false, None);
        let asked = Asked { id, session, question: line, expected, answer, dismissed, seen };
        self.shared.asked.push(asked);
        commands.push(Cmd::Work(Work::Ask { arguments, question }));
    }

    /// An answer came: the question that waits for it gets it, and both are recorded.
    pub(super) fn answered(&mut self, mut answer: Value, commands: &mut Vec<Cmd>) {
        let waits = |asked: &&mut Asked| asked.answer.is_none() && answer["id"] == *asked.id;
        let Some(asked) = self.shared.asked.iter_mut().find(waits) else { return };
        asked.answered(&answer);
        // What is recorded comes back in later sittings.
        if asked.dismissed {
            return;
        }
        if let Some(Err(why)) = &asked.answer {
            self.notice = Some(Notice { text: why.clone(), bad: true });
            // What is refused here is no answer in the record either.
            answer = json!({"id": asked.id, "error": why});
        }
        let (id, question) = (asked.id.clone(), asked.question.clone());
        let session = asked.session.clone();
        self.record(&session, Answered { id, question, answer }, commands);
    }

    /// A child that answers ended: what it was asked gets no answer any more.
    pub(super) fn unanswered(&mut self, ids: &[String], why: &str) {
        let waits = |asked: &&mut Asked| asked.answer.is_none() && ids.contains(&asked.id);
        for asked in self.shared.asked.iter_mut().filter(waits) {
            asked.answer = Some(Err(why.to_owned()));
            self.notice = Some(Notice { text: why.to_owned(), bad: true });
        }
    }

    /// Puts a typed query away. Its record, which every action has, keeps it out of later sittings.
    pub(super) fn dismiss(&mut self, session: &SessionId, id: &str) {
        let is = |asked: &&mut Asked| asked.session == *session && asked.id == id;
        let Some(asked) = self.shared.asked.iter_mut().find(is) else { return };
        asked.dismissed = true;
        let text = "put away; the record of this session keeps what was asked".to_owned();
        self.notice = Some(Notice { text, bad: false });
    }

    /// Answers of earlier sittings are shown beside this one's.
    pub(super) fn recall(&mut self, session: &SessionId, sittings: &SittingState) {
        for answer in &sittings.answers.kept {
            let id = answer.question["id"].as_str().unwrap_or_default().to_owned();
            let known = |asked: &Asked| asked.session == *session && asked.id == id;
            if self.shared.asked.iter().any(known) {
                continue;
            }
            let question = answer.question.clone();
            let (session, expected) = (session.clone(), None);
            let (dismissed, seen) = (false, None);
            let mut asked =
                Asked { id, session, question, expected, answer: None, dismissed, seen };
            asked.answered(&answer.answer);
            self.shared.asked.push(asked);
        }
    }

    /// Writes a note on something, or takes it back.
    pub(super) fn note(
        &mut self,
        session: &SessionId,
        on: Subject,
        text: String,
        commands: &mut Vec<Cmd>,
    ) {
        if self.readonly() {
            return;
        }
        let notes = &mut self.shared.library.sittings.entry(session.clone()).or_default().notes;
        if text.is_empty() {
            notes.remove(&on);
        } else {
            notes.insert(on.clone(), Note { text: text.clone(), time: self.shared.now });
        }
        self.record(session, Noted { on, text }, commands);
    }
}
