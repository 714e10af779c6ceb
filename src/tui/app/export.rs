//! Writing a session's results as files: which session, which formats, into which folder; what came of it.

use super::form::{Form, beside, next_of, unscrolled, within};
use super::shared::READONLY;
use super::{App, Effect, Notice, Overlay, Shared};
use crate::export::Format;
use crate::ids::SessionId;
use crate::tui::data::jobs::Progress;
use crate::tui::keys::{Action, Key};
use crate::tui::screen::compare::session;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, pieces, put, top};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use std::path::Path;

/// Columns of a session's title where a line has to hold more.
const TITLE: usize = 24;
/// Columns before a field's value.
const NAMES: u16 = 10;

/// The fields, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// Which session.
    Session,
    /// The folder.
    #[default]
    Folder,
    /// What is written.
    Formats,
}

impl Field {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Session, Self::Folder, Self::Formats];
}

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportForm {
    /// The session.
    pub session: SessionId,
    /// The field in front.
    pub field: Field,
    /// The folder.
    pub folder: Input,
    /// Whether each of [`Format::ALL`] is written.
    pub formats: [bool; Format::ALL.len()],
    /// Which of them is in front.
    pub cursor: Cursor,
    /// The work this form as it stands was accepted for.
    pub job: Option<u64>,
}

impl ExportForm {
    /// A form for a session.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        let folder = Input::new(&default_folder(&session));
        let formats = [true; Format::ALL.len()];
        let (field, cursor) = (Field::default(), Cursor::default());
        Self { session, field, folder, formats, cursor, job: None }
    }

    /// The command's arguments, or what is wrong.
    pub fn arguments(&self) -> Result<Vec<String>, String> {
        let folder = self.folder.text().trim();
        if folder.is_empty() {
            return Err("no folder: type one".to_owned());
        }
        let chosen = Format::ALL.iter().zip(self.formats).filter(|(_, chosen)| *chosen);
        let chosen: Vec<&str> = chosen.map(|(format, _)| format.name()).collect();
        let session = self.session.to_string();
        let mut arguments = vec!["export".to_owned(), session.clone(), format!("--out={folder}")];
        match chosen.len() {
            0 => return Err("no format: choose one or more below".to_owned()),
            all if all == Format::ALL.len() => {}
            _ => arguments.push(format!("--formats={}", chosen.join(","))),
        }
        arguments.extend(["--session".to_owned(), session, "--json".to_owned()]);
        Ok(arguments)
    }

    /// The line in front, and how many lines the form takes.
    fn place(&self) -> (u16, u16) {
        let at = match self.field {
            Field::Session => 0,
            Field::Folder => 2,
            Field::Formats => 4 + self.cursor.at,
        };
        // Behind the formats: what is wrong, and the keys.
        (at as u16, (4 + Format::ALL.len() + 3) as u16)
    }

    fn turn(&mut self, shared: &Shared, back: bool) {
        let sessions = &shared.library.sessions;
        let Some(at) = sessions.iter().position(|entry| entry.id == self.session) else { return };
        let next = &sessions[beside(at, sessions.len(), back)].id;
        if self.folder.text() == default_folder(&self.session) {
            self.folder = Input::new(&default_folder(next));
        }
        self.session = next.clone();
    }

    fn progress<'a>(&self, shared: &'a Shared) -> Option<&'a Progress> {
        let id = self.job?;
        shared.jobs.iter().find(|job| job.id == id).map(|job| &job.progress)
    }
}

impl Form for ExportForm {
    fn line(&mut self) -> Option<&mut Input> {
        (self.field == Field::Folder).then_some(&mut self.folder)
    }

    fn changed(&mut self) {
        self.job = None;
    }

    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        if shared.readonly {
            return (true, vec![Effect::Fail(READONLY.to_owned())]);
        }
        let writes =
            matches!(self.progress(shared), Some(Progress::Requested | Progress::Under(_)));
        let Ok(arguments) = self.arguments() else { return (true, Vec::new()) };
        if writes {
            return (true, Vec::new());
        }
        self.job = Some(shared.next_job());
        let title = shared.library.title(&self.session);
        let what = format!("export of {}", text::fit(&title, TITLE, shared.glyphs.cut()));
        (true, vec![Effect::Job(self.session.clone(), what, arguments)])
    }

    fn clicked(&mut self, (_, row): (u16, u16), inner: Rect) {
        match usize::from(unscrolled(row, self.place(), inner).0) {
            // The second line is the session's id.
            0 | 1 => self.field = Field::Session,
            2 => self.field = Field::Folder,
            3 => self.field = Field::Formats,
            row if row - 4 < Format::ALL.len() => {
                let again = self.field == Field::Formats && self.cursor.at == row - 4;
                (self.field, self.cursor.at) = (Field::Formats, row - 4);
                if again {
                    self.formats[row - 4] = !self.formats[row - 4];
                    self.changed();
                }
            }
            _ => {}
        }
    }

    fn wheel(&mut self, lines: i8) {
        self.field = Field::Formats;
        self.cursor.shift(lines, Format::ALL.len());
    }

    fn takes(&mut self, key: Key, action: Option<Action>, shared: &Shared) -> bool {
        match (self.field, action, key.code) {
            (Field::Formats, Some(Action::OverlayUp), _) if self.cursor.at == 0 => {
                self.field = Field::Folder;
            }
            (Field::Formats, Some(action), _) => drop(self.cursor.act(action, self.formats.len())),
            (_, Some(Action::OverlayDown), _) | (_, None, KeyCode::Tab) => {
                self.field = next_of(&Field::ALL, self.field, false);
            }
            (_, Some(Action::OverlayUp), _) | (_, None, KeyCode::BackTab) => {
                self.field = next_of(&Field::ALL, self.field, true);
            }
            (Field::Formats, None, KeyCode::Char(' ')) => {
                let chosen = &mut self.formats[self.cursor.at.min(Format::ALL.len() - 1)];
                *chosen = !*chosen;
                self.changed();
            }
            (Field::Session, None, KeyCode::Char(' ') | KeyCode::Right | KeyCode::Left) => {
                self.turn(shared, key.code == KeyCode::Left);
                self.changed();
            }
            _ => return false,
        }
        true
    }
}

