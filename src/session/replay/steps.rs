//! Where a step was made, found in a long session without decoding every line.

use super::timeline::{Entries, Entry, Kind, LogName, Timeline};
use crate::ids::{RunName, StageName};
use crate::session::event::Event;
use crate::session::record::Record;

/// Steps of a log from one that is looked at to the next.
const EVERY: usize = 1000;

/// A step that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of this run; of any where there is none.
    pub run: Option<&'a RunName>,
    /// Of this stage; of any where there is none.
    pub stage: Option<&'a StageName>,
    /// Its number in the stage.
    pub step: u64,
}

impl Wanted<'_> {
    /// Whether an entry is it.
    #[must_use]
    pub fn is(&self, entry: &Entry) -> bool {
        let Entry::Run(name, Record { event: Event::StepFinished(made), .. }) = entry else {
            return false;
        };
        made.step == self.step
            && self.run.is_none_or(|run| run == name)
            && self.stage.is_none_or(|stage| *stage == made.stage)
    }

    /// Whether it may lie between two steps of a log, these included. A runner counts a stage's steps
    /// up; where it is another stage, or a line cannot be read, each in between is looked at.
    fn may_lie(&self, from: Option<&(StageName, u64)>, to: Option<&(StageName, u64)>) -> bool {
        let (Some((stage, first)), Some((other, last))) = (from, to) else { return true };
        if stage != other || first > last {
            return true;
        }
        self.stage.is_none_or(|wanted| wanted == stage) && (*first..=*last).contains(&self.step)
    }
}

/// The first place of a step in a session.
pub(super) fn find(timeline: &Timeline, wanted: &Wanted<'_>) -> Option<usize> {
    let mut logs: Vec<Vec<usize>> = Vec::new();
    for at in (0..timeline.len()).filter(|at| timeline.kind(*at) == Kind::Step) {
        let Some(number) = timeline.number(at) else { continue };
        if logs.len() <= number {
            logs.resize_with(number + 1, Vec::new);
        }
        logs[number].push(at);
    }
    let asked = |steps: &&Vec<usize>| {
        let name = steps.first().and_then(|at| timeline.log(*at));
        matches!(name, Some(LogName::Run(run, _)) if wanted.run.is_none_or(|wanted| wanted == run))
    };
    // A later segment may have made it again.
    logs.iter().filter(asked).filter_map(|steps| find_in(timeline, steps, wanted, EVERY)).min()
}

/// The first of these places, of the steps of one log, at which the step was made. Of so many one is
/// looked at, and all of those between two that it may lie between.
fn find_in(
    entries: &impl Entries,
    steps: &[usize],
    wanted: &Wanted<'_>,
    every: usize,
) -> Option<usize> {
    let last = steps.len().checked_sub(1)?;
    let made = |at: usize| match entries.entry(steps[at])? {
        Entry::Run(_, Record { event: Event::StepFinished(made), .. }) => {
            Some((made.stage, made.step))
        }
        _ => None,
    };
    let is = |at: &usize| entries.entry(*at).is_some_and(|entry| wanted.is(&entry));
    let (mut low, mut first) = (0, made(0));
    loop {
        let high = (low + every).min(last);
        let next = made(high);
        if wanted.may_lie(first.as_ref(), next.as_ref())
            && let Some(at) = steps[low..=high].iter().copied().find(is)
        {
            return Some(at);
        }
        if high == last {
            return None;
        }
        (low, first) = (high, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::LogWriter;
    use crate::session::event::StepFinished;
    use crate::session::header::Header;
    use crate::session::names::log_name;
    use crate::session::time::Time;
    use serde_json::json;
    use std::cell::Cell;

    fn made(stage: &str, step: u64) -> StepFinished {
        serde_json::from_value(json!({
            "stage": stage, "step": step, "epoch": 0, "loss": 1.0, "learning_rate": 0.1,
            "gradient_norm": {}, "clipped": false, "memory_bytes": 1,
            "milliseconds": {"data": 1.0, "forward": 1.0, "backward": 1.0, "optimizer": 1.0},
        }))
        .unwrap()
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis as i64).unwrap()
    }

    /// Entries that count how many were asked for.
    struct Counted(Vec<Entry>, Cell<usize>);

    impl Entries for Counted {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn time(&self, at: usize) -> Time {
            self.0.time(at)
        }
        fn kind(&self, at: usize) -> Kind {
            self.0.kind(at)
        }
        fn entry(&self, at: usize) -> Option<Entry> {
            self.1.set(self.1.get() + 1);
            Entries::entry(&self.0, at)
        }
    }

    #[test]
    fn the_same_step_is_found_as_by_looking_at_each_and_few_are_looked_at() {
        let run: RunName = "tiny-1".parse().unwrap();
        let (one, two): (StageName, StageName) = ("one".parse().unwrap(), "two".parse().unwrap());
        // The second stage lacks steps that were skipped.
        let steps = (1..=2503).map(|step| made("one", step));
        let steps = steps
            .chain((1..=700_u64).filter(|step| !step.is_multiple_of(7)).map(|s| made("two", s)));
        let entry = |(seq, made): (u64, StepFinished)| {
            Entry::Run(run.clone(), Record::new(seq, at(seq), made))
        };
        let entries: Vec<Entry> = (1..).zip(steps).map(entry).collect();
        let places: Vec<usize> = (0..entries.len()).collect();
        let counted = Counted(entries.clone(), Cell::new(0));
        for stage in [None, Some(&one), Some(&two)] {
            for step in [1, 2, 99, 100, 101, 350, 700, 701, 1400, 2502, 2503, 2504] {
                let wanted = Wanted { run: None, stage, step };
                counted.1.set(0);
                let found = find_in(&counted, &places, &wanted, 100);
                assert_eq!(found, entries.find_step(&wanted), "{stage:?} {step}");
                assert!(counted.1.get() < 300, "{stage:?} {step}: {}", counted.1.get());
            }
        }
        assert_eq!(find_in(&counted, &[], &Wanted { run: None, stage: None, step: 1 }, 100), None);
    }

    #[test]
    fn in_a_session_of_several_logs_the_first_time_counts() {
        let folder = tempfile::tempdir().unwrap();
        let session: crate::ids::SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let write = |run: &str, segment: u32, from: u64, steps: std::ops::Range<u64>| {
            let run: RunName = run.parse().unwrap();
            let header = Header::of_run(session.clone(), run.clone(), segment);
            let path = folder.path().join(log_name(&run, segment));
            let mut log = LogWriter::create(&path, &header, from + 1).unwrap();
            for step in steps {
                log.append_at(at(from + step), made("one", step)).unwrap();
            }
        };
        write("tiny-1", 1, 0, 1..2400);
        write("tiny-1", 2, 5000, 2200..2600);
        write("clip-1", 1, 100, 1..3000);
        let timeline = Timeline::open(folder.path()).unwrap();
        let (tiny, clip): (RunName, RunName) =
            ("tiny-1".parse().unwrap(), "clip-1".parse().unwrap());
        for run in [None, Some(&tiny), Some(&clip)] {
            for step in [1, 1000, 2199, 2200, 2399, 2400, 2599, 2600, 2999, 3000] {
                let wanted = Wanted { run, stage: None, step };
                let fits = |at: &usize| timeline.entry(*at).is_some_and(|entry| wanted.is(&entry));
                let expected = (0..timeline.len()).find(fits);
                assert_eq!(timeline.find_step(&wanted), expected, "{run:?} {step}");
            }
        }
    }
}
