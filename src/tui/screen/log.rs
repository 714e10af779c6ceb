//! Log: a run's records in sentences, what it printed, and what this program printed.

use super::Screen;
use crate::tui::app::{Effect, Purpose, Shared};
use crate::tui::data::printed::{self, Line};
use crate::tui::data::story::Level;
use crate::tui::format;
use crate::tui::keys::Action;
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
    /// The line under the cursor, which stays there when others come and go.
    on: Option<Line>,
}

impl Default for LogScreen {
    fn default() -> Self {
        Self {
            cursor: Cursor::default(),
            level: Level::Notice,
            search: String::new(),
            follow: true,
            on: None,
        }
    }
}

/// Columns before a line's words.
const BEFORE: u16 = 27;

impl LogScreen {
    /// Takes note of the line under the cursor, which was moved.
    fn moved(&mut self, lines: Vec<Line>) {
        self.follow = self.cursor.at + 1 >= lines.len();
        self.on = lines.into_iter().nth(self.cursor.at);
    }

    /// Goes to the next line that warns, or to the one before.
    fn skip_to_warning(&mut self, forward: bool, lines: Vec<Line>) -> Vec<Effect> {
        let warns = |at: &usize| lines.get(*at).is_some_and(|line| line.level >= Level::Warning);
        let all: Vec<usize> = (0..lines.len()).filter(warns).collect();
        let here = all.partition_point(|at| *at < self.cursor.at);
        let found = if forward {
            all.get(here..).and_then(|later| later.iter().find(|at| **at > self.cursor.at))
        } else {
            here.checked_sub(1).and_then(|before| all.get(before))
        };
        let Some(at) = found.copied() else {
            let which = if forward { "later" } else { "earlier" };
            return vec![Effect::Say(format!("no {which} warning or error among these lines"))];
        };
        let number = all.partition_point(|other| *other <= at);
        let words = format!("{number} of {} warnings and errors", all.len());
        self.cursor.at = at;
        self.moved(lines);
        vec![Effect::Say(words)]
    }

