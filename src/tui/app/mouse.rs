//! The mouse over an overlay: the wheel scrolls its list, a click chooses a line, a second one on it
//! does what a key would, and a click beside the overlay closes it.

use super::finder::{Finder, list};
use super::frame::{LEAST, inside, question_lines, sheet_at, sheet_width};
use super::lookview;
use super::overlay::Chosen;
use super::{App, Overlay};
use crate::tui::keys::Entry;
use crate::tui::msg::Cmd;
use ratatui::layout::Rect;

/// Where an overlay lies on a terminal of that size; none for a line in the footer.
fn place(overlay: &Overlay, size: Rect) -> Option<Rect> {
    let (width, height) = match overlay {
        Overlay::Help { .. } => Finder::Help.size(size),
        Overlay::Palette { .. } => Finder::Palette.size(size),
        Overlay::Question { text, .. } => (62, question_lines(text, size) + 4),
        Overlay::NewRun(_) => (sheet_width(size), size.height.saturating_sub(2).min(44)),
        Overlay::Differ(form) => form.size(size),
        Overlay::NewCompare(form) => (sheet_width(size), form.height()),
        Overlay::Look(_) => (lookview::WIDTH, size.height.saturating_sub(2)),
        Overlay::Export(_) => (76, 15),
        Overlay::Line { .. } => return None,
    };
    Some(sheet_at(width, height, size))
}

impl Overlay {
    /// Takes a click at a column and a row of its inside: the entry that is to be done, where one is.
    fn clicked(&mut self, (column, row): (u16, u16), inner: Rect) -> Option<&'static Entry> {
        if let Self::Palette { screen, input, cursor } = self {
            // The first line is what is looked for.
            let line = row.checked_sub(1)?;
            let rows = Finder::Palette.rows(input.text(), *screen);
            let at = Finder::Palette.row_at(&rows, cursor.at, list(inner), line)?;
            let again = cursor.at == at;
            cursor.at = at;
            return again.then_some(rows[at]);
        }
        if let Self::Help { screen, input, cursor } = self {
            let line = row.checked_sub(1)?;
            let rows = Finder::Help.rows(input.text(), *screen);
            cursor.at = Finder::Help.row_at(&rows, cursor.at, list(inner), line)?;
        }
        if let Some(form) = self.form() {
            form.clicked((column, row), inner);
        }
        None
    }

    pub(super) fn wheel(&mut self, lines: i8) {
        match self {
            Self::Help { screen, input, cursor } => {
                cursor.shift(lines, Finder::Help.rows(input.text(), *screen).len());
            }
            Self::Palette { screen, input, cursor } => {
                cursor.shift(lines, Finder::Palette.rows(input.text(), *screen).len());
            }
            _ => {
                if let Some(form) = self.form() {
                    form.wheel(lines);
                }
            }
        }
    }
}

impl App {
    /// A click where an overlay lies over the screen, or a line is typed.
    pub(super) fn click_overlay(&mut self, column: u16, row: u16, commands: &mut Vec<Cmd>) {
        let size = self.size;
        let Some(overlay) = &mut self.overlay else { return };
        if size.width < LEAST.0 || size.height < LEAST.1 {
            return;
        }
        let Some(sheet) = place(overlay, size) else { return };
        if !sheet.contains((column, row).into()) {
            let held = overlay.held();
            self.overlay = None;
            self.record_closed(held, commands);
            return;
        }
        let inner = inside(sheet);
        if !inner.contains((column, row).into()) {
            return;
        }
        if let Some(entry) = overlay.clicked((column - inner.x, row - inner.y), inner) {
            self.overlay = None;
            self.overlaid(Chosen::Action(entry.action), commands);
        }
    }

