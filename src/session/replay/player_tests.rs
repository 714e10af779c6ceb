//! The player, over lists of entries.

use super::*;
use crate::session::event::{Heartbeat, Warned};
use crate::session::record::Record;
use crate::session::replay::Kind;
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

/// A list that grows by what waits.
struct Growing(Vec<Entry>, Vec<Entry>);

impl Entries for Growing {
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
        Entries::entry(&self.0, at)
    }
    fn extend(&mut self) -> Result<Option<usize>, LogError> {
        let Some(first) = self.1.first().map(Entry::time) else { return Ok(None) };
        let from = self.0.partition_point(|entry| entry.time() <= first);
        self.0.append(&mut self.1);
        self.0[from..].sort_by_key(Entry::time);
        Ok(Some(from))
    }
}

#[test]
fn a_session_that_grows_is_followed_at_its_end_and_folded_alike_anywhere() {
    let all = entries(5000);
    let (old, new) = (all[..3000].to_vec(), all[3000..].to_vec());
    let mut player = Player::new(Growing(old, new.clone()));
    assert!(player.entries().1.len() == 2001 && !player.is_at_end());
    player.seek_end();
    assert_eq!((player.extend().unwrap(), player.extend().unwrap()), (Some(3000), None));
    // The mark that a person set lies behind the last record of the run.
    assert_eq!((player.position(), player.run_end()), (5000, 5000));
    assert_eq!(player.moment(), &folded(&all[..5000]));
    assert_eq!(player.bookmarks()[0].label, "x");
    player.seek_end();
    assert!(player.is_at_end());
    // Who is elsewhere stays there, also where another log has records from before that moment.
    let late = vec![entries(1)[0].clone()];
    let mut player = Player::new(Growing(entries(3000), late));
    player.seek(2500);
    let clock = player.time();
    player.extend().unwrap();
    assert_eq!((player.position(), player.time()), (2501, clock));
    let known = player.entries().0.clone();
    assert_eq!(player.moment(), &folded(&known[..2501]));
}

#[test]
fn what_was_done_at_the_terminal_is_skipped_to_and_playing_starts_over_at_the_end_of_the_runs() {
    let mut player = Player::new(entries(100));
    player.seek_end();
    assert_eq!(player.position(), 100);
    assert!(player.seek_action(true) && player.is_at_end());
    assert!(!player.seek_action(true) && !player.seek_action(false));
    player.seek_end();
    player.play();
    assert_eq!(player.position(), 0);
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

#[path = "recorded_tests.rs"]
mod recorded;