fn default_folder(session: &SessionId) -> String {
    format!("export/{session}")
}

impl App {
    /// Opens the form, where anything may be written.
    pub(super) fn export(&mut self) {
        let refused = match session(&self.shared) {
            _ if self.shared.readonly => READONLY,
            None => "there is no session to export yet",
            Some(session) => {
                self.overlay = Some(Overlay::Export(Box::new(ExportForm::new(session.clone()))));
                return;
            }
        };
        self.notice = Some(Notice { text: refused.to_owned(), bad: true });
    }

    pub(super) fn export_form(&self, form: &ExportForm, area: Rect, buffer: &mut Buffer) {
        let inner = self.sheet(76, 15, "Export", area, buffer);
        within(form.place(), inner, buffer, |inner, buffer| self.export_in(form, inner, buffer));
    }

    fn export_in(&self, form: &ExportForm, inner: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        let style = |role| shared.theme.style(role);
        let mut rest = inner;
        let mut next = || {
            let (line, below) = top(rest, 1);
            rest = below;
            line
        };
        let cut = shared.glyphs.cut();
        let front = form.field == Field::Session;
        let value = self.field(("session", NAMES), front, next(), buffer);
        let help = if front { "  left and right choose" } else { "" };
        let title = text::safe(&shared.library.title(&form.session));
        let title = text::fit(&title, usize::from(value.width).saturating_sub(help.len()), cut);
        let x = put(buffer, value, value.x, value.y, &title, style(Role::Title));
        put(buffer, value, x, value.y, help, style(Role::Dim));
        let value = self.field(("", NAMES), false, next(), buffer);
        put(buffer, value, value.x, value.y, form.session.as_str(), style(Role::Dim));
        let front = form.field == Field::Folder;
        let value = self.field(("folder", NAMES), front, next(), buffer);
        self.value(&form.folder, front, value, buffer);
        let front = form.field == Field::Formats;
        let value = self.field(("formats", NAMES), front, next(), buffer);
        put(buffer, value, value.x, value.y, "space takes or leaves one", style(Role::Dim));
        for (at, format) in Format::ALL.into_iter().enumerate() {
            let line = next();
            if front && at == form.cursor.at {
                buffer.set_style(line, style(Role::Selected));
            }
            let sign = if form.formats[at] { shared.glyphs.tick() } else { " " };
            // Behind the sign, the name and the files.
            let what = usize::from(line.width).saturating_sub(25);
            let parts = [
                (Role::Good, sign),
                (Role::Text, &*text::left(&format!(" {format}"), 9, cut)),
                (Role::Text, &*text::left(format.files(), 15, cut)),
                (Role::Dim, &*text::fit(format.what(), what, cut)),
            ];
            pieces(shared, buffer, line, line.x, line.y, &parts);
        }
        let (_, last) = bottom(rest, 3);
        let (verdict, last) = top(last, 2);
        let path = shared.here.join(Path::new(form.folder.text().trim()));
        let (role, words) = match (form.arguments(), form.progress(shared)) {
            (Err(why), _) => (Role::Bad, why),
            (Ok(_), None) => (Role::Good, format!("writes to {}", path.display())),
            (Ok(_), Some(Progress::Requested)) => (Role::Warn, "asked for".to_owned()),
            (Ok(_), Some(Progress::Under(said))) => (Role::Warn, said.clone()),
            (Ok(_), Some(Progress::Done(came_to))) => {
                let came_to = came_to.as_deref().unwrap_or("done");
                (Role::Good, format!("{} {came_to}", shared.glyphs.tick()))
            }
            (Ok(_), Some(Progress::Failed(why))) => (Role::Bad, why.clone()),
        };
        self.verdict(role, &words, verdict, buffer);
        let keys = [("enter", "writes, over files of the same names"), ("tab", "next field")];
        self.last_line(&keys, last, buffer);
    }
}
