//! The last line: what is typed, what was said, or the keys that count now.

use super::{App, Overlay};
use crate::session::RunStatus;
use crate::tui::keys::Action;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A key, or several, and what that does in a word.
type Hint = (&'static str, &'static str);

impl App {
    pub(super) fn footer(&self, area: Rect, buffer: &mut Buffer) {
        let theme = self.shared.theme;
        if let Some(Overlay::Line { purpose, input, .. }) = &self.overlay {
            let x = put(buffer, area, area.x + 1, area.y, purpose.prompt(), theme.style(Role::Key));
            self.typing(input, x + 1, area, buffer);
            return;
        }
        if let Some(notice) = &self.notice {
            let role = if notice.bad { Role::Bad } else { Role::Accent };
            let words = text::safe(&notice.text);
            put(
                buffer,
                area,
                area.x + 1,
                area.y,
                &text::fit(&words, usize::from(area.width) - 2, self.shared.glyphs.cut()),
                theme.style(role),
            );
            return;
        }
        let room = usize::from(area.width.saturating_sub(1));
        let hints = match &self.overlay {
            Some(overlay) => over_screen(in_overlay(overlay), room),
            None => {
                let screen = self.screens.get(self.current);
                let paused = screen.commanded(&self.shared) == Some(RunStatus::Paused);
                let named = |action| match hint(action) {
                    // The same key lets it go on.
                    (key, _) if paused && action == Action::Pause => (key, "continue"),
                    hint => hint,
                };
                on_screen(self.offered().into_iter().map(named).collect(), room)
            }
        };
        let mut x = area.x + 1;
        for (key, word) in hints {
            let parts = [(Role::Key, key), (Role::Dim, " "), (Role::Dim, word), (Role::Dim, "  ")];
            x = pieces(&self.shared, buffer, area, x, area.y, &parts);
        }
    }
}

/// Cells that a hint takes, with the blanks after it.
fn cells((key, word): Hint) -> usize {
    text::width(key) + text::width(word) + 3
}

/// What fits of a screen's keys, and those that help out of anything.
fn on_screen(hints: Vec<Hint>, room: usize) -> Vec<Hint> {
    let (help, palette, quit) = (hint(Action::Help), hint(Action::Palette), hint(Action::Quit));
    // The last one needs no blanks after it.
    let mut left = (room + 2).saturating_sub(cells(help) + cells(quit));
    let mut fits = |hint: &Hint| {
        let fits = cells(*hint) <= left;
        left -= if fits { cells(*hint) } else { 0 };
        fits
    };
    let mut shown: Vec<Hint> = hints.into_iter().filter(|hint| fits(hint)).collect();
    shown.push(help);
    shown.extend(Some(palette).filter(|palette| fits(palette)));
    shown.push(quit);
    shown
}

/// What fits of the keys of what lies over a screen; the last, which closes it, always.
fn over_screen(hints: &[Hint], room: usize) -> Vec<Hint> {
    let Some((last, others)) = hints.split_last() else { return Vec::new() };
    let mut left = (room + 2).saturating_sub(cells(*last));
    let mut shown: Vec<Hint> = others.to_vec();
    shown.retain(|hint| {
        let fits = cells(*hint) <= left;
        left -= if fits { cells(*hint) } else { 0 };
        fits
    });
    shown.push(*last);
    shown
}

/// The keys of what lies over the screen.
fn in_overlay(overlay: &Overlay) -> &'static [Hint] {
    match overlay {
        Overlay::Help { .. } => &[
            ("type", "finds"),
            ("up down", "choose"),
            ("pageup pagedown", "page"),
            ("esc", "close"),
        ],
        Overlay::Palette { .. } => &[
            ("type", "finds"),
            ("up down", "choose"),
            ("pageup pagedown", "page"),
            ("enter", "do it"),
            ("esc", "close"),
        ],
        Overlay::Question { .. } => &[("y", "yes"), ("n", "no")],
        Overlay::Differ(_) => &[("up down", "move"), ("pageup pagedown", "page"), ("esc", "close")],
        Overlay::NewRun(form) if form.asking => &[("y", "yes"), ("n", "no")],
        Overlay::NewRun(_) => &[
            ("enter", "next line"),
            ("ctrl-s", "start"),
            ("up down", "line"),
            ("tab", "stage"),
            ("esc", "close"),
        ],
        Overlay::Export(_) | Overlay::NewCompare(_) | Overlay::Look(_) => {
            &[("enter", "start"), ("tab", "field"), ("up down", "choose"), ("esc", "close")]
        }
        Overlay::Line { .. } => &[],
    }
}

