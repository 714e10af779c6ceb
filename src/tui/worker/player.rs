//! The thread of the Replay screen: it opens sessions, seeks and plays. A long session takes seconds to
//! open and to search, and nothing else waits for that.

use super::failed;
use super::post::Post;
use super::reel::{GROW, Playing};
use crate::ids::SessionId;
use crate::session::Time;
use crate::tui::data::reel::ReelOrder;
use crate::tui::msg::News;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a session that nobody looks at is kept in memory.
const KEPT: Duration = Duration::from_mins(5);

/// What the thread is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// By the Replay screen.
    Reel(ReelOrder),
    /// Something was marked: take it in at once.
    Grow,
}

/// Starts the thread; it ends when its orders do.
pub fn start(sessions: PathBuf, post: Post) -> Sender<Order> {
    let (sender, orders) = channel();
    std::thread::spawn(move || {
        let told = post.clone();
        let work = move || Projector::new(sessions, post).run(&orders);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            failed(&told, "the thread that replays sessions failed: Replay no longer moves");
        }
    });
    sender
}

struct Projector {
    sessions: PathBuf,
    post: Post,
    playing: Option<Playing>,
    /// Since when nobody looks.
    away: Option<Instant>,
    /// Where a session stood that was put out of memory.
    stood: Option<(SessionId, Time)>,
}

impl Projector {
    fn new(sessions: PathBuf, post: Post) -> Self {
        Self { sessions, post, playing: None, away: None, stood: None }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.wait() {
                Some(wait) => match orders.recv_timeout(wait) {
                    Ok(order) => Some(order),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                None => match orders.recv() {
                    Ok(order) => Some(order),
                    Err(_) => return,
                },
            };
            let all = first.into_iter().chain(orders.try_iter()).collect();
            let mut changed = false;
            for order in since_opened(all) {
                changed |= self.obey(order);
            }
            self.rest(KEPT);
            changed |= self.pass();
            if changed && !self.show() {
                return;
            }
        }
    }

    /// How long until something may change; nothing: not before the next order.
    fn wait(&self) -> Option<Duration> {
        let playing = self.playing.as_ref()?;
        Some(match self.away {
            Some(since) => KEPT.saturating_sub(since.elapsed()),
            None => playing.wait().map_or(GROW, |frame| frame.min(GROW)),
        })
    }

    /// Does what it is asked for; whether there is something to show.
    fn obey(&mut self, order: Order) -> bool {
        let order = match order {
            Order::Reel(order) => order,
            Order::Grow => {
                let playing = self.playing.as_mut().filter(|_| self.away.is_none());
                return playing.is_some_and(Playing::extend);
            }
        };
        match order {
            ReelOrder::Close => {
                (self.playing, self.away, self.stood) = (None, None, None);
                self.post.say(News::Reel(None));
                return false;
            }
            ReelOrder::Open(session) => {
                self.away = None;
                // Asked for twice, where it was not open yet at the first return to it.
                let open = self.playing.as_ref().is_some_and(|open| *open.session() == session);
                if !open {
                    self.stood = None;
                    self.open(&session);
                }
            }
            ReelOrder::Away => {
                if let Some(playing) = &mut self.playing {
                    // There is always a way to hold.
                    let _ = playing.obey(&ReelOrder::Away);
                }
                self.away = Some(Instant::now());
                return false;
            }
            ReelOrder::Front => {
                self.away = None;
                if let Some((session, time)) = self.stood.take() {
                    self.open(&session);
                    if let Some(playing) = &mut self.playing {
                        playing.seek_time(time);
                    }
                }
            }
            order => {
                let obeyed = self.playing.as_mut().map_or(Ok(()), |playing| playing.obey(&order));
                if let Err(why) = obeyed {
                    self.post.say(News::Said(why));
                }
            }
        }
        true
    }

    fn open(&mut self, session: &SessionId) {
        match Playing::open(&self.sessions, session) {
            Ok(playing) => self.playing = Some(playing),
            Err(error) => failed(&self.post, &error),
        }
    }

    /// Lets time pass and looks for new records, where somebody sees it; whether anything came of it.
    fn pass(&mut self) -> bool {
        let Some(playing) = self.playing.as_mut().filter(|_| self.away.is_none()) else {
            return false;
        };
        let passed = playing.pass();
        playing.grow() || passed
    }

