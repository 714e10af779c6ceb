//! The thread that does what was confirmed: commands into mailboxes, programs that are started, what is
//! recorded. It reads no long log, so none of this waits for one, and who leaves waits for it.

use super::player::Order;
use super::post::Post;
use super::recorder::Recorder;
use super::{Places, failed};
use crate::runner::client::send;
use crate::session::sitting::SittingEvent;
use crate::tui::child;
use crate::tui::msg::{News, Work};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What is not done yet, oldest first, in words; without any where nobody is to be told of it.
pub type Waiting = Arc<Mutex<VecDeque<String>>>;

/// The way to the thread. It ends when the last way to it does.
pub struct Clerk {
    orders: Sender<Work>,
    waiting: Waiting,
}

impl Clerk {
    /// Whether an order is for this thread: what somebody asked for, and counts on.
    pub fn does(work: &Work) -> bool {
        matches!(
            work,
            Work::Record(..)
                | Work::Begin(_)
                | Work::Theme(_)
                | Work::Send(..)
                | Work::Launch { .. }
                | Work::Job(..)
        )
    }

    /// Gives it an order; whether it is there.
    pub fn send(&self, work: Work) -> bool {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.push_back(words(&work));
        }
        self.orders.send(work).is_ok()
    }
}

/// An order in words; none of what nobody asked for by itself.
pub(super) fn words(work: &Work) -> String {
    match work {
        Work::Send(run, command) => format!("{command} for {run}"),
        Work::Record(session, event) => {
            let what = match &**event {
                SittingEvent::Marked(_) | SittingEvent::Unmarked(_) => "a mark",
                SittingEvent::Noted(_) => "a note",
                SittingEvent::Tagged(_) | SittingEvent::Untagged(_) => "a tag",
                SittingEvent::Pinned(_) | SittingEvent::Unpinned(_) => "a pin",
                SittingEvent::Answered(_) => "an answer",
                _ => "an action",
            };
            format!("{what} in {session}")
        }
        Work::Begin(_) => "an action in a new session".to_owned(),
        Work::Launch { arguments, .. } | Work::Job(_, arguments) => arguments.join(" "),
        _ => String::new(),
    }
}

/// Starts the thread. What was marked it tells the player of.
pub fn start(
    places: Places,
    player: Sender<Order>,
    post: Post,
) -> (Clerk, Waiting, JoinHandle<()>) {
    let (orders, received) = channel();
    let waiting = Waiting::default();
    let open = Arc::clone(&waiting);
    let thread = std::thread::spawn(move || {
        let told = post.clone();
        let work = move || run(&places, &received, &open, &player, &post);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            let text =
                "the thread that sends commands and records failed: neither is done any more";
            failed(&told, text);
        }
    });
    (Clerk { orders, waiting: Arc::clone(&waiting) }, waiting, thread)
}

fn run(
    places: &Places,
    orders: &Receiver<Work>,
    waiting: &Waiting,
    player: &Sender<Order>,
    post: &Post,
) {
    let mut recorder = Recorder::default();
    while let Ok(order) = orders.recv() {
        match order {
            Work::Record(session, event) => {
                let mark = matches!(*event, SittingEvent::Marked(_) | SittingEvent::Unmarked(_));
                for news in recorder.record(&places.sessions, &session, *event) {
                    post.say(news);
                }
                if mark {
                    let _ = player.send(Order::Grow);
                }
            }
            Work::Theme(name) => recorder.theme = Some(name),
            Work::Begin(event) => {
                for news in recorder.begin(&places.sessions, &places.checkpoints, *event) {
                    post.say(news);
                }
            }
            Work::Send(run, command) => {
                let sent = send(&places.sessions, &run, command);
                post.say(match sent {
                    Ok(id) => News::Sent { run, command, id },
                    Err(error) => News::Unsent { run, command, why: error.to_string() },
                });
            }
            Work::Job(id, arguments) => child::watch(places, id, &arguments, post.messages()),
            Work::Launch { arguments, what } => {
                child::start(places, arguments, what, post.messages());
            }
            _ => {}
        }
        if let Ok(mut waiting) = waiting.lock() {
            waiting.pop_front();
        }
    }
    recorder.leave();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::control::Command;
    use crate::session::sitting::{Noted, Subject, read_sittings};
    use crate::tui::app::tests::entry;
    use crate::tui::msg::Msg;

    #[test]
    fn what_was_confirmed_is_done_although_everybody_else_is_gone() {
        let sessions = tempfile::tempdir().unwrap();
        let id = entry("20261124-100000-night-bbbbbb/clip-1", 0).id;
        let folder = sessions.path().join(id.session.as_str());
        std::fs::create_dir(&folder).unwrap();
        let places = Places {
            sessions: sessions.path().to_owned(),
            checkpoints: sessions.path().to_owned(),
            environment: Vec::new(),
        };
        let (sender, messages) = channel();
        let (player, _) = channel();
        let (clerk, waiting, thread) = start(places, player, Post::new(sender));
        let noted = Noted { on: Subject::run("clip-1"), text: "a note".into() };
        let record = Work::Record(id.session.clone(), Box::new(noted.into()));
        let stop = Work::Send(id.clone(), Command::Stop);
        assert!(Clerk::does(&record) && Clerk::does(&stop) && !Clerk::does(&Work::Sample(true)));
        assert_eq!(words(&record), "a note in 20261124-100000-night-bbbbbb");
        assert_eq!(words(&stop), format!("stop for {id}"));
        assert!(clerk.send(record) && clerk.send(stop));
        drop(clerk);
        thread.join().unwrap();
        assert!(waiting.lock().unwrap().is_empty());
        let state = read_sittings(&folder).unwrap();
        assert_eq!(state.notes[&Subject::run("clip-1")].text, "a note");
        let said: Vec<Msg> = messages.try_iter().collect();
        assert!(matches!(&said[..], [Msg::News(News::Unsent { .. })]), "{said:?}");
    }
}
