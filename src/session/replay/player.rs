//! Play, hold, step, seek, search: where someone is in a session, and what was known there.

use super::timeline::{Entries, Entry, Kind, Moment};
use crate::ids::{RunName, StageName};
use crate::session::event::Event;
use crate::session::sitting::SittingEvent;
use crate::session::time::Time;
use std::ops::Range;
use std::time::Duration;

/// Entries between two keyframes, at least.
const KEYFRAME_EVERY: usize = 2000;

/// Keyframes kept, at most: a seek folds no more than a 64th of a long session.
const KEYFRAMES: usize = 64;

/// Speeds that `faster` and `slower` stay within.
const SPEEDS: [f64; 2] = [1.0 / 64.0, 65_536.0];

/// How long a stretch without entries takes at speed 1, at most. Milliseconds.
const LONGEST_GAP: f64 = 10_000.0;

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The place of an entry that fits.
    At(usize),
    /// The budget is used up; go on from this place.
    GoOn(usize),
    /// No entry that way fits.
    None,
}

/// A place in a session and what was known there. The first `position` entries have happened.
pub struct Player<E> {
    entries: E,
    position: usize,
    /// The clock: milliseconds since 1970, with their fraction.
    clock: f64,
    playing: bool,
    speed: f64,
    looping: bool,
    moment: Moment,
    /// Moments by position, in order; the first is the beginning.
    keyframes: Vec<(usize, Moment)>,
    every: usize,
    /// Places to skip to, in order.
    marks: Vec<usize>,
}

impl<E: Entries> Player<E> {
    /// A player at the beginning, held.
    #[must_use]
    pub fn new(entries: E) -> Self {
        let every = KEYFRAME_EVERY.max(entries.len().div_ceil(KEYFRAMES));
        let mut marks = Vec::new();
        for at in 0..entries.len() {
            match entries.kind(at) {
                Kind::Landmark => marks.push(at),
                Kind::Mark => {
                    if let Some(Entry::Sitting(_, record)) = entries.entry(at)
                        && let SittingEvent::Marked(mark) = record.event
                    {
                        marks.push(first_at(&entries, mark.at.time).min(at));
                    }
                }
                Kind::Step | Kind::Other => {}
            }
        }
        marks.sort_unstable();
        marks.dedup();
        let clock = entries.time(0).millis() as f64;
        Self {
            entries,
            position: 0,
            clock,
            playing: false,
            speed: 1.0,
            looping: false,
            moment: Moment::default(),
            keyframes: vec![(0, Moment::default())],
            every,
            marks,
        }
    }

    /// What is played.
    #[must_use]
    pub fn entries(&self) -> &E {
        &self.entries
    }

    /// What was known here.
    #[must_use]
    pub fn moment(&self) -> &Moment {
        &self.moment
    }

    /// Entries that have happened.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The clock's time.
    #[must_use]
    pub fn time(&self) -> Time {
        Time::from_millis(self.clock as i64).unwrap_or(Time::EPOCH)
    }

    /// When the first entry happened.
    #[must_use]
    pub fn start(&self) -> Time {
        self.entries.time(0)
    }

    /// When the last entry happened.
    #[must_use]
    pub fn end(&self) -> Time {
        self.entries.time(self.entries.len())
    }

