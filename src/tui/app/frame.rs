//! The frame around the screens: tabs above, the footer below, overlays in front.

use super::finder::Finder;
use super::{App, Overlay};
use crate::session::RunStatus;
use crate::tui::format;
use crate::tui::screen::ScreenId;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::{bottom, paragraph, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// The least size at which anything of a screen can be shown: what does not fit is left out before that.
pub const LEAST: (u16, u16) = (44, 8);

/// From so many columns on, the program's name stands before the tabs, and these have room between them.
const BRANDED: u16 = 80;

/// Where screens are drawn: all but the first and the last line.
#[must_use]
pub fn body(size: Rect) -> Rect {
    bottom(top(size, 1).1, 1).0
}

/// Where each tab begins and ends on a terminal of that width. Names stay whole as long as they can.
fn tabs(width: u16) -> Vec<(ScreenId, u16, String)> {
    let wide = width >= BRANDED;
    let mut x: u16 = match width {
        BRANDED.. => 10,
        54..BRANDED => 1,
        _ => 0,
    };
    ScreenId::ALL
        .iter()
        .enumerate()
        .map(|(at, screen)| {
            let (number, name) = (at + 1, screen.name());
            let label = match width {
                _ if wide => format!(" {number} {name} "),
                54.. => format!(" {number}{name}"),
                _ => format!(" {number} {}", &name[..3]),
            };
            let place = x;
            x += label.len() as u16;
            (*screen, place, label)
        })
        .collect()
}

/// The tab under a column.
#[must_use]
pub fn tab_at(column: u16, width: u16) -> Option<ScreenId> {
    let under =
        |tab: &&(ScreenId, u16, String)| column >= tab.1 && column < tab.1 + tab.2.len() as u16;
    tabs(width).iter().find(under).map(|tab| tab.0)
}

/// Columns of a sheet that has lines to show whole: those there are, up to what is easily read.
#[must_use]
pub fn sheet_width(area: Rect) -> u16 {
    area.width.saturating_sub(4).clamp(76, 150)
}

/// Where a sheet of that size lies on a terminal: in the middle, and never over the keys in the last line.
#[must_use]
pub fn sheet_at(width: u16, height: u16, area: Rect) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height.saturating_sub(1)));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// What its frame leaves of a sheet.
#[must_use]
pub fn inside(sheet: Rect) -> Rect {
    Rect {
        x: sheet.x + 2,
        y: sheet.y + 1,
        width: sheet.width.saturating_sub(4),
        height: sheet.height.saturating_sub(2),
    }
}

/// Lines that a question's words take.
#[must_use]
pub fn question_lines(words: &str, area: Rect) -> u16 {
    let width = 62.min(area.width);
    text::wrap(words, usize::from(width.saturating_sub(6).max(1))).len() as u16
}