/// A key and a word for the footer.
fn hint(action: Action) -> Hint {
    let entry = action.entry();
    let key = entry.key_texts.first().copied().unwrap_or_default();
    let word = match action {
        Action::SortNext => "sort",
        Action::NewRun => "new run",
        Action::Quit => "leave",
        Action::MetricNext => "measure",
        Action::LogY => "log",
        Action::XAxis => "x axis",
        Action::SmoothMore => "smooth",
        Action::Crosshair => "crosshair",
        Action::DirectionNext => "direction",
        Action::SetNext => "direction",
        Action::SliceNext => "slice",
        Action::EncoderLeft | Action::EncoderRight => "encoder",
        Action::Search | Action::LogSearch => "search",
        Action::LevelNext => "level",
        Action::WarningNext => "warning",
        Action::SecondsForward => "seek",
        Action::ResultNext => "next result",
        Action::NewCompare => "new",
        _ => entry.name,
    };
    (key, word)
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::pets;
    use super::super::tests::{app, entry, press, shows};
    use crate::session::RunStatus;
    use crate::tui::msg::{Msg, News};

    fn footer(app: &super::App, width: u16, height: u16) -> String {
        shows(app, width, height).lines().last().unwrap().trim_end().to_owned()
    }

    #[test]
    fn every_screen_says_how_to_get_help_and_how_to_leave() {
        for screen in 1..=7 {
            let mut app = pets();
            press(&mut app, &screen.to_string());
            for (width, height) in [(60, 16), (80, 24), (120, 40)] {
                app.update(Msg::Resize { width, height });
                let line = footer(&app, width, height);
                assert!(line.contains("? help") && line.ends_with("q leave"), "{screen}: {line}");
            }
            let line = footer(&app, 200, 40);
            assert!(line.contains(": palette"), "{screen}: {line}");
        }
    }

    #[test]
    fn the_keys_of_what_lies_over_a_screen_stand_in_place_of_the_screens() {
        for (keys, words) in [
            ("?", "type finds"),
            (":", "enter do it"),
            ("1 n", "tab stage"),
            ("3 n", "tab field"),
            ("E", "tab field"),
            ("e", "tab field"),
        ] {
            let mut app = pets();
            press(&mut app, keys);
            let line = footer(&app, 120, 40);
            assert!(line.contains(words) && line.ends_with("esc close"), "{keys}: {line}");
            assert!(!line.contains("q leave"), "{keys}: {line}");
            for (width, height) in [(44, 12), (60, 16)] {
                app.update(Msg::Resize { width, height });
                let line = footer(&app, width, height);
                assert!(line.ends_with("esc close"), "{keys}: {line}");
            }
            press(&mut app, "esc");
            assert!(footer(&app, 120, 40).ends_with("q leave"), "{keys}");
        }
    }

    #[test]
    fn a_run_is_offered_the_commands_it_takes() {
        let mut run = entry("20261124-100000-night-bbbbbb/simcse-1", 5);
        for (state, offered, other) in [
            (RunStatus::Live, "P pause", "continue"),
            (RunStatus::Paused, "P continue", "pause"),
            (RunStatus::Queued, "K stop", "P pause"),
            (RunStatus::Stopped, "R resume", "K stop"),
        ] {
            run.row.state = state;
            let mut app = app();
            app.update(Msg::News(News::Run(Box::new(run.clone()))));
            let line = footer(&app, 160, 40);
            assert!(line.contains(offered) && !line.contains(other), "{state}: {line}");
        }
    }
}
