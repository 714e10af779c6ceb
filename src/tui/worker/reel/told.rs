//! What a run's log says in sentences up to a moment, and which run it was told to wait for.

use super::upto::Fold;
use crate::session::event::Event;
use crate::session::record::Record;
use crate::session::replay::{Entry, Kind};
use crate::tui::data::story::Story;
use std::sync::Arc;

/// What one run has told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Its newest records in sentences.
    pub story: Arc<Story>,
    /// The run whose end it was told to wait for.
    pub after: Option<String>,
}

impl Told {
    /// Takes one more record in; whether it told anything.
    pub fn take(&mut self, record: &Record) -> bool {
        match &record.event {
            Event::Heartbeat(_) => return false,
            Event::Queued(queued) => self.after.clone_from(&queued.after),
            _ => {}
        }
        Arc::make_mut(&mut self.story).apply(record);
        true
    }
}

/// Everything but steps, of which there are many: the newest of those are taken in one by one.
impl Fold for Told {
    fn wants(kind: Kind) -> bool {
        matches!(kind, Kind::Landmark | Kind::Other)
    }

    fn apply(&mut self, entry: &Entry) -> bool {
        let Entry::Run(_, record) = entry else { return false };
        self.take(record)
    }
}

#[cfg(test)]
mod tests {
    use super::super::upto::Upto;
    use super::*;
    use crate::ids::RunName;
    use crate::session::Time;
    use crate::session::event::{Heartbeat, Paused, Queued, Warned};

    #[test]
    fn sentences_and_the_run_waited_for_are_those_up_to_a_moment() {
        let run: RunName = "tiny-1".parse().unwrap();
        let events: [Event; 4] = [
            Queued { after: Some("s/other-1".to_owned()) }.into(),
            Heartbeat {}.into(),
            Warned { what: "hot".to_owned() }.into(),
            Paused {}.into(),
        ];
        let entry = |(seq, event): (u64, Event)| {
            Entry::Run(run.clone(), Record::new(seq, Time::EPOCH, event))
        };
        let entries: Vec<Entry> = (1..).zip(events).map(entry).collect();
        let mut upto = Upto::<Told>::default();
        for (position, sentences) in [(4, 3), (2, 1), (3, 2)] {
            let told = &upto.seek(&entries, position)[&run];
            assert_eq!(told.story.sentences.len(), sentences);
            assert_eq!(told.after.as_deref(), Some("s/other-1"));
        }
    }
}