    /// Puts a session out of memory that nobody has looked at for so long, and keeps its place.
    fn rest(&mut self, kept: Duration) {
        if self.away.is_some_and(|since| since.elapsed() >= kept)
            && let Some(playing) = self.playing.take()
        {
            self.stood = Some((playing.session().clone(), playing.time()));
        }
    }

    /// Tells what is to be seen; whether anybody still listens.
    fn show(&mut self) -> bool {
        let Some(playing) = &mut self.playing else { return true };
        let reel = Box::new(playing.picture());
        self.post.say(News::Reel(Some(reel)))
    }
}

/// Orders from the last one on that opens a session or puts it away: what was asked of another one before
/// matters no more.
fn since_opened(mut orders: Vec<Order>) -> Vec<Order> {
    let opens = |order: &Order| matches!(order, Order::Reel(ReelOrder::Open(_) | ReelOrder::Close));
    let from = orders.iter().rposition(opens).unwrap_or(0);
    orders.split_off(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RunName;
    use crate::session::LogWriter;
    use crate::session::event::Heartbeat;
    use crate::session::header::Header;
    use crate::session::names::log_name;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000).unwrap()
    }

    fn projector(sessions: &std::path::Path) -> (Projector, SessionId, LogWriter) {
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let run: RunName = "tiny-1".parse().unwrap();
        let folder = sessions.join(id.as_str());
        std::fs::create_dir(&folder).unwrap();
        let header = Header::of_run(id.clone(), run.clone(), 1);
        let mut log = LogWriter::create(&folder.join(log_name(&run, 1)), &header, 1).unwrap();
        for seconds in [0, 10, 20] {
            log.append_at(at(seconds), Heartbeat {}).unwrap();
        }
        let (sender, _) = channel();
        (Projector::new(sessions.to_owned(), Post::new(sender)), id, log)
    }

    #[test]
    fn of_what_was_asked_before_another_session_was_opened_nothing_is_done() {
        let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let reel = Order::Reel;
        let open = reel(ReelOrder::Open(id));
        let (toggle, step) = (reel(ReelOrder::Toggle), reel(ReelOrder::Step(1)));
        let all = vec![toggle.clone(), open.clone(), step.clone(), open.clone(), step.clone()];
        assert_eq!(since_opened(all), [open, step.clone()]);
        assert_eq!(since_opened(vec![step.clone(), toggle.clone()]), [step, toggle]);
    }

    #[test]
    fn a_replay_that_nobody_sees_stands_still_leaves_the_memory_and_is_found_where_it_stood() {
        let sessions = tempfile::tempdir().unwrap();
        let (mut projector, id, mut log) = projector(sessions.path());
        let reel = Order::Reel;
        assert!(projector.wait().is_none());
        assert!(projector.obey(reel(ReelOrder::Open(id.clone()))));
        for order in [ReelOrder::Moment(at(10)), ReelOrder::Loop, ReelOrder::Toggle] {
            projector.obey(reel(order));
        }
        let plays = |it: &Projector| it.playing.as_ref().is_some_and(Playing::is_playing);
        assert!(plays(&projector));
        assert!(!projector.obey(reel(ReelOrder::Away)));
        log.append_at(at(30), Heartbeat {}).unwrap();
        assert!(!plays(&projector) && !projector.obey(Order::Grow) && !projector.pass());
        projector.rest(KEPT);
        assert!(projector.playing.is_some() && projector.wait().is_some());
        projector.rest(Duration::ZERO);
        assert!(projector.playing.is_none() && projector.wait().is_none());
        assert!(projector.obey(reel(ReelOrder::Front)));
        let playing = projector.playing.as_mut().unwrap();
        let reel = playing.picture();
        assert_eq!((reel.time, reel.end, reel.playing), (at(10), at(30), false));
        // Opened once more, it is not read once more, and stays where it is.
        assert!(projector.obey(Order::Reel(ReelOrder::Open(id))));
        let playing = projector.playing.as_ref().unwrap();
        assert_eq!(playing.time(), at(10));
    }
}