    /// The lines in the order of their times, after those that have none.
    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let open = shared.focus.as_ref().and_then(|focus| shared.library.open.get(focus));
        if let Some(run) = open {
            // Most are steps, and most often these are not wanted.
            let wanted = run.story.sentences.iter().filter(|one| one.level >= self.level);
            for sentence in wanted {
                lines.push(Line {
                    record: Some(sentence.seq),
                    time: Some(sentence.time),
                    source: "log",
                    level: sentence.level,
                    text: text::safe(&sentence.text),
                });
            }
            let printed = run.console.iter().filter(|line| !line.is_empty());
            lines.extend(printed.map(|line| Line::console(line)));
        }
        for (time, line) in &shared.library.printed {
            let (said, level) = printed::read(line);
            let time = time.or(said);
            let text = text::safe(line);
            lines.push(Line { record: None, time, source: "program", level, text });
        }
        lines.sort_by_key(|line| line.time);
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
        let lines = self.lines(shared);
        if self.cursor.act(action, lines.len()) {
            self.moved(lines);
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
            Action::WarningNext => return self.skip_to_warning(true, lines),
            Action::WarningPrevious => return self.skip_to_warning(false, lines),
            Action::Open => {
                let words = "the chosen line is shown whole; y copies it, n and N go to warnings";
                return vec![Effect::Say(words.to_owned())];
            }
            Action::Copy => {
                let line = self.lines(shared).into_iter().nth(self.cursor.at);
                return line.map_or_else(Vec::new, |line| {
                    vec![Effect::Copy("the line".to_owned(), line.text)]
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
        self.on = at.and_then(|at| self.lines(shared).into_iter().nth(at));
        self.refresh(shared);
    }

    fn typed(&mut self, text: &str, shared: &Shared) {
        text.clone_into(&mut self.search);
        self.refresh(shared);
    }

    fn refresh(&mut self, shared: &Shared) {
        let lines = self.lines(shared);
        let last = lines.len().saturating_sub(1);
        let kept = self.on.as_ref().and_then(|on| lines.iter().rposition(|line| line == on));
        self.cursor.at = if self.follow { last } else { kept.unwrap_or(self.cursor.at).min(last) };
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        let all = self.lines(shared);
        self.cursor.shift(lines, all.len());
        self.moved(all);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let lines = self.lines(shared);
        let name = shared
            .focus
            .as_ref()
            .map_or_else(|| "this program".to_owned(), |run| shared.library.name(run));
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
        let room = usize::from(inner.width.saturating_sub(BEFORE + 2)).max(1);
        // The chosen line is shown whole.
        let whole = lines.get(self.cursor.at).map_or_else(Vec::new, |line| {
            text::wrap_in(&line.text, room, height.max(1), shared.glyphs.cut())
        });
        let more = whole.len().saturating_sub(1);
        let first = self.cursor.first(lines.len(), height - more.min(height.saturating_sub(1)));
        let mut y = inner.y;
        for (at, line) in lines.iter().enumerate().skip(first) {
            if y >= inner.bottom() {
                break;
            }
            let chosen = at == self.cursor.at;
            let rows = if chosen { whole.len().max(1) as u16 } else { 1 };
            if chosen {
                let block = Rect { y, height: rows, ..inner }.intersection(inner);
                buffer.set_style(block, shared.theme.style(Role::Selected));
                pointer(shared, buffer, inner, y);
            }
            let role = match line.level {
                Level::Step => Role::Dim,
                Level::Notice => Role::Text,
                Level::Warning => Role::Warn,
                Level::Error => Role::Bad,
            };
            let words = if chosen {
                whole.first().cloned().unwrap_or_default()
            } else {
                text::fit(&line.text, room, shared.glyphs.cut())
            };
            let time = line.time.map_or_else(|| "no time".to_owned(), format::clock_seconds);
            let level = line.level.word();
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, &format!("{time:<9}{:<8}", line.source)),
                    (role, &format!("{level:<8} ")),
                    (role, &words),
                ],
            );
            for (below, words) in whole.iter().enumerate().skip(1).filter(|_| chosen) {
                let y = y + below as u16;
                put(buffer, inner, inner.x + BEFORE, y, words, shared.theme.style(role));
            }
            y += rows;
        }
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::LevelNext,
            Action::LogSearch,
            Action::WarningNext,
            Action::LogFollow,
            Action::Copy,
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::session::{RunStatus, Time};
    use crate::tui::app::App;
    use crate::tui::app::tests::{app, entry, press, shows};
    use crate::tui::data::library::{OpenRun, Reading};
    use crate::tui::data::story::{Level, Sentence, Story};
    use crate::tui::msg::{Msg, News};
    use std::sync::Arc;

    /// A run that printed these lines and wrote one sentence.
    fn open(lines: &[&str]) -> OpenRun {
        let time = Time::from_millis(60_000).unwrap();
        let text = "stage simcse began".to_owned();
        let sentence = Sentence { time, seq: 1, level: Level::Notice, text };
        OpenRun {
            state: Arc::default(),
            alerts: Arc::default(),
            story: Arc::new(Story { sentences: [sentence].into() }),
            console: Arc::new(lines.iter().map(|line| (*line).to_owned()).collect()),
            device: Arc::default(),
            reading: Reading::default(),
            oddities: crate::session::tail::Oddities::default(),
            status: RunStatus::Live,
        }
    }

    /// A run that printed these lines and wrote one sentence, a minute after this program did.
    fn printed(lines: &[&str]) -> App {
        let mut app = app();
        let run = entry("20261124-100000-night-bbbbbb/simcse-1", 5);
        let id = run.id.clone();
        app.update(Msg::News(News::Run(Box::new(run))));
        press(&mut app, "enter");
        let open = open(lines);
        app.update(Msg::News(News::Open(id, Box::new(open))));
        app.update(Msg::News(News::Printed("warning: a library is old".to_owned())));
        press(&mut app, "7");
        app
    }

    #[test]
    fn what_a_runner_printed_stands_among_the_levels_and_in_the_order_of_time() {
        let step = "  simcse      1/100  loss 3.1000";
        let mut app = printed(&["run simcse-1", step, "error: the disk is full"]);
        let text = shows(&app, 80, 24);
        assert!(text.contains("no time  console error    error: the disk is full"), "{text}");
        assert!(text.contains("run simcse-1") && !text.contains("1/100"), "{text}");
        let place = |words: &str| text.find(words).unwrap();
        assert!(place("the disk is full") < place("00:00:00 program warning"), "{text}");
        assert!(place("a library is old") < place("00:01:00 log     notice"), "{text}");
        press(&mut app, "v");
        let text = shows(&app, 80, 24);
        assert!(
            text.contains("warnings and errors") && text.contains("the disk is full"),
            "{text}"
        );
        assert!(text.contains("a library is old") && !text.contains("run simcse-1"), "{text}");
        press(&mut app, "v v");
        assert!(shows(&app, 80, 24).contains("1/100"));
    }

    #[test]
    fn the_chosen_line_stays_chosen_when_lines_come_before_it() {
        let mut app = printed(&["run simcse-1"]);
        press(&mut app, "G k");
        let chosen = |app: &App| {
            let text = shows(app, 80, 24);
            text.lines().find(|line| line.starts_with('▌')).map(str::to_owned).unwrap()
        };
        assert!(chosen(&app).contains("a library is old"));
        let id = app.shared.focus.clone().unwrap();
        let more = open(&["run simcse-1", "one", "two", "three"]);
        app.update(Msg::News(News::Open(id, Box::new(more))));
        assert!(chosen(&app).contains("a library is old"), "{}", chosen(&app));
        press(&mut app, "k");
        assert!(chosen(&app).contains("three"), "{}", chosen(&app));
    }

    #[test]
    fn warnings_are_gone_to_both_ways_and_no_key_of_the_log_is_without_a_word() {
        let mut app = printed(&["run simcse-1", "error: the disk is full", "one", "two"]);
        let chosen = |app: &App| {
            let text = shows(app, 100, 24);
            text.lines().find(|line| line.starts_with('▌')).map(str::to_owned).unwrap()
        };
        press(&mut app, "g");
        for (key, line, words) in [
            ("n", "the disk is full", "1 of 2 warnings and errors"),
            ("n", "a library is old", "2 of 2 warnings and errors"),
            ("n", "a library is old", "no later warning or error"),
            ("N", "the disk is full", "1 of 2 warnings and errors"),
            ("N", "the disk is full", "no earlier warning or error"),
            ("enter", "the disk is full", "shown whole; y copies it"),
            ("ctrl-t", "the disk is full", "theme: light"),
        ] {
            press(&mut app, key);
            assert!(chosen(&app).contains(line), "{key}: {}", chosen(&app));
            let text = shows(&app, 100, 24);
            assert!(text.contains(words), "{key}: {text}");
        }
    }

    #[test]
    fn the_chosen_line_is_shown_whole() {
        let long = format!("error: {}THE-END", "the disk is full, and ".repeat(12));
        let mut app = printed(&[&long, "then this"]);
        let text = shows(&app, 80, 24);
        assert!(!text.contains("THE-END") && text.contains("then this"), "{text}");
        press(&mut app, "g");
        for (width, height) in [(80, 24), (60, 16), (120, 40)] {
            let text = shows(&app, width, height);
            assert!(text.contains("THE-END"), "{text}");
        }
        assert!(shows(&app, 80, 24).contains("then this"));
    }
}
