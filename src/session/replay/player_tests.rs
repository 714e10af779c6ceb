//! The player, over lists of entries.

use super::*;
use crate::session::event::{Exported, Heartbeat, Warned};
use crate::session::record::Record;
use crate::session::sitting::{
    Acted, Answered, Left, Marked, Noted, Opened, Pinned, Place, Resized, SittingEvent, Subject,
    Tagged, Unmarked, Unpinned, Untagged,
};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::path::Path;
use std::sync::LazyLock;

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

/// The records of a committed log.
fn records(path: &str) -> Vec<Record> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| Record::decode(line.as_bytes()).unwrap()).collect()
}

/// What is done at the terminal in two sittings, each kind of it, and taken back.
fn sittings() -> Vec<(u32, SittingEvent)> {
    let opened = || Opened { columns: 120, rows: 40, terminal: None, theme: None };
    let note = |text: &str| Noted { on: Subject::query("1f408#0"), text: text.into() };
    let mark = |name: &str| Marked {
        mark: name.into(),
        at: Place::moment(at(500)),
        label: format!("mark {name}"),
    };
    let answer = |id: &str| Answered {
        id: id.into(),
        question: json!({"id": id, "text": "a cat"}),
        answer: json!({"lists": [id]}),
    };
    let with = Map::from_iter([("dismissed".to_owned(), "typed-1".into())]);
    let dismiss = Acted { action: "dismiss".into(), screen: None, with };
    let tagged = |tag: &str| Tagged { on: Subject::run("tiny-1"), tag: tag.into() };
    let first: Vec<SittingEvent> = vec![
        opened().into(),
        note("odd").into(),
        mark("1-3").into(),
        answer("typed-1").into(),
        Pinned { on: Subject::run("tiny-1") }.into(),
        tagged("good").into(),
        answer("typed-2").into(),
        Resized { columns: 80, rows: 24 }.into(),
        dismiss.into(),
        note("odd indeed").into(),
        Left {}.into(),
    ];
    let second: Vec<SittingEvent> = vec![
        opened().into(),
        mark("2-2").into(),
        Unmarked { mark: "1-3".into() }.into(),
        answer("typed-3").into(),
        tagged("best").into(),
        Untagged { on: Subject::run("tiny-1"), tag: "good".into() }.into(),
        Unpinned { on: Subject::run("tiny-1") }.into(),
        Exported { dir: "out".into() }.into(),
        note("").into(),
    ];
    let of =
        |number: u32, events: Vec<SittingEvent>| events.into_iter().map(move |one| (number, one));
    of(1, first).chain(of(2, second)).collect()
}

/// A committed run from end to end, and strewn over it a run that was killed and went on from a checkpoint,
/// and two sittings.
static RECORDED: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let demo: RunName = "tour-1".parse().unwrap();
    let twice: RunName = "tiny-1".parse().unwrap();
    let whole = records("sessions/20261128-212300-tour-2d3428/tour-1.1.jsonl");
    let times: Vec<Time> = whole.iter().map(|record| record.time).collect();
    let strewn = |number: usize, of: usize| times[(number + 1) * times.len() / (of + 2)];
    let mut all: Vec<Entry> =
        whole.into_iter().map(|record| Entry::Run(demo.clone(), record)).collect();
    let two = records("tests/golden/logs/v1.jsonl");
    let count = two.len();
    for (number, record) in two.into_iter().enumerate() {
        let record = Record { time: strewn(number, count), ..record };
        all.push(Entry::Run(twice.clone(), record));
    }
    let done = sittings();
    let count = done.len();
    for (number, (sitting, event)) in done.into_iter().enumerate() {
        let record = Record::of(number as u64 + 1, strewn(number, count), event);
        all.push(Entry::Sitting(sitting, record));
    }
    all.sort_by_key(Entry::time);
    all
});

#[test]
fn what_was_recorded_holds_what_keyframes_must_keep() {
    let Moment { session, sittings } = folded(&RECORDED);
    let run = |name: &str| &session.runs[&name.parse::<RunName>().unwrap()];
    let (tour, twice) = (run("tour-1"), run("tiny-1"));
    assert!(tour.stages.len() > 4 && tour.finished.is_some() && tour.gaps == 0);
    assert_eq!((twice.segments.len(), twice.unknown, twice.stages[0].skipped), (2, 1, 1));
    let mut tracks = twice.stages[0].tracks.values().flatten();
    assert!(tracks.any(|track| track.superseded_after == Some(4)));
    assert!(!twice.stages[0].checkpoints.is_empty() && twice.answers.count == 2);
    assert_eq!((sittings.sittings, sittings.answers.kept.len()), (2, 2));
    assert!(sittings.dismissed.contains("typed-1") && sittings.notes.is_empty());
    assert!(sittings.marks.contains_key("2-2") && sittings.marks.len() == 1);
    assert!(sittings.pins.is_empty() && sittings.tags[&Subject::run("tiny-1")].len() == 1);
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

    /// The same of records of all kinds, with keyframes close together or far apart, while more of them
    /// come.
    #[test]
    fn any_way_through_what_was_recorded_tells_the_same(
        every in 20usize..400,
        known in 1usize..1000,
        ways in prop::collection::vec(0usize..1100, 2..7),
    ) {
        let new = RECORDED[known..].to_vec();
        let mut player = Player::new(Growing(RECORDED[..known].to_vec(), new));
        player.every = every;
        for (turn, to) in ways.into_iter().enumerate() {
            match turn % 4 {
                0 => player.seek(to),
                1 => {
                    let came = player.extend().unwrap();
                    prop_assert_eq!(came, (turn == 1).then_some(known));
                }
                2 => player.seek_time(RECORDED[to.min(RECORDED.len() - 1)].time()),
                _ => { player.step_back(); player.seek_by(to as f64 / 7.0) }
            }
            let happened = &player.entries().0[..player.position()];
            prop_assert!(*player.moment() == folded(happened), "after {} records", happened.len());
        }
    }
}
