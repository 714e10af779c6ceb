//! A replay that nobody sees is held.

use super::App;
use crate::tui::data::reel::ReelOrder;
use crate::tui::msg::{Cmd, Work};
use crate::tui::screen::ScreenId;

impl App {
    /// Tells the player when Replay is left, and when someone comes back to it.
    pub(super) fn hold_reel(&mut self, commands: &mut Vec<Cmd>) {
        let front = self.current == ScreenId::Replay;
        match self.replays {
            None if front => {}
            Some(before) if before != front => {
                let order = if front { ReelOrder::Front } else { ReelOrder::Away };
                commands.push(Cmd::Work(Work::Reel(order)));
            }
            _ => return,
        }
        self.replays = Some(front);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::{app, press};

    #[test]
    fn the_player_is_told_when_nobody_looks_and_when_somebody_does() {
        let mut app = app();
        let orders = |commands: Vec<Cmd>| -> Vec<ReelOrder> {
            let order = |command| match command {
                Cmd::Work(Work::Reel(order)) => Some(order),
                _ => None,
            };
            commands.into_iter().filter_map(order).collect()
        };
        assert!(orders(press(&mut app, "1 2 5")).is_empty(), "there is no session yet");
        assert!(orders(press(&mut app, "j")).is_empty());
        assert_eq!(orders(press(&mut app, "2")), [ReelOrder::Away]);
        assert!(orders(press(&mut app, "3 1")).is_empty());
        assert_eq!(orders(press(&mut app, "5 4")), [ReelOrder::Front, ReelOrder::Away]);
    }
}
