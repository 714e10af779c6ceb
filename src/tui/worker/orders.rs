//! Which thread does what the model asks for, and what is waited for where somebody leaves.

use super::clerk::{self, Clerk};
use super::player::{self, Order};
use super::post::Post;
use super::{Places, Worker, failed};
use crate::tui::msg::{Msg, News, Work};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long leaving waits for what was confirmed.
const PARTING: Duration = Duration::from_secs(5);
/// How long it waits for what only reads: an index that is being kept.
const READING: Duration = Duration::from_millis(500);

/// The way to the threads. They end when this does.
pub struct Orders {
    files: Sender<Work>,
    player: Sender<Order>,
    clerk: Clerk,
    post: Post,
}

impl Orders {
    /// Has somebody do it; whether they are there.
    pub fn send(&self, work: Work) -> bool {
        match work {
            Work::Reel(order) => self.player.send(Order::Reel(order)).is_ok(),
            work if Clerk::does(&work) => self.clerk.send(work),
            work => self.files.send(work).is_ok(),
        }
    }

    /// What there is to be told beside the messages that came.
    pub fn news(&self) -> Vec<News> {
        self.post.take()
    }
}

/// Threads that are waited for at the end.
pub struct Threads {
    clerk: JoinHandle<()>,
    files: JoinHandle<()>,
    waiting: clerk::Waiting,
}

impl Threads {
    /// Waits, once nobody has orders any more, until what was asked for is done; a file system that
    /// hangs is not waited for. What is not done, and what failed of which nobody was told, in words.
    pub fn leave(self, messages: &Receiver<Msg>) -> Vec<String> {
        self.leave_within(PARTING, messages)
    }

    fn leave_within(self, parting: Duration, messages: &Receiver<Msg>) -> Vec<String> {
        let began = Instant::now();
        let ends = |thread: &JoinHandle<()>, within: Duration| {
            while !thread.is_finished() && began.elapsed() < within {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        ends(&self.clerk, parting);
        ends(&self.files, READING);
        let mut said: Vec<String> = match self.waiting.lock() {
            Ok(waiting) => waiting.iter().filter(|words| !words.is_empty()).cloned().collect(),
            Err(_) => Vec::new(),
        };
        said.extend(messages.try_iter().filter_map(|message| match message {
            Msg::News(News::Unsent { run, command, why }) => {
                Some(format!("{command} for {run}: {why}"))
            }
            Msg::News(News::Failed(why) | News::Unrecorded(why) | News::JobEnded(_, Err(why))) => {
                Some(why)
            }
            _ => None,
        }));
        said
    }
}

/// Starts the threads.
pub fn start(places: Places, messages: Sender<Msg>) -> (Orders, Threads) {
    let post = Post::new(messages);
    let player = player::start(places.sessions.clone(), post.clone());
    let (clerk, waiting, clerk_thread) = clerk::start(places.clone(), player.clone(), post.clone());
    let (files, received) = channel();
    let told = post.clone();
    let reads = std::thread::spawn(move || {
        let post = told.clone();
        let work = std::panic::AssertUnwindSafe(move || Worker::new(places, post).run(&received));
        if std::panic::catch_unwind(work).is_err() {
            let text = "the thread that reads files failed: what is shown no longer changes; leave and open again";
            failed(&told, text);
        }
    });
    let threads = Threads { clerk: clerk_thread, files: reads, waiting };
    (Orders { files, player, clerk, post }, threads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::control::Command;
    use crate::tui::app::tests::entry;
    use std::sync::{Arc, Condvar, Mutex};

    #[test]
    fn who_leaves_is_told_what_was_not_done_and_what_failed() {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let shut = Arc::clone(&gate);
        let clerk = std::thread::spawn(move || {
            let open = shut.0.lock().unwrap();
            drop(shut.1.wait_while(open, |open| !*open).unwrap());
        });
        let (sender, messages) = channel();
        let run = entry("20261124-100000-night-bbbbbb/clip-1", 0).id;
        let why = "it has no runner".to_owned();
        let unsent = News::Unsent { run: run.clone(), command: Command::Stop, why };
        sender.send(Msg::News(unsent)).unwrap();
        sender.send(Msg::News(News::Said("demo starts".to_owned()))).unwrap();
        let failed = News::JobEnded(1, Err("error: no such data set".to_owned()));
        sender.send(Msg::News(failed)).unwrap();
        let waiting = clerk::Waiting::default();
        let orders = ["a note in night".to_owned(), clerk::words(&Work::Theme("dark"))];
        waiting.lock().unwrap().extend(orders);
        let files = std::thread::spawn(|| {});
        let threads = Threads { clerk, files, waiting };
        let said = threads.leave_within(Duration::from_millis(50), &messages);
        let unsent = format!("stop for {run}: it has no runner");
        assert_eq!(said, ["a note in night", unsent.as_str(), "error: no such data set"]);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    }
}
