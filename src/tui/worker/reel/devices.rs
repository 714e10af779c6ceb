//! What the machines of a session's runs did up to a moment of it.

use crate::ids::RunName;
use crate::session::replay::{Entries, Entry, Kind};
use crate::session::system::SystemEvent;
use crate::tui::data::history::DeviceHistory;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Samples between two moments that are kept.
const EVERY: usize = 512;

type Histories = BTreeMap<RunName, Arc<DeviceHistory>>;

/// The samples of the entries up to a place.
#[derive(Debug, Default)]
pub struct Devices {
    position: usize,
    samples: usize,
    known: Histories,
    /// Moments gone through, in order: going back begins at one of them.
    kept: Vec<(usize, Histories)>,
}

impl Devices {
    /// Entries from a place on are others now.
    pub fn forget(&mut self, from: usize) {
        self.kept.retain(|(at, _)| *at <= from);
        if self.position > from {
            self.back(from);
        }
    }

    fn back(&mut self, position: usize) {
        let at = self.kept.partition_point(|(at, _)| *at <= position);
        let kept = at.checked_sub(1).and_then(|at| self.kept.get(at)).cloned();
        (self.position, self.known) = kept.unwrap_or_default();
    }

    /// Goes to a place.
    pub fn seek(&mut self, entries: &impl Entries, position: usize) -> &Histories {
        if position < self.position {
            self.back(position);
        }
        while self.position < position {
            let at = self.position;
            self.position += 1;
            if entries.kind(at) != Kind::Sample {
                continue;
            }
            let Some(Entry::System(run, record)) = entries.entry(at) else { continue };
            let SystemEvent::Sampled(sample) = record.event else { continue };
            let history = self.known.entry(run).or_default();
            Arc::make_mut(history).apply(record.time, &sample);
            self.samples += 1;
            if self.samples.is_multiple_of(EVERY)
                && self.kept.last().is_none_or(|(at, _)| *at < self.position)
            {
                self.kept.push((self.position, self.known.clone()));
            }
        }
        &self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::record::Record;
    use crate::session::system::Sampled;
    use crate::session::{Finite, Time};

    fn sample(at: i64) -> Entry {
        let share = |value| Finite::new(value).unwrap();
        let sampled = Sampled {
            cores_used: share(0.5),
            busiest_core: share(1.0),
            cores: 2,
            memory_used: at as u64,
            memory_total: 4000,
            process_bytes: 1,
            disk_free: BTreeMap::new(),
            gpus: Vec::new(),
        };
        let time = Time::from_millis(at * 2000).unwrap();
        Entry::System("tiny-1".parse().unwrap(), Record::of(at as u64, time, sampled.into()))
    }

    #[test]
    fn what_a_machine_did_up_to_a_moment_is_told_both_ways() {
        let run: RunName = "tiny-1".parse().unwrap();
        let entries: Vec<Entry> = (1..=2000).map(sample).collect();
        let mut devices = Devices::default();
        for position in [0, 3, 1999, 600, 599, 2000, 1] {
            let known = devices.seek(&entries, position);
            let samples = known.get(&run).map_or(0, |history| history.samples);
            assert_eq!(samples, position as u64);
        }
        devices.seek(&entries, 2000);
        devices.forget(10);
        assert_eq!(devices.seek(&entries, 12)[&run].samples, 12);
    }
}
