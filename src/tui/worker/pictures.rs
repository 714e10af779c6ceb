//! The thread that makes pictures ready: read, decoded, made small and coded beside the terminal.

use crate::ids::{Digest, SessionId};
use crate::session::thumbnails::Thumbnails;
use crate::tui::msg::{Msg, News};
use crate::tui::picture::{Drawn, Graphics, Key, draw};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Pictures that stand in no session, the newest few: a picture as a tower sees it.
#[derive(Clone, Debug, Default)]
pub struct Loose(Arc<Mutex<VecDeque<(Digest, Vec<u8>)>>>);

/// Loose pictures that are kept.
const LOOSE: usize = 8;

impl Loose {
    /// Keeps a picture's file under its name.
    pub fn put(&self, bytes: Vec<u8>) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.push_back((Digest::of(&bytes), bytes));
        if kept.len() > LOOSE {
            kept.pop_front();
        }
    }

    fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let kept = self.0.lock().ok()?;
        kept.iter().find(|(known, _)| known == digest).map(|(_, bytes)| bytes.clone())
    }
}

/// Pictures wanted of a session.
#[derive(Clone, Debug)]
pub struct Order {
    /// The session; nothing where there is none yet.
    pub session: Option<SessionId>,
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
    loose: Loose,
    number: u8,
}

impl Maker {
    /// For the sessions in a folder.
    pub fn new(sessions: &Path, loose: Loose) -> Self {
        Self { sessions: sessions.to_owned(), loose, number: 0 }
    }

    /// One picture of an order.
    pub fn make(&mut self, order: &Order, key: &Key) -> Option<Arc<Drawn>> {
        let kept = || {
            let session = self.sessions.join(order.session.as_ref()?.as_str());
            Thumbnails::of(&session).get(&key.picture).ok()?
        };
        let bytes = self.loose.get(&key.picture).or_else(kept)?;
        self.number = self.number % NUMBERS + 1;
        draw(&bytes, key, order.graphics, order.cell, self.number).map(Arc::new)
    }
}

/// Starts the thread; it ends with its orders. Of several orders the newest counts.
pub fn start(sessions: &Path, loose: Loose, messages: Sender<Msg>) -> Sender<Order> {
    let (sender, orders) = channel();
    let maker = Maker::new(sessions, loose);
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
