//! What the threads have to tell. Of what changes again and again only the newest waits: a terminal
//! that takes nothing for an hour fills no memory meanwhile.

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

/// What news are of. In this order they are told: a run is in the list before it is open, and every run
/// before it is said that all are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Run(RunId),
    Open(RunId),
    Reel,
    Machine,
    Scanned,
}

impl Slot {
    fn of(news: &News) -> Option<Self> {
        match news {
            News::Run(entry) => Some(Self::Run(entry.id.clone())),
            News::Gone(run) => Some(Self::Run(run.clone())),
            News::Open(run, _) => Some(Self::Open(run.clone())),
            News::Reel(_) => Some(Self::Reel),
            News::Machine(_) => Some(Self::Machine),
            News::Scanned => Some(Self::Scanned),
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
            return self.messages.send(Msg::News(news)).is_ok();
        };
        let Ok(mut waiting) = self.waiting.lock() else { return false };
        if let News::Gone(run) = &news {
            waiting.news.remove(&Slot::Open(run.clone()));
        }
        waiting.news.insert(slot, news);
        let rung = std::mem::replace(&mut waiting.rung, true);
        drop(waiting);
        rung || self.messages.send(Msg::Woken).is_ok()
    }

    /// What waits, once.
    pub fn take(&self) -> Vec<News> {
        let Ok(mut waiting) = self.waiting.lock() else { return Vec::new() };
        waiting.rung = false;
        std::mem::take(&mut waiting.news).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RunStatus;
    use crate::session::tail::Oddities;
    use crate::tui::app::tests::entry;
    use crate::tui::data::library::{OpenRun, Reading};
    use std::sync::mpsc::channel;

    const RUNS: [&str; 2] =
        ["20261124-100000-night-bbbbbb/clip-1", "20261124-110000-day-cccccc/clip-1"];

    fn open() -> OpenRun {
        OpenRun {
            state: Arc::default(),
            alerts: Arc::default(),
            story: Arc::default(),
            console: Arc::default(),
            device: Arc::default(),
            reading: Reading::default(),
            oddities: Oddities::default(),
            status: RunStatus::Live,
        }
    }

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
        assert!(post.say(News::Said("done".to_owned())));
        let came: Vec<Msg> = messages.try_iter().collect();
        assert!(matches!(&came[..], [Msg::Woken, Msg::News(News::Said(_))]), "{came:?}");
        let news = post.take();
        let [News::Run(one), News::Run(two), News::Reel(None), News::Machine(_)] = &news[..] else {
            panic!("{news:?}");
        };
        assert_eq!((one.began, two.began), (entry(RUNS[0], 1000).began, one.began));
        assert_ne!(one.id, two.id);
        assert!(post.take().is_empty());
        // The next one wakes the terminal's thread again.
        post.say(News::Machine(Box::default()));
        assert!(matches!(messages.try_recv(), Ok(Msg::Woken)));
        post.take();
        drop(messages);
        assert!(!post.say(News::Reel(None)));
    }

    #[test]
    fn every_run_is_told_of_before_it_is_said_that_all_were_read() {
        let (sender, _messages) = channel();
        let post = Post::new(sender);
        post.say(News::Scanned);
        for name in RUNS {
            post.say(News::Run(Box::new(entry(name, 1))));
        }
        let news = post.take();
        assert!(matches!(&news[..], [News::Run(_), News::Run(_), News::Scanned]), "{news:?}");
    }

    #[test]
    fn of_a_run_that_goes_and_comes_back_the_last_word_counts() {
        let (sender, _messages) = channel();
        let post = Post::new(sender);
        let run = || News::Run(Box::new(entry(RUNS[0], 1)));
        let gone = || News::Gone(entry(RUNS[0], 0).id);
        post.say(run());
        post.say(News::Open(entry(RUNS[0], 0).id, Box::new(open())));
        post.say(gone());
        let news = post.take();
        assert!(matches!(&news[..], [News::Gone(_)]), "{news:?}");
        post.say(gone());
        post.say(run());
        let news = post.take();
        assert!(matches!(&news[..], [News::Run(_)]), "{news:?}");
    }
}