impl App {
    /// Draws everything. Pure: the same model gives the same cells.
    pub fn view(&self, area: Rect, buffer: &mut Buffer) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        if area.width < LEAST.0 || area.height < LEAST.1 {
            self.too_small(area, buffer);
            return;
        }
        self.header(top(area, 1).0, buffer);
        self.screens.get(self.current).view(&self.shared, body(area), buffer);
        self.footer(bottom(area, 1).1, buffer);
        match &self.overlay {
            Some(Overlay::Help { screen, input, cursor }) => {
                self.finder(Finder::Help, *screen, input, *cursor, area, buffer);
            }
            Some(Overlay::Palette { screen, input, cursor }) => {
                self.finder(Finder::Palette, *screen, input, *cursor, area, buffer);
            }
            Some(Overlay::Question { text, .. }) => self.question(text, area, buffer),
            Some(Overlay::NewRun(form)) => self.new_run(form, area, buffer),
            Some(Overlay::Differ(form)) => self.differ(form, area, buffer),
            Some(Overlay::NewCompare(form)) => self.new_compare(form, area, buffer),
            Some(Overlay::Look(form)) => self.look_into(form, area, buffer),
            Some(Overlay::Export(form)) => self.export_form(form, area, buffer),
            Some(Overlay::Line { .. }) | None => {}
        }
    }

    fn too_small(&self, area: Rect, buffer: &mut Buffer) {
        let words = format!(
            "llm2clip needs {}x{}, this is {}x{}",
            LEAST.0, LEAST.1, area.width, area.height
        );
        paragraph(&self.shared, buffer, area, Role::Text, &words);
    }

    fn header(&self, area: Rect, buffer: &mut Buffer) {
        let theme = self.shared.theme;
        let mut end = area.x;
        for (screen, x, label) in tabs(area.width) {
            let style = if screen == self.current {
                theme.style(Role::Title).add_modifier(Modifier::REVERSED)
            } else {
                theme.style(Role::Dim)
            };
            end = put(buffer, area, area.x + x, area.y, &label, style);
        }
        let room = usize::from(area.right().saturating_sub(end));
        let (long, short, clock) = self.at_work();
        let fits = |note: &String| text::width(note) <= room;
        // That nothing may be written is said on every terminal: if need be, in the program's place.
        let branded = area.width >= BRANDED;
        let instead = self.shared.readonly && branded && !fits(&format!("read only {short}"));
        if branded {
            let (role, name) =
                if instead { (Role::Good, "read only") } else { (Role::Accent, "llm2clip") };
            put(buffer, area, area.x + 1, area.y, name, theme.style(role));
        }
        let notes = if self.shared.readonly && !instead {
            vec![
                format!("read only {long}{clock}"),
                format!("read only {long}"),
                format!("read only {short}"),
                format!("ro {short}"),
                "ro ".to_owned(),
            ]
        } else {
            // The first of all: what is at work.
            let first = short.split_inclusive(' ').next().unwrap_or_default().to_owned();
            vec![format!("{long}{clock}"), long, short, first]
        };
        if let Some(note) = notes.into_iter().find(fits) {
            let at = area.right() - text::width(&note) as u16;
            put(buffer, area, at, area.y, &note, theme.style(Role::Good));
        }
    }

    /// How many runs have a runner, by what they do, at length and in short; and how late it is, where
    /// one is at work.
    fn at_work(&self) -> (String, String, String) {
        let (mut long, mut short, mut clock) = (String::new(), String::new(), String::new());
        for status in [RunStatus::Live, RunStatus::Paused, RunStatus::Queued] {
            let count = self.shared.library.live().filter(|run| run.row.state == status).count();
            if count > 0 {
                let sign = self.shared.glyphs.status(status);
                long.push_str(&format!("{sign} {count} {status} "));
                short.push_str(&format!("{sign}{count} "));
                if status == RunStatus::Live {
                    clock = format!("{} UTC ", format::clock(self.shared.now));
                }
            }
        }
        (long, short, clock)
    }

    /// A line of text with its cursor, as a reversed cell.
    pub(super) fn typing(&self, input: &Input, x: u16, area: Rect, buffer: &mut Buffer) {
        let theme = self.shared.theme;
        let (before, under, after) = input.parts();
        let room = usize::from(area.right().saturating_sub(x)).saturating_sub(3);
        let before = text::fit_end(&text::safe(before), room, self.shared.glyphs.cut());
        let x = put(buffer, area, x, area.y, &before, theme.style(Role::Text));
        let under = if under.is_empty() { " ".to_owned() } else { text::safe(under) };
        let x = put(
            buffer,
            area,
            x,
            area.y,
            &under,
            theme.style(Role::Text).add_modifier(Modifier::REVERSED),
        );
        put(buffer, area, x, area.y, &text::safe(after), theme.style(Role::Text));
    }

    /// An empty box in the middle, with a frame of rules above and below.
    pub(super) fn sheet(
        &self,
        width: u16,
        height: u16,
        title: &str,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        let sheet = sheet_at(width, height, area);
        for position in sheet.intersection(buffer.area).positions() {
            // Colours of what lies under it would shine through blanks.
            buffer[position].reset();
        }
        let inner = section(&self.shared, buffer, sheet, title, "esc closes");
        let (inner, last) = bottom(inner, 1);
        let rule = self.shared.glyphs.rule().repeat(usize::from(sheet.width));
        put(buffer, last, last.x, last.y, &rule, self.shared.theme.style(Role::Faint));
        for y in inner.y..inner.bottom() {
            let bar = self.shared.glyphs.bar();
            put(buffer, inner, inner.x, y, bar, self.shared.theme.style(Role::Faint));
            put(buffer, inner, inner.right() - 1, y, bar, self.shared.theme.style(Role::Faint));
        }
        Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner }
    }

    pub(super) fn question(&self, words: &str, area: Rect, buffer: &mut Buffer) {
        let width = 62.min(area.width);
        let lines = question_lines(words, area);
        let inner = self.sheet(width, lines + 4, "Sure?", area, buffer);
        // However little room there is, the keys are seen.
        let (place, last) = bottom(inner, 1);
        self.verdict(Role::Text, words, place, buffer);
        let keys = [("y", "yes, do it"), ("n", "no, leave it")];
        self.last_line(&keys, last, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{app, entry, shows};
    use crate::session::RunStatus;
    use crate::tui::msg::{Msg, News};

    const RUN: &str = "20261124-100000-night-bbbbbb/simcse";

    /// The header at these widths, with a run of each status.
    fn headers(readonly: bool, states: &[RunStatus]) -> Vec<String> {
        let mut app = app();
        app.shared.readonly = readonly;
        for (at, state) in states.iter().enumerate() {
            let mut run = entry(&format!("{RUN}-{}", at + 1), 5);
            run.row.state = *state;
            app.update(Msg::News(News::Run(Box::new(run))));
        }
        let header = |width: u16| shows(&app, width, 24).lines().next().unwrap().to_owned();
        [60, 68, 76, 80, 120].map(header).to_vec()
    }

    #[test]
    fn that_nothing_may_be_written_is_said_on_every_terminal() {
        let none: &[RunStatus] = &[];
        for states in [none, &[RunStatus::Live], &[RunStatus::Live, RunStatus::Paused]] {
            for header in headers(true, states) {
                assert!(header.contains("read only") || header.contains(" ro "), "{header}");
                assert!(header.contains("Compare") && header.contains("Inspect"), "{header}");
            }
            for header in headers(false, states) {
                assert!(!header.contains("read only") && !header.contains(" ro "), "{header}");
            }
        }
    }

    #[test]
    fn runs_are_counted_by_what_they_do() {
        let states = [RunStatus::Live, RunStatus::Live, RunStatus::Queued, RunStatus::Done];
        let headers = headers(false, &states);
        assert!(headers[4].contains("● 2 live ○ 1 queued 00:00 UTC"), "{headers:?}");
        assert!(headers[1].contains("●2 ○1"), "{headers:?}");
        let one = self::headers(false, &[RunStatus::Live]);
        assert!(
            one.iter().all(|header| header.contains("● 1") || header.contains("●1")),
            "{one:?}"
        );
        let paused = self::headers(false, &[RunStatus::Paused]);
        assert!(paused[4].contains("‖ 1 paused") && !paused[4].contains("live"), "{paused:?}");
    }
}
