//! Writing a session's results as files: which session, into which folder; what will be there.

use super::{App, Effect, Notice, Overlay, Shared};
use crate::ids::SessionId;
use crate::tui::keys::{Action, Key};
use crate::tui::screen::compare::session;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::{pieces, put, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::path::Path;

/// What is written, in words.
const WRITTEN: [(&str, &str); 4] = [
    ("export.json", "the session's card, its runs and every result"),
    ("*.csv", "comparisons, differences, sweeps, curves"),
    ("*.run *.qrels", "TREC: ranked lists and judgements"),
    ("*.svg *.png", "every chart"),
];

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportForm {
    /// The session.
    pub session: SessionId,
    /// The folder.
    pub folder: Input,
}

impl ExportForm {
    /// A form for a session.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        let folder = Input::new(&default_folder(&session));
        Self { session, folder }
    }

    /// The command's arguments, or what is wrong.
    pub fn arguments(&self) -> Result<Vec<String>, String> {
        let folder = self.folder.text().trim();
        if folder.is_empty() {
            return Err("no folder: type one".to_owned());
        }
        let session = self.session.to_string();
        let arguments = ["export", &session, &format!("--out={folder}"), "--session", &session];
        Ok(arguments.map(str::to_owned).into())
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        self.folder.insert(text);
    }

    fn turn(&mut self, shared: &Shared, back: bool) {
        let sessions = &shared.library.sessions;
        let Some(at) = sessions.iter().position(|entry| entry.id == self.session) else { return };
        let count = sessions.len();
        let next = &sessions[if back { at + count - 1 } else { at + 1 } % count].id;
        if self.folder.text() == default_folder(&self.session) {
            self.folder = Input::new(&default_folder(next));
        }
        self.session = next.clone();
    }

    /// Takes a key: whether the form stays, and what it asks for.
    pub fn key(
        &mut self,
        key: Key,
        action: Option<Action>,
        shared: &Shared,
    ) -> (bool, Vec<Effect>) {
        match action {
            Some(Action::Close) => return (false, Vec::new()),
            Some(Action::Accept) => {
                let Ok(arguments) = self.arguments() else { return (true, Vec::new()) };
                let folder = self.folder.text().trim();
                let what = format!("export of {} to {folder}", shared.library.title(&self.session));
                return (false, vec![Effect::Job(self.session.clone(), what, arguments)]);
            }
            Some(Action::OverlayUp) => self.turn(shared, true),
            Some(Action::OverlayDown) => self.turn(shared, false),
            _ => {
                self.folder.key(key);
            }
        }
        (true, Vec::new())
    }
}

fn default_folder(session: &SessionId) -> String {
    format!("export/{session}")
}

impl App {
    /// Opens the form, where anything may be written.
    pub(super) fn export(&mut self) {
        let refused = match session(&self.shared) {
            _ if self.shared.readonly => {
                "the workbench was opened with --readonly: nothing is written"
            }
            None => "there is no session to export yet",
            Some(session) => {
                self.overlay = Some(Overlay::Export(Box::new(ExportForm::new(session.clone()))));
                return;
            }
        };
        self.notice = Some(Notice { text: refused.to_owned(), bad: true });
    }

    pub(super) fn export_form(&self, form: &ExportForm, area: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        let style = |role| shared.theme.style(role);
        let mut rest = self.sheet(76, 13, "Export", area, buffer);
        let name = |line: Rect, name: &str, buffer: &mut Buffer| {
            put(buffer, line, line.x, line.y, name, style(Role::Dim));
            Rect { x: line.x + 10, width: line.width.saturating_sub(10), ..line }
        };
        let mut next = || {
            let (line, below) = top(rest, 1);
            rest = below;
            line
        };
        let cut = shared.glyphs.cut();
        let value = name(next(), "session", buffer);
        let title = text::safe(&shared.library.title(&form.session));
        put(buffer, value, value.x, value.y, &title, style(Role::Title));
        let value = name(next(), "", buffer);
        put(buffer, value, value.x, value.y, form.session.as_str(), style(Role::Dim));
        let value = name(next(), "folder", buffer);
        self.typing(&form.folder, value.x, value, buffer);
        let value = name(next(), "writes to", buffer);
        let (role, words) = match form.arguments() {
            Err(why) => (Role::Bad, why),
            Ok(_) => {
                let path = shared.here.join(Path::new(form.folder.text().trim()));
                (Role::Good, path.display().to_string())
            }
        };
        let words = text::fit_end(&text::safe(&words), usize::from(value.width), cut);
        put(buffer, value, value.x, value.y, &words, style(role));
        next();
        for (files, what) in WRITTEN {
            let line = next();
            let parts = [(Role::Text, &*text::left(files, 16, cut)), (Role::Dim, what)];
            pieces(shared, buffer, line, line.x, line.y, &parts);
        }
        let line = next();
        let hints = [
            (Role::Key, "enter"),
            (Role::Dim, " writes them, over files of the same names   "),
            (Role::Key, "up down"),
            (Role::Dim, " session"),
        ];
        pieces(shared, buffer, line, line.x, line.y, &hints);
    }
}
