//! The player, over records of all kinds: keyframes must keep whatever those say.

use super::*;
use crate::session::event::Exported;
use crate::session::sitting::{
    Acted, Answered, Left, Noted, Opened, Pinned, Resized, SittingEvent, Subject, Tagged, Unmarked,
    Unpinned, Untagged,
};
use serde_json::{Map, json};
use std::path::Path;
use std::sync::LazyLock;

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
    /// Wherever one goes among them, with keyframes close together or far apart, and while more of them
    /// come, what is known is what all records up to there say.
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
