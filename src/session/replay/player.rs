//! Play, hold, step, seek, search: where someone is in a session, and what was known there.

use super::places::{Bookmark, Places, first_at};
use super::steps::Wanted;
use super::timeline::{Entries, Entry, Moment};
use crate::ids::{RunName, StageName};
use crate::session::error::LogError;
use crate::session::time::Time;
use std::ops::Range;
use std::time::Duration;

/// Entries between two keyframes, at least.
const KEYFRAME_EVERY: usize = 2000;

/// Keyframes kept, at most: a seek folds no more than a 64th of a long session.
const KEYFRAMES: usize = 64;

/// Speeds that `faster` and `slower` stay within.
const SPEEDS: [f64; 2] = [1.0 / 64.0, 65_536.0];

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
    places: Places,
}

impl<E: Entries> Player<E> {
    /// A player at the beginning, held.
    #[must_use]
    pub fn new(entries: E) -> Self {
        let every = KEYFRAME_EVERY.max(entries.len().div_ceil(KEYFRAMES));
        let mut places = Places::default();
        places.read(&entries, 0);
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
            places,
        }
    }

    /// Takes in what was recorded since: the first place where there is another entry now, or a new
    /// one. Who was at the end of the runs is at their end again.
    pub fn extend(&mut self) -> Result<Option<usize>, LogError> {
        let followed = self.position >= self.places.run_end;
        let Some(from) = self.entries.extend()? else { return Ok(None) };
        self.keyframes.retain(|(at, _)| *at <= from);
        self.places.read(&self.entries, from);
        while self.keyframes.len() > 2 * KEYFRAMES {
            self.every *= 2;
            let every = self.every;
            self.keyframes.retain(|(at, _)| at.is_multiple_of(every));
        }
        let clock = self.clock;
        if from < self.position {
            // What lies before this moment has changed.
            let position = self.after(clock);
            (self.position, self.moment) = self.keyframes.last().cloned().unwrap_or_default();
            self.seek(position);
            self.clock = clock;
        }
        if followed && self.position < self.places.run_end && !self.playing {
            self.seek_end();
        }
        Ok(Some(from))
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

    /// When the last entry happened that counts.
    #[must_use]
    pub fn last(&self) -> Time {
        self.entries.time(self.places.end.saturating_sub(1))
    }

    /// Entries that count and have happened, and all that count: moving about in a replay is none.
    #[must_use]
    pub fn counted(&self) -> (usize, usize) {
        (self.places.counted(self.position), self.places.counted(self.entries.len()))
    }

    /// So many entries that count on, or back.
    pub fn step(&mut self, by: i64) {
        let (here, all) = self.counted();
        let to = here.saturating_add_signed(by as isize).min(all);
        self.seek(self.places.place_of(to));
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

    /// Just after the last record of the runs: what follows was done at the terminal.
    #[must_use]
    pub fn run_end(&self) -> usize {
        self.places.run_end
    }

    /// Lets time pass, from the beginning where it was at the end, of the runs or of everything.
    pub fn play(&mut self) {
        if self.position >= self.places.end || self.position == self.places.run_end {
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
        let pace = &self.places.pace;
        let shown = pace.shown(self.clock) + elapsed.as_secs_f64() * 1000.0 * self.speed;
        self.clock = pace.moment(shown);
        // What takes no room comes with what it follows, or at once at the end.
        let over = self.clock >= pace.last as f64;
        while self.position < self.entries.len()
            && (over || self.entries.time(self.position).millis() as f64 <= self.clock)
        {
            self.take();
        }
        if self.is_at_end() {
            self.clock = self.last().millis() as f64;
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
        let pace = &self.places.pace;
        let next = self.entries.time(self.position).millis() as f64;
        Some((pace.shown(next) - pace.shown(self.clock)).max(0.0) / self.speed)
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
        self.seek(self.after(time.millis() as f64));
        self.clock = time.millis().clamp(self.start().millis(), self.end().millis()) as f64;
    }

    /// Goes so many seconds of watching on, or back.
    pub fn seek_by(&mut self, seconds: f64) {
        self.seek_shown(self.places.pace.shown(self.clock) + seconds * 1000.0);
    }

    /// Goes to a share of all there is to watch, from 0 to 1.
    pub fn seek_share(&mut self, share: f64) {
        let length = self.places.pace.shown(self.end().millis() as f64);
        self.seek_shown(length * share.clamp(0.0, 1.0));
    }

    fn seek_shown(&mut self, shown: f64) {
        let to = self.places.pace.moment(shown.max(0.0));
        if let Some(time) = Time::from_millis(to as i64) {
            self.seek_time(time);
        }
    }

    /// Goes to the end of the runs; from there, to the end of everything.
    pub fn seek_end(&mut self) {
        let Places { run_end, end, .. } = self.places;
        self.seek(if self.position == run_end { end.max(run_end) } else { run_end });
    }

    /// Entries up to a moment in milliseconds.
    fn after(&self, millis: f64) -> usize {
        Time::from_millis((millis as i64).saturating_add(1))
            .map_or(self.entries.len(), |after| first_at(&self.entries, after))
    }

    /// Seconds of watching until a moment. Long stretches without entries count for little.
    #[must_use]
    pub fn shown(&self, time: Time) -> f64 {
        self.places.pace.shown(time.millis() as f64) / 1000.0
    }

    /// Where long stretches without entries are passed over, in seconds of watching, and how many seconds
    /// of each are left out.
    #[must_use]
    pub fn gaps(&self) -> Vec<(f64, f64)> {
        self.places.pace.gaps().map(|(shown, out)| (shown / 1000.0, out / 1000.0)).collect()
    }

    /// Seconds that are left out of watching, altogether.
    #[must_use]
    pub fn left_out(&self) -> f64 {
        self.places.pace.left_out() / 1000.0
    }

    /// Moments that people marked, in order.
    #[must_use]
    pub fn bookmarks(&self) -> Vec<&Bookmark> {
        self.places.bookmarks()
    }

    /// Places of what was done at the terminal, in order; moving about in a replay is none of it.
    #[must_use]
    pub fn actions(&self) -> &[usize] {
        &self.places.actions
    }

    /// Goes to where a step was made: the first time it counts, in the named run and stage, else in
    /// whichever made it first. False where none did, and then it stays where it was.
    pub fn seek_step(
        &mut self,
        run: Option<&RunName>,
        stage: Option<&StageName>,
        step: u64,
    ) -> bool {
        let found = self.entries.find_step(&Wanted { run, stage, step });
        if let Some(at) = found {
            self.seek(at + 1);
        }
        found.is_some()
    }

    /// Places to skip to, in order: stages, checkpoints, warnings, results, and what was marked.
    #[must_use]
    pub fn marks(&self) -> &[usize] {
        &self.places.marks
    }

    /// Goes to the next mark; false where there is none.
    pub fn next_mark(&mut self) -> bool {
        let next = beside(&self.places.marks, self.position, true);
        next.inspect(|at| self.seek(at + 1)).is_some()
    }

    /// Goes to the mark before; false where there is none.
    pub fn previous_mark(&mut self) -> bool {
        let before = beside(&self.places.marks, self.position, false);
        before.inspect(|at| self.seek(at + 1)).is_some()
    }

    /// Goes to the next action at the terminal, or the one before; false where there is none.
    pub fn seek_action(&mut self, forward: bool) -> bool {
        let action = beside(&self.places.actions, self.position, forward);
        action.inspect(|at| self.seek(at + 1)).is_some()
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

/// Of places in order, the first that has not happened, or the last before the one that is in front.
fn beside(places: &[usize], position: usize, forward: bool) -> Option<usize> {
    if forward {
        return places.get(places.partition_point(|at| *at < position)).copied();
    }
    let before = places.partition_point(|at| *at < position.saturating_sub(1));
    before.checked_sub(1).and_then(|before| places.get(before).copied())
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