    /// Lets no overlay be scrolled beyond what it shows: the way back would begin with dead keys.
    pub(super) fn settle_overlay(&mut self) {
        if let Some(Overlay::Look(form)) = &mut self.overlay {
            form.scroll = form.scroll.min(lookview::beyond(&self.shared, self.size));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::{pets, work};
    use super::super::tests::{press, shows};
    use super::*;
    use crate::tui::data::looked::LookShown;
    use crate::tui::data::looked::tests::document;
    use crate::tui::msg::{Msg, News, Work};
    use crate::tui::screen::ScreenId;

    fn size(app: &mut App, width: u16, height: u16) {
        app.update(Msg::Resize { width, height });
    }

    fn click(app: &mut App, column: u16, row: u16) -> Vec<Cmd> {
        app.update(Msg::Click { column, row })
    }

    fn wheel(app: &mut App, lines: i8) {
        app.update(Msg::Wheel { column: 40, row: 10, lines });
    }

    /// Where a text stands on the screen.
    fn find(app: &App, words: &str) -> (u16, u16) {
        let text = shows(app, app.size.width, app.size.height);
        let mut lines = text.lines().enumerate();
        let found = lines.find_map(|(row, line)| Some((line.find(words)?, row, line)));
        let (at, row, line) = found.unwrap_or_else(|| panic!("{words}\n{text}"));
        (line[..at].chars().count() as u16, row as u16)
    }

    const OVERLAYS: [(&str, &str); 6] = [
        ("?", "Keys on"),
        (":", " Do "),
        ("1 n", "A new run"),
        ("3 n", "A new comparison"),
        ("e", "An encoder looked into"),
        ("E", " Export "),
    ];

    #[test]
    fn every_overlay_lies_where_it_is_drawn_and_a_click_beside_it_closes_it() {
        for (width, height) in [(60, 16), (80, 24), (130, 45)] {
            for (keys, title) in OVERLAYS {
                let mut app = pets();
                size(&mut app, width, height);
                press(&mut app, keys);
                let sheet = place(app.overlay.as_ref().unwrap(), app.size).unwrap();
                let (column, row) = find(&app, title);
                let at = (sheet.x + 1 + u16::from(!title.starts_with(' ')), sheet.y);
                assert_eq!((column, row), at, "{title} at {width}x{height}");
                let last = shows(&app, width, height)
                    .lines()
                    .nth(sheet.bottom() as usize - 1)
                    .unwrap()
                    .to_owned();
                assert!(last.contains("──────"), "{title}: {last}");
                click(&mut app, sheet.x + 1, sheet.y);
                assert!(app.overlay.is_some(), "{title}: a click on its frame");
                let (x, y) = (width - 1, height - 1);
                click(&mut app, x, y);
                assert_eq!(app.overlay.is_none(), !sheet.contains((x, y).into()), "{title}");
            }
        }
    }

    #[test]
    fn a_click_in_the_palette_chooses_a_line_and_a_second_one_does_it() {
        let mut app = pets();
        press(&mut app, ":");
        app.update(Msg::Paste("show".to_owned()));
        let (x, y) = find(&app, "show-log");
        click(&mut app, x, y);
        let Some(Overlay::Palette { cursor, .. }) = &app.overlay else { panic!("closed") };
        assert!(cursor.at > 0);
        let (x, y) = find(&app, "show-log");
        click(&mut app, x, y);
        assert!(app.overlay.is_none() && app.screen() == ScreenId::Log);
        // The wheel goes through it, and stays in it.
        press(&mut app, ":");
        wheel(&mut app, 3);
        wheel(&mut app, -1);
        let Some(Overlay::Palette { cursor, .. }) = &app.overlay else { panic!("closed") };
        assert_eq!(cursor.at, 2);
    }

    #[test]
    fn help_is_scrolled_to_its_last_line_and_back_at_once() {
        let mut app = pets();
        size(&mut app, 80, 20);
        press(&mut app, "?");
        let first = shows(&app, 80, 20);
        for _ in 0..40 {
            wheel(&mut app, 3);
        }
        let last = Finder::Help.rows("", ScreenId::Inspect).last().unwrap().name;
        let end = shows(&app, 80, 20);
        assert!(end.contains(last), "{last}\n{end}");
        wheel(&mut app, -1);
        assert_ne!(shows(&app, 80, 20), end);
        for _ in 0..40 {
            wheel(&mut app, -3);
        }
        assert_eq!(shows(&app, 80, 20), first);
    }

    #[test]
    fn fields_and_lines_of_forms_are_chosen_by_clicks() {
        let mut app = pets();
        press(&mut app, "e");
        let (x, y) = find(&app, "encoder  ");
        click(&mut app, x, y);
        assert!(matches!(&app.overlay, Some(Overlay::Look(form)) if form.on_encoder));
        press(&mut app, "esc E");
        let (x, y) = find(&app, "svg");
        click(&mut app, x, y);
        assert!(shows(&app, 80, 24).contains("✓ svg"));
        click(&mut app, x, y);
        assert!(!shows(&app, 80, 24).contains("✓ svg"), "a second click takes it out");
        press(&mut app, "esc 3 n");
        let (x, y) = find(&app, "bm25");
        click(&mut app, x, y);
        click(&mut app, x, y);
        assert!(shows(&app, 80, 24).contains("✓ bm25"));
        press(&mut app, "esc 1 n");
        let names = crate::recipe::names();
        let (x, y) = find(&app, &format!(" {} ", names[names.len() - 1]));
        click(&mut app, x + 1, y);
        assert!(shows(&app, 80, 24).contains(&format!("[{}]", names[names.len() - 1])));
    }

    #[test]
    fn a_look_is_scrolled_within_what_is_laid_out_and_its_error_is_read_whole() {
        let mut app = pets();
        size(&mut app, 130, 20);
        press(&mut app, "e enter");
        // A second one is not started while the first has no answer.
        assert!(work(press(&mut app, "enter")).is_empty());
        let mut answer = document(b"png");
        answer["picture"] = serde_json::Value::Null;
        let (shown, _) = LookShown::read(answer).unwrap();
        app.update(Msg::News(News::Looked(1, Ok(Box::new(shown)))));
        press(&mut app, "pagedown pagedown pagedown pagedown pagedown pagedown");
        let end = shows(&app, 130, 20);
        press(&mut app, "pageup");
        assert_ne!(shows(&app, 130, 20), end, "the first page up moves");
        press(&mut app, "pagedown");
        for _ in 0..30 {
            wheel(&mut app, -3);
        }
        assert!(shows(&app, 130, 20).contains("self-test"));
        size(&mut app, 80, 24);
        let asked = work(press(&mut app, "enter"));
        assert!(asked.iter().any(|work| matches!(work, Work::Look(2, _))), "{asked:?}");
        let why = format!("no encoder {} is here; expected builtin:llama, a run", "x/".repeat(70));
        app.update(Msg::News(News::Looked(2, Err(why))));
        let text = shows(&app, 80, 24);
        assert!(text.contains("expected builtin:llama, a run"), "{text}");
        assert!(text.contains("pgup/dn scroll"), "{text}");
        assert!(work(press(&mut app, "enter")).iter().any(|work| matches!(work, Work::Look(..))));
    }
}