    /// Whether everything has happened.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.position == self.entries.len()
    }

    /// Whether time passes.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// How fast it passes: 2 is twice as fast as it was.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Whether the end is followed by the beginning.
    #[must_use]
    pub fn is_looping(&self) -> bool {
        self.looping
    }

    /// Lets time pass, from the beginning where it was at the end.
    pub fn play(&mut self) {
        if self.is_at_end() {
            self.seek(0);
        }
        self.playing = !self.entries.is_empty();
    }

    /// Holds time.
    pub fn pause(&mut self) {
        self.playing = false;
    }

    /// Plays where it is held and holds where it plays.
    pub fn toggle(&mut self) {
        if self.playing { self.pause() } else { self.play() }
    }

    /// Begins again at the end, or stops there.
    pub fn set_looping(&mut self, looping: bool) {
        self.looping = looping;
    }

    /// Sets the speed, within bounds; what is no positive number changes nothing.
    pub fn set_speed(&mut self, speed: f64) {
        if speed > 0.0 {
            self.speed = speed.clamp(SPEEDS[0], SPEEDS[1]);
        }
    }

    /// Twice as fast.
    pub fn faster(&mut self) {
        self.set_speed(self.speed * 2.0);
    }

    /// Half as fast.
    pub fn slower(&mut self) {
        self.set_speed(self.speed / 2.0);
    }

    /// So much time has passed for whoever watches. Returns the places of the entries that
    /// happened. A long stretch without entries is shortened.
    pub fn advance(&mut self, elapsed: Duration) -> Range<usize> {
        let from = self.position;
        if !self.playing {
            return from..from;
        }
        if self.is_at_end() {
            if self.looping {
                self.seek(0);
            } else {
                self.playing = false;
            }
            return self.position..self.position;
        }
        self.clock += elapsed.as_secs_f64() * 1000.0 * self.speed;
        let next = self.entries.time(self.position).millis() as f64;
        self.clock = self.clock.max(next - LONGEST_GAP);
        while self.position < self.entries.len()
            && self.entries.time(self.position).millis() as f64 <= self.clock
        {
            self.take();
        }
        if self.is_at_end() {
            self.clock = self.end().millis() as f64;
            self.playing = self.looping;
        }
        from..self.position
    }

    /// Milliseconds of watching until the next entry; nothing at the end.
    #[must_use]
    pub fn until_next(&self) -> Option<f64> {
        if self.is_at_end() {
            return None;
        }
        let gap = self.entries.time(self.position).millis() as f64 - self.clock;
        Some(gap.clamp(0.0, LONGEST_GAP) / self.speed)
    }

    /// One entry on.
    pub fn step_forward(&mut self) {
        self.seek(self.position + 1);
    }

    /// One entry back.
    pub fn step_back(&mut self) {
        self.seek(self.position.saturating_sub(1));
    }

    /// Goes to where so many entries have happened; the clock stands at the last of them.
    pub fn seek(&mut self, position: usize) {
        let position = position.min(self.entries.len());
        let before = self.keyframes.partition_point(|(at, _)| *at <= position);
        // There is always a keyframe at the beginning.
        if let Some((at, moment)) = self.keyframes.get(before.saturating_sub(1))
            && (position < self.position || *at > self.position)
        {
            self.position = *at;
            self.moment = moment.clone();
        }
        while self.position < position {
            self.take();
        }
        self.clock = self.entries.time(position.saturating_sub(1)).millis() as f64;
    }

    /// Goes to a moment: everything up to it has happened.
    pub fn seek_time(&mut self, time: Time) {
        let just_after = time.millis().saturating_add(1);
        let position = Time::from_millis(just_after)
            .map_or(self.entries.len(), |after| first_at(&self.entries, after));
        self.seek(position);
        self.clock = time.millis().clamp(self.start().millis(), self.end().millis()) as f64;
    }

    /// Goes so many seconds on, or back.
    pub fn seek_by(&mut self, seconds: f64) {
        let to = (self.clock + seconds * 1000.0)
            .clamp(self.start().millis() as f64, self.end().millis() as f64);
        if let Some(time) = Time::from_millis(to as i64) {
            self.seek_time(time);
        }
    }

    /// Goes to a share of the whole time, from 0 to 1.
    pub fn seek_share(&mut self, share: f64) {
        let (start, end) = (self.start().millis() as f64, self.end().millis() as f64);
        let to = start + (end - start) * share.clamp(0.0, 1.0);
        if let Some(time) = Time::from_millis(to as i64) {
            self.seek_time(time);
        }
    }

    /// Goes to where a step was made: the first time it counts, in the named run and stage, else in
    /// whichever made it first. False where none did, and then it stays where it was.
    pub fn seek_step(
        &mut self,
        run: Option<&RunName>,
        stage: Option<&StageName>,
        step: u64,
    ) -> bool {
        let found = (0..self.entries.len()).find(|at| {
            self.entries.kind(*at) == Kind::Step
                && matches!(
                    self.entries.entry(*at),
                    Some(Entry::Run(name, record)) if run.is_none_or(|run| *run == name)
                        && matches!(&record.event, Event::StepFinished(made)
                            if made.step == step && stage.is_none_or(|stage| *stage == made.stage))
                )
        });
        if let Some(at) = found {
            self.seek(at + 1);
        }
        found.is_some()
    }

    /// Places to skip to, in order: stages, checkpoints, warnings, results, and what was marked.
    #[must_use]
    pub fn marks(&self) -> &[usize] {
        &self.marks
    }

    /// Goes to the next mark; false where there is none.
    pub fn next_mark(&mut self) -> bool {
        let next = self.marks.partition_point(|at| *at < self.position);
        self.marks.get(next).copied().is_some_and(|at| {
            self.seek(at + 1);
            true
        })
    }

    /// Goes to the mark before; false where there is none.
    pub fn previous_mark(&mut self) -> bool {
        let here = self.position.saturating_sub(1);
        let before = self.marks.partition_point(|at| *at < here);
        let found = before.checked_sub(1).and_then(|before| self.marks.get(before).copied());
        found.is_some_and(|at| {
            self.seek(at + 1);
            true
        })
    }

    /// Looks for an entry that fits, from a place on (or back, that place not included), through at
    /// most `budget` entries. Goes nowhere: `seek` to what was found, plus one.
    pub fn find(
        &self,
        from: usize,
        forward: bool,
        budget: usize,
        mut fits: impl FnMut(&Entry) -> bool,
    ) -> Found {
        let mut fits = |at: &usize| self.entries.entry(*at).is_some_and(|entry| fits(&entry));
        if forward {
            let end = from.saturating_add(budget).min(self.entries.len());
            match (from..end).find(&mut fits) {
                Some(at) => Found::At(at),
                None if end < self.entries.len() => Found::GoOn(end),
                None => Found::None,
            }
        } else {
            let from = from.min(self.entries.len());
            let start = from.saturating_sub(budget);
            match (start..from).rev().find(&mut fits) {
                Some(at) => Found::At(at),
                None if start > 0 => Found::GoOn(start),
                None => Found::None,
            }
        }
    }

    /// The next entry happens.
    fn take(&mut self) {
        if let Some(entry) = self.entries.entry(self.position) {
            self.moment.apply(entry);
        }
        self.position += 1;
        if self.position.is_multiple_of(self.every)
            && self.keyframes.last().is_none_or(|(at, _)| *at < self.position)
        {
            self.keyframes.push((self.position, self.moment.clone()));
        }
    }
}

