//! Log: a run's records in sentences, what it printed, and what this program printed.

use super::Screen;
use crate::tui::app::{Effect, Purpose, Shared};
use crate::tui::data::story::Level;
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::msg::Cmd;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pieces, pointer, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// The screen.
#[derive(Debug)]
pub struct LogScreen {
    cursor: Cursor,
    level: Level,
    search: String,
    follow: bool,
}

impl Default for LogScreen {
    fn default() -> Self {
        Self {
            cursor: Cursor::default(),
            level: Level::Notice,
            search: String::new(),
            follow: true,
        }
    }
}

/// A line of the log.
struct Line {
    /// The record's number, of a line that is one.
    record: Option<u64>,
    time: String,
    source: &'static str,
    level: Level,
    text: String,
}

impl LogScreen {
    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let open = shared.focus.as_ref().and_then(|focus| shared.library.open.get(focus));
        if let Some(run) = open {
            for sentence in &run.story.sentences {
                lines.push(Line {
                    record: Some(sentence.seq),
                    time: format::clock_seconds(sentence.time),
                    source: "log",
                    level: sentence.level,
                    text: text::safe(&sentence.text),
                });
            }
            for line in run.console.iter() {
                lines.push(Line {
                    record: None,
                    time: String::new(),
                    source: "console",
                    level: Level::Step,
                    text: line.clone(),
                });
            }
        }
        for (time, line) in &shared.library.printed {
            let time = time.map_or_else(String::new, format::clock_seconds);
            let (level, text) = (Level::Notice, line.clone());
            lines.push(Line { record: None, time, source: "program", level, text });
        }
        let wanted = self.search.to_lowercase();
        lines.retain(|line| {
            line.level >= self.level
                && (wanted.is_empty() || line.text.to_lowercase().contains(&wanted))
        });
        lines
    }
}

impl Screen for LogScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let count = self.lines(shared).len();
        if self.cursor.act(action, count) {
            self.follow = self.cursor.at + 1 >= count;
            return Vec::new();
        }
        match action {
            Action::LevelNext => {
                self.level = match self.level {
                    Level::Step => Level::Notice,
                    Level::Notice => Level::Warning,
                    Level::Warning => Level::Error,
                    Level::Error => Level::Step,
                };
                self.refresh(shared);
            }
            Action::LogFollow => {
                self.follow = true;
                self.refresh(shared);
            }
            Action::LogSearch => {
                return vec![Effect::Type(Purpose::LogSearch, self.search.clone())];
            }
            Action::Copy => {
                let line = self.lines(shared).into_iter().nth(self.cursor.at);
                return line.map_or_else(Vec::new, |line| {
                    vec![
                        Effect::Say("copied the line".to_owned()),
                        Effect::Do(Cmd::Copy(line.text)),
                    ]
                });
            }
            Action::Back if !self.search.is_empty() => {
                self.typed("", shared);
                return vec![Effect::Say("search cleared".to_owned())];
            }
            _ => {}
        }
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.refresh(shared);
        Vec::new()
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        with.insert("level".to_owned(), self.level.word().into());
        if !self.search.is_empty() {
            with.insert("search".to_owned(), self.search.as_str().into());
        }
        if !self.follow {
            let line = self.lines(shared).into_iter().nth(self.cursor.at);
            let record = line.and_then(|line| line.record);
            with.extend(record.map(|record| ("record".to_owned(), Value::from(record))));
        }
        with
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        let text = |key: &str| with.get(key).and_then(Value::as_str);
        *self = Self {
            level: text("level").and_then(Level::named).unwrap_or(Level::Notice),
            search: text("search").unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let record = with.get("record").and_then(Value::as_u64);
        let is_it = |line: &Line| record.is_some() && line.record == record;
        let at = self.lines(shared).iter().position(is_it);
        self.follow = at.is_none();
        self.cursor.at = at.unwrap_or(0);
        self.refresh(shared);
    }

    fn typed(&mut self, text: &str, shared: &Shared) {
        text.clone_into(&mut self.search);
        self.refresh(shared);
    }

    fn refresh(&mut self, shared: &Shared) {
        let last = self.lines(shared).len().saturating_sub(1);
        self.cursor.at = if self.follow { last } else { self.cursor.at.min(last) };
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        let count = self.lines(shared).len();
        self.cursor.shift(lines, count);
        self.follow = self.cursor.at + 1 >= count;
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let lines = self.lines(shared);
        let name = shared
            .focus
            .as_ref()
            .map_or_else(|| "this program".to_owned(), |run| run.run.to_string());
        let mut note = match self.level {
            Level::Step => "everything".to_owned(),
            Level::Notice => "all but steps".to_owned(),
            Level::Warning => "warnings and errors".to_owned(),
            Level::Error => "errors".to_owned(),
        };
        if !self.search.is_empty() {
            note = format!("{note} with {:?}", text::safe(&self.search));
        }
        if self.follow {
            note.push_str(", at the end");
        }
        let inner = section(shared, buffer, area, &format!("log of {name}"), &note);
        if lines.is_empty() {
            put(
                buffer,
                inner,
                inner.x + 1,
                inner.y,
                "no lines; v shows more levels",
                shared.theme.style(Role::Dim),
            );
        }
        let height = usize::from(inner.height);
        let first = self.cursor.first(lines.len(), height);
        for (at, line) in lines.iter().enumerate().skip(first).take(height) {
            let y = inner.y + (at - first) as u16;
            if at == self.cursor.at {
                buffer
                    .set_style(Rect { y, height: 1, ..inner }, shared.theme.style(Role::Selected));
                pointer(shared, buffer, inner, y);
            }
            let role = match line.level {
                Level::Step => Role::Dim,
                Level::Notice => Role::Text,
                Level::Warning => Role::Warn,
                Level::Error => Role::Bad,
            };
            let words = text::fit(
                &line.text,
                usize::from(inner.width).saturating_sub(29),
                shared.glyphs.cut(),
            );
            let level = if line.source == "log" { line.level.word() } else { "" };
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, &format!("{:<9}{:<8}", line.time, line.source)),
                    (role, &format!("{level:<8} ")),
                    (role, &words),
                ],
            );
        }
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![Action::LevelNext, Action::LogSearch, Action::LogFollow, Action::Copy]
    }
}
