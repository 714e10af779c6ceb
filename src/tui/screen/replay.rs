//! Replay: a session as it happened: played, held, stepped, sought; drawn by the same charts and panels
//! as a live run.

use super::train::TrainScreen;
use super::{Screen, ScreenId, compare};
use crate::tui::app::{Effect, Shared};
use crate::tui::data::reel::{Reel, ReelOrder};
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{bottom, paragraph, pieces, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The screen. It has no state of its own: the player's is in what all screens see.
#[derive(Debug, Default)]
pub struct ReplayScreen {
    train: TrainScreen,
}

fn order(order: ReelOrder) -> Vec<Effect> {
    vec![Effect::Do(Cmd::Work(Work::Reel(order)))]
}

impl ReplayScreen {
    fn bar(shared: &Shared, reel: &Reel, area: Rect, buffer: &mut Buffer) {
        let title = text::safe(&shared.library.title(&reel.session));
        let speed = if reel.speed == 1.0 {
            "as it happened".to_owned()
        } else {
            format!("{} times as fast", format::number(reel.speed))
        };
        let state = match (reel.playing, shared.glyphs.ascii) {
            (true, false) => "▶ playing",
            (true, true) => "> playing",
            (false, false) => "‖ held",
            (false, true) => "= held",
        };
        let inner = section(
            shared,
            buffer,
            area,
            &format!("replay of {title}"),
            &format!("{state}, {speed}"),
        );
        let length = reel.end.seconds_since(reel.start).max(1e-9);
        let share = (reel.time.seconds_since(reel.start) / length).clamp(0.0, 1.0);
        let width = usize::from(inner.width.saturating_sub(2));
        let at =
            |share: f64| ((share.clamp(0.0, 1.0)) * width.saturating_sub(1) as f64).round() as u16;
        put(
            buffer,
            inner,
            inner.x + 1,
            inner.y,
            &shared.glyphs.rule().repeat(width),
            shared.theme.style(Role::Faint),
        );
        put(
            buffer,
            inner,
            inner.x + 1,
            inner.y,
            &shared.glyphs.rule().repeat(usize::from(at(share))),
            shared.theme.style(Role::Accent),
        );
        for mark in &reel.marks {
            let sign = if shared.glyphs.ascii { "'" } else { "┴" };
            put(
                buffer,
                inner,
                inner.x + 1 + at(*mark),
                inner.y,
                sign,
                shared.theme.style(Role::Dim),
            );
        }
        let head = if shared.glyphs.ascii { "#" } else { "█" };
        put(
            buffer,
            inner,
            inner.x + 1 + at(share),
            inner.y,
            head,
            shared.theme.style(Role::Accent),
        );
        let words = format!(
            "{} UTC   {} of {}   record {} of {}",
            format::clock_seconds(reel.time),
            format::duration(reel.time.seconds_since(reel.start)),
            format::duration(length),
            format::count(reel.position as u64),
            format::count(reel.count as u64)
        );
        pieces(shared, buffer, inner, inner.x + 1, inner.y + 1, &[(Role::Text, &words)]);
    }
}

impl Screen for ReplayScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Play => order(ReelOrder::Toggle),
            Action::StepForward => order(ReelOrder::Step(1)),
            Action::StepBack => order(ReelOrder::Step(-1)),
            Action::SecondsForward => order(ReelOrder::Seconds(5.0)),
            Action::SecondsBack => order(ReelOrder::Seconds(-5.0)),
            Action::MinuteForward => order(ReelOrder::Seconds(60.0)),
            Action::MinuteBack => order(ReelOrder::Seconds(-60.0)),
            Action::MarkNext => order(ReelOrder::Mark(true)),
            Action::MarkPrevious => order(ReelOrder::Mark(false)),
            Action::Faster => order(ReelOrder::Speed(true)),
            Action::Slower => order(ReelOrder::Speed(false)),
            Action::ToStart => order(ReelOrder::Share(0.0)),
            Action::ToEnd => order(ReelOrder::Share(1.0)),
            Action::Live => {
                let run = shared.library.reel.as_ref().and_then(|reel| reel.latest.clone());
                run.into_iter()
                    .flat_map(|run| [Effect::Focus(run), Effect::Go(ScreenId::Train)])
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.train.entered(shared);
        let Some(session) = compare::session(shared) else { return Vec::new() };
        if shared.library.reel.as_ref().is_some_and(|reel| reel.session == *session) {
            return Vec::new();
        }
        order(ReelOrder::Open(session.clone()))
    }

    fn click(&mut self, column: u16, row: u16, area: Rect, _shared: &Shared) -> Vec<Effect> {
        let bar = bottom(area, 3).1;
        if row < bar.y {
            return Vec::new();
        }
        let share = f64::from(column.saturating_sub(bar.x + 1))
            / f64::from(bar.width.saturating_sub(3).max(1));
        order(ReelOrder::Share(share.clamp(0.0, 1.0)))
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(reel) = &shared.library.reel else {
            let words = if compare::session(shared).is_some() {
                "Opening the session..."
            } else {
                "No session yet."
            };
            let inner = Rect {
                x: area.x + 2,
                y: area.y + 1,
                width: area.width.saturating_sub(4),
                height: area.height.saturating_sub(1),
            };
            paragraph(shared, buffer, inner, Role::Dim, words);
            return;
        };
        let (picture, bar) = bottom(area, 3);
        let run = reel
            .latest
            .as_ref()
            .filter(|run| reel.runs.contains_key(*run))
            .or_else(|| reel.runs.keys().next());
        if let Some(run) = run {
            self.train.picture(shared, run, &reel.runs, reel.time, picture, buffer);
        } else {
            let words = "Nothing has happened yet.\n\nspace   plays\n]       goes to the next mark";
            paragraph(
                shared,
                buffer,
                Rect {
                    x: picture.x + 2,
                    y: picture.y + 1,
                    width: picture.width.saturating_sub(4),
                    height: picture.height.saturating_sub(1),
                },
                Role::Dim,
                words,
            );
        }
        Self::bar(shared, reel, bar, buffer);
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::Play,
            Action::StepForward,
            Action::SecondsForward,
            Action::MarkNext,
            Action::Faster,
            Action::ToStart,
            Action::Live,
        ]
    }
}