/// The place of the first entry at or after a moment.
fn first_at(entries: &impl Entries, time: Time) -> usize {
    let (mut low, mut high) = (0, entries.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if entries.time(middle) < time { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::{Heartbeat, Warned};
    use crate::session::record::Record;
    use crate::session::sitting::{Marked, Place};
    use proptest::prelude::*;

    fn at(millis: i64) -> Time {
        Time::from_millis(millis).unwrap()
    }

    /// A heartbeat every 100 ms, every 50th a warning, and a mark at the end that names 0.5 s.
    fn entries(count: u64) -> Vec<Entry> {
        let run: RunName = "tiny-1".parse().unwrap();
        let mut entries: Vec<Entry> = (1..=count)
            .map(|seq| {
                let time = at(seq as i64 * 100);
                let record = if seq % 50 == 0 {
                    Record::new(seq, time, Warned { what: seq.to_string() })
                } else {
                    Record::new(seq, time, Heartbeat {})
                };
                Entry::Run(run.clone(), record)
            })
            .collect();
        let mark = Marked { mark: "1-1".into(), at: Place::moment(at(500)), label: "x".into() };
        let time = at(count as i64 * 100);
        entries.push(Entry::Sitting(1, Record::of(1, time, mark.into())));
        entries
    }

    fn folded(entries: &[Entry]) -> Moment {
        let mut moment = Moment::default();
        entries.iter().cloned().for_each(|entry| moment.apply(entry));
        moment
    }

    #[test]
    fn time_passes_as_fast_as_asked_and_stops_at_the_end() {
        let mut player = Player::new(entries(100));
        assert!(player.advance(Duration::from_secs(5)).is_empty());
        player.play();
        assert_eq!(player.advance(Duration::from_millis(250)), 0..3);
        player.faster();
        assert_eq!(player.until_next(), Some(25.0));
        assert_eq!(player.advance(Duration::from_millis(100)), 3..5);
        player.pause();
        assert!(player.advance(Duration::from_secs(5)).is_empty());
        player.toggle();
        assert_eq!(player.advance(Duration::from_mins(1)), 5..101);
        assert!(player.is_at_end() && !player.is_playing() && player.until_next().is_none());
        player.play();
        assert_eq!(player.position(), 0);
    }

    #[test]
    fn marks_are_skipped_to_both_ways() {
        let mut player = Player::new(entries(120));
        assert_eq!(player.marks(), [4, 49, 99]);
        let mut seen = Vec::new();
        while player.next_mark() {
            seen.push(player.position());
        }
        assert_eq!(seen, [5, 50, 100]);
        assert!(player.previous_mark());
        assert_eq!(player.position(), 50);
        assert_eq!(player.moment().session.runs.values().next().unwrap().warnings.count, 1);
    }

    #[test]
    fn a_search_goes_both_ways_within_its_budget() {
        let player = Player::new(entries(120));
        let warned = |entry: &Entry| entry.kind() == "warned";
        assert_eq!(player.find(0, true, 10, warned), Found::GoOn(10));
        assert_eq!(player.find(10, true, 100, warned), Found::At(49));
        assert_eq!(player.find(100, true, 100, warned), Found::None);
        assert_eq!(player.find(99, false, 1000, warned), Found::At(49));
        assert_eq!(player.find(49, false, 10, warned), Found::GoOn(39));
    }

    #[test]
    fn a_session_without_a_record_is_at_its_end() {
        let mut player = Player::new(Vec::new());
        player.play();
        player.seek_by(5.0);
        player.seek_share(0.5);
        player.step_forward();
        assert!(player.is_at_end() && !player.is_playing() && !player.next_mark());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// Wherever one goes and however one came, what is known is what all records up to there
        /// say: a keyframe and the records after it are worth all records.
        #[test]
        fn any_way_to_a_place_tells_the_same(ways in prop::collection::vec(0usize..5002, 1..8)) {
            let all = entries(5000);
            let mut player = Player::new(all.clone());
            for (turn, to) in ways.into_iter().enumerate() {
                match turn % 3 {
                    0 => player.seek(to),
                    1 => player.seek_time(at(to as i64 * 100)),
                    _ => { player.step_back(); player.seek_by(to as f64 / 7.0) }
                }
                prop_assert_eq!(player.moment(), &folded(&all[..player.position()]));
            }
        }
    }
}
