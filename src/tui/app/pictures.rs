//! Which pictures the screen in front shows, and which of them are still to be made ready.

use super::{App, Notice, frame};
use crate::tui::msg::{Cmd, Work};
use crate::tui::picture::{Drawn, Graphics, Key};
use crate::tui::screen::compare::session;
use ratatui::layout::Rect;
use std::sync::Arc;

impl App {
    /// Pictures with their places on the terminal: the screen's, and those of what lies over it.
    fn slots(&self) -> [Vec<(Key, Rect)>; 2] {
        let (width, height) = frame::LEAST;
        if self.size.width < width || self.size.height < height {
            return [Vec::new(), Vec::new()];
        }
        let screen = self.screens.get(self.current).slots(&self.shared, frame::body(self.size));
        [screen, self.look_slot().into_iter().collect()]
    }

    /// What the painter sends beside the cells: pictures that are ready, and where they stand.
    #[must_use]
    pub fn placements(&self) -> Vec<(Rect, Arc<Drawn>)> {
        let ways = [self.shared.graphics_now(), self.shared.graphics_in_front()];
        let sent = self.slots().into_iter().zip(ways).filter(|(_, way)| way.is_sent());
        let ready = |(key, place): (Key, Rect)| {
            Some((place, Arc::clone(self.shared.library.pictures.get(&key)?)))
        };
        sent.flat_map(|(slots, _)| slots).filter_map(ready).collect()
    }

    /// Asks for the pictures that are not ready, when they have changed.
    pub(super) fn await_pictures(&mut self, commands: &mut Vec<Cmd>) {
        let lacks = |key: &Key| self.shared.library.pictures.lacks(key);
        let mut wanted: Vec<Key> =
            self.slots().into_iter().flatten().map(|(key, _)| key).filter(lacks).collect();
        wanted.dedup();
        // What is on its way still comes: asking again for a part of it would only delay it.
        if wanted.iter().all(|key| self.awaited.contains(key)) {
            return;
        }
        let (graphics, cell) = (self.shared.graphics, self.shared.cell);
        let session = session(&self.shared).cloned();
        let order = Work::Pictures(session, wanted.clone(), graphics, cell);
        self.awaited = wanted;
        commands.push(Cmd::Work(order));
    }

    /// Shows pictures in this way from now on.
    pub(super) fn show_by(&mut self, graphics: Graphics) {
        self.shared.graphics = graphics;
        self.shared.library.pictures.clear();
        self.awaited.clear();
    }

    /// The next way that works here.
    pub(super) fn next_graphics(&mut self, commands: &mut Vec<Cmd>) {
        let ways = &self.shared.ways;
        let at = ways.iter().position(|way| *way == self.shared.graphics).map_or(0, |at| at + 1);
        let Some(next) = ways.get(at % ways.len().max(1)).copied() else { return };
        self.show_by(next);
        let text = format!("pictures: {}", next.name());
        self.notice = Some(Notice { text, bad: false });
        commands.push(Cmd::Repaint);
    }
}
