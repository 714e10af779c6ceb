//! The frame around the screens: tabs above, the footer below, overlays in front.

use super::{App, Overlay};
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

/// Where screens are drawn: all but the first and the last line.
#[must_use]
pub fn body(size: Rect) -> Rect {
    bottom(top(size, 1).1, 1).0
}

/// Where each tab begins and ends on a terminal of that width. Names stay whole as long as they can.
fn tabs(width: u16) -> Vec<(ScreenId, u16, String)> {
    let mut x: u16 = match width {
        76.. => 10,
        68..76 => 1,
        _ => 0,
    };
    ScreenId::ALL
        .iter()
        .enumerate()
        .map(|(at, screen)| {
            let (number, name) = (at + 1, screen.name());
            let label = match width {
                68.. => format!(" {number} {name} "),
                60..68 => format!(" {number} {name}"),
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

/// Where a sheet of that size lies on a terminal: in the middle.
#[must_use]
pub fn sheet_at(width: u16, height: u16, area: Rect) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
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
                self.help(*screen, input, *cursor, area, buffer);
            }
            Some(Overlay::Palette { screen, input, cursor }) => {
                self.palette(*screen, input, *cursor, area, buffer);
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
        if area.width >= 76 {
            put(buffer, area, area.x + 1, area.y, "llm2clip", theme.style(Role::Accent));
        }
        let mut end = area.x;
        for (screen, x, label) in tabs(area.width) {
            let style = if screen == self.current {
                theme.style(Role::Title).add_modifier(Modifier::REVERSED)
            } else {
                theme.style(Role::Dim)
            };
            end = put(buffer, area, area.x + x, area.y, &label, style);
        }
        let live = self.shared.library.live().count();
        let mut note = String::new();
        if self.shared.readonly {
            note.push_str("read only ");
        }
        if live > 0 {
            let sign = self.shared.glyphs.status(crate::session::RunStatus::Live);
            note.push_str(&format!("{sign} {live} live "));
            if area.width >= 100 {
                note.push_str(&format!("{} UTC ", format::clock(self.shared.now)));
            }
        }
        let needed = text::width(&note) as u16;
        if area.right() >= end + needed {
            put(buffer, area, area.right() - needed, area.y, &note, theme.style(Role::Good));
        }
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

    fn question(&self, words: &str, area: Rect, buffer: &mut Buffer) {
        let width = 62.min(area.width);
        let lines = question_lines(words, area);
        let inner = self.sheet(width, lines + 4, "Sure?", area, buffer);
        let rest = paragraph(&self.shared, buffer, inner, Role::Text, words);
        let keys = [("y", "yes, do it"), ("n", "no, leave it")];
        self.last_line(&keys, bottom(rest, 1).1, buffer);
    }
}
