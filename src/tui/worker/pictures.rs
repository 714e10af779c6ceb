//! The thread that makes pictures ready: read, decoded, made small and coded beside the terminal.

use crate::ids::SessionId;
use crate::session::thumbnails::Thumbnails;
use crate::tui::msg::{Msg, News};
use crate::tui::picture::{Drawn, Graphics, Key, draw};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Pictures wanted of a session.
#[derive(Clone, Debug)]
pub struct Order {
    /// The session.
    pub session: SessionId,
    /// Which, in the order they are wanted in.
    pub keys: Vec<Key>,
    /// For which way.
    pub graphics: Graphics,
    /// Pixels of a cell.
    pub cell: (u16, u16),
}

/// Numbers that pictures have in the terminal.
const NUMBERS: u8 = 255;

/// Makes pictures ready and numbers them.
#[derive(Debug)]
pub struct Maker {
    sessions: PathBuf,
    number: u8,
}

impl Maker {
    /// For the sessions in a folder.
    pub fn new(sessions: &Path) -> Self {
        Self { sessions: sessions.to_owned(), number: 0 }
    }

    /// One picture of an order.
    pub fn make(&mut self, order: &Order, key: &Key) -> Option<Arc<Drawn>> {
        let thumbnails = Thumbnails::of(&self.sessions.join(order.session.as_str()));
        let bytes = thumbnails.get(&key.picture).ok()??;
        self.number = self.number % NUMBERS + 1;
        draw(&bytes, key, order.graphics, order.cell, self.number).map(Arc::new)
    }
}

/// Starts the thread; it ends with its orders. Of several orders the newest counts.
pub fn start(sessions: &Path, messages: Sender<Msg>) -> Sender<Order> {
    let (sender, orders) = channel();
    let maker = Maker::new(sessions);
    std::thread::spawn(move || run(maker, &orders, &messages));
    sender
}

fn run(mut maker: Maker, orders: &Receiver<Order>, messages: &Sender<Msg>) {
    while let Ok(mut order) = orders.recv() {
        let mut left: VecDeque<Key> = order.keys.drain(..).collect();
        loop {
            if let Some(newest) = orders.try_iter().last() {
                order = newest;
                left = order.keys.drain(..).collect();
            }
            let Some(key) = left.pop_front() else { break };
            // A picture that makes its decoder panic is one that is not there.
            let make = std::panic::AssertUnwindSafe(|| maker.make(&order, &key));
            let drawn = std::panic::catch_unwind(make).unwrap_or_default();
            if messages.send(Msg::News(News::Picture(key, drawn))).is_err() {
                return;
            }
        }
    }
}
