//! What the threads have to tell. Of what changes again and again only the newest waits: a terminal
//! that takes nothing for an hour fills no memory meanwhile.

use crate::session::Time;
use crate::session::names::RunId;
use crate::tui::msg::{Msg, News};
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

/// The way to the terminal's thread.
#[derive(Clone, Debug)]
pub struct Post {
    messages: Sender<Msg>,
    waiting: Arc<Mutex<Waiting>>,
}

/// News of which the next one says all that this one says.
#[derive(Debug, Default)]
struct Waiting {
    news: BTreeMap<Slot, News>,
    /// Whether the terminal's thread was woken for them.
    rung: bool,
}

/// What news are of. In this order they are told: a run is in the list before it is open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Run(RunId),
    Open(RunId),
    Reel,
    Machine,
}

impl Slot {
    fn of(news: &News) -> Option<Self> {
        match news {
            News::Run(entry) => Some(Self::Run(entry.id.clone())),
            News::Open(run, _) => Some(Self::Open(run.clone())),
            News::Reel(_) => Some(Self::Reel),
            News::Machine(_) => Some(Self::Machine),
            _ => None,
        }
    }
}

impl Post {
    /// To whoever receives these messages, and takes what waits when one comes.
    pub fn new(messages: Sender<Msg>) -> Self {
        Self { messages, waiting: Arc::default() }
    }

    /// The way of news that come once each.
    pub fn messages(&self) -> Sender<Msg> {
        self.messages.clone()
    }

    /// Tells something; whether anybody still listens.
    pub fn say(&self, news: News) -> bool {
        let Some(slot) = Slot::of(&news) else {
            if let News::Gone(run) = &news {
                self.forget(run);
            }
            return self.messages.send(Msg::News(news)).is_ok();
        };
        let Ok(mut waiting) = self.waiting.lock() else { return false };
        waiting.news.insert(slot, news);
        let rung = std::mem::replace(&mut waiting.rung, true);
        drop(waiting);
        // A look at the clock wakes the terminal's thread.
        rung || self.messages.send(Msg::Time(Time::now())).is_ok()
    }

    /// What waits, once.
    pub fn take(&self) -> Vec<News> {
        let Ok(mut waiting) = self.waiting.lock() else { return Vec::new() };
        waiting.rung = false;
        std::mem::take(&mut waiting.news).into_values().collect()
    }

    fn forget(&self, run: &RunId) {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.news.remove(&Slot::Run(run.clone()));
            waiting.news.remove(&Slot::Open(run.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::entry;
    use std::sync::mpsc::channel;

    const RUNS: [&str; 2] =
        ["20261124-100000-night-bbbbbb/clip-1", "20261124-110000-day-cccccc/clip-1"];

    #[test]
    fn of_a_thousand_news_that_nobody_takes_the_newest_of_each_kind_wait() {
        let (sender, messages) = channel();
        let post = Post::new(sender);
        for at in 1..=1000 {
            for name in RUNS {
                assert!(post.say(News::Run(Box::new(entry(name, at)))));
            }
            assert!(post.say(News::Reel(None)));
            assert!(post.say(News::Machine(Box::default())));
        }
        assert!(post.say(News::Scanned));
        let came: Vec<Msg> = messages.try_iter().collect();
        assert!(matches!(&came[..], [Msg::Time(_), Msg::News(News::Scanned)]), "{came:?}");
        let news = post.take();
        let [News::Run(one), News::Run(two), News::Reel(None), News::Machine(_)] = &news[..] else {
            panic!("{news:?}");
        };
        assert_eq!((one.began, two.began), (entry(RUNS[0], 1000).began, one.began));
        assert_ne!(one.id, two.id);
        assert!(post.take().is_empty());
        // The next one wakes the terminal's thread again, and what is gone is told of no more.
        post.say(News::Run(Box::new(entry(RUNS[0], 1001))));
        post.say(News::Gone(entry(RUNS[0], 0).id));
        let came: Vec<Msg> = messages.try_iter().collect();
        assert!(matches!(&came[..], [Msg::Time(_), Msg::News(News::Gone(_))]), "{came:?}");
        assert!(post.take().is_empty());
        drop(messages);
        assert!(!post.say(News::Scanned));
    }
}
