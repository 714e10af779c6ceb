//! The player over a session on disk.

use super::*;
use crate::session::event::{Compared, Event, Heartbeat, Warned};
use crate::session::header::Header;
use crate::session::names::log_name;
use crate::session::sitting::{
    Acted, Answered, Marked as MarkedEvent, Noted, Place, Subject, Unmarked, sitting_name,
};
use crate::session::{LogWriter, RunStatus};
use serde_json::json;

fn at(seconds: i64) -> Time {
    Time::from_millis(seconds * 1000).unwrap()
}

fn acted(screen: &str, text: &str) -> Acted {
    let with = serde_json::Map::from_iter([("text".to_owned(), text.into())]);
    Acted { action: "search".into(), screen: Some(screen.into()), with }
}

const DAYS: i64 = 4 * 86_400;

/// Writes an event so many seconds after those days.
fn write(sitting: &mut LogWriter, seconds: i64, event: impl Into<SittingEvent>) {
    sitting.append_as::<SittingEvent>(at(DAYS + seconds), event.into()).unwrap();
}

/// A run of 50 s that ends in the middle of a word, and a look at it four days later.
fn session(sessions: &Path) -> (SessionId, LogWriter, LogWriter) {
    let id: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
    let folder = sessions.join(id.as_str());
    std::fs::create_dir(&folder).unwrap();
    let run: RunName = "tiny-1".parse().unwrap();
    let header = Header::of_run(id.clone(), run.clone(), 1);
    let mut log = LogWriter::create(&folder.join(log_name(&run, 1)), &header, 1).unwrap();
    for seconds in [0, 10, 20, 30, 40, 50] {
        let event: Event =
            if seconds == 20 { Warned { what: "hot".into() }.into() } else { Heartbeat {}.into() };
        log.append_at(at(seconds), event).unwrap();
    }
    let header = Header::of_sitting(id.clone());
    let mut sitting = LogWriter::create(&folder.join(sitting_name(1)), &header, 1).unwrap();
    write(&mut sitting, 0, acted("inspect", "zzz"));
    write(&mut sitting, 400, acted("replay", "yyy"));
    (id, log, sitting)
}

#[test]
fn a_session_is_opened_at_the_end_of_its_run_and_looks_at_it_take_no_room() {
    let sessions = tempfile::tempdir().unwrap();
    let (id, mut log, mut sitting) = session(sessions.path());
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    let reel = playing.picture();
    assert_eq!((reel.position, reel.time), (6, at(50)));
    assert_eq!((reel.watched.0, reel.over.len()), (50.0, 1));
    assert!(reel.watched.1 < 55.0 && reel.scene.is_none(), "{:?}", reel.watched);
    // What follows is followed.
    log.append_at(at(60), Heartbeat {}).unwrap();
    assert!(playing.extend() && !playing.extend());
    assert_eq!(playing.picture().time, at(60));
    playing.obey(&ReelOrder::Step(-1)).unwrap();
    assert!(playing.picture().over.is_empty());
    log.append_at(at(70), Heartbeat {}).unwrap();
    assert!(playing.extend());
    assert_eq!(playing.picture().time, at(50));
    // A mark stands where it says, at once, and is no more once it is taken back.
    let place = Place::moment(at(20));
    let mark = "1-3".to_owned();
    let marked = MarkedEvent { mark: mark.clone(), at: place, label: "hot".into() };
    write(&mut sitting, 500, marked);
    playing.extend();
    let marked = playing.picture().marked;
    assert_eq!((marked.len(), marked[0].time, &*marked[0].label), (1, at(20), "hot"));
    write(&mut sitting, 501, Unmarked { mark });
    playing.extend();
    assert!(playing.picture().marked.is_empty());
}

#[test]
fn a_run_that_is_silent_for_long_and_goes_on_later_is_not_taken_to_live_meanwhile() {
    let sessions = tempfile::tempdir().unwrap();
    let (id, mut log, _sitting) = session(sessions.path());
    log.append_at(at(4000), Heartbeat {}).unwrap();
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    let mut status = |seconds| {
        playing.seek_time(at(seconds));
        playing.picture().runs.values().next().map(|run| run.status)
    };
    assert_eq!(status(60), Some(RunStatus::Live));
    assert_eq!(status(3000), Some(RunStatus::Unknown));
    assert_eq!(status(4000), Some(RunStatus::Live));
}

#[test]
fn records_and_actions_are_found_and_the_screen_of_an_action_is_told() {
    let sessions = tempfile::tempdir().unwrap();
    let (id, _log, _sitting) = session(sessions.path());
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    let find = |text: &str, forward| ReelOrder::Find(text.to_owned(), forward);
    playing.obey(&find("HOT", false)).unwrap();
    assert_eq!(playing.picture().time, at(20));
    assert!(playing.obey(&find("hot", true)).unwrap_err().contains("no later record"));
    playing.obey(&find("zzz", true)).unwrap();
    let reel = playing.picture();
    assert_eq!(reel.scene.as_ref().map(|scene| &*scene.screen), Some("inspect"));
    let said: Vec<(&str, bool)> = reel.done.iter().map(|done| (&*done.words, done.past)).collect();
    assert_eq!(said, [("inspect: show only queries that match, \"zzz\"", true)]);
    playing.obey(&ReelOrder::Share(0.0)).unwrap();
    playing.obey(&ReelOrder::Action(true)).unwrap();
    assert_eq!(playing.picture().time, at(DAYS));
    assert!(playing.obey(&ReelOrder::Action(true)).is_err());
    assert!(playing.obey(&ReelOrder::MadeStep(7)).is_err());
    playing.obey(&ReelOrder::Loop).unwrap();
    assert!(playing.picture().looping);
}

#[test]
fn typed_queries_and_notes_are_those_up_to_a_moment_and_results_are_told_of_from_the_first_record()
{
    let sessions = tempfile::tempdir().unwrap();
    let (id, mut log, mut sitting) = session(sessions.path());
    let compared = Compared { id: "caption-1".into(), task: "caption".into() };
    log.append_at(at(60), compared).unwrap();
    let answered = |id: &str| Answered {
        id: id.into(),
        question: json!({"id": id, "text": "a cat"}),
        answer: json!({"id": id, "error": "no such file"}),
    };
    write(&mut sitting, 500, answered("typed-1"));
    write(&mut sitting, 510, Noted { on: Subject::query("cat#0"), text: "odd".into() });
    write(&mut sitting, 520, answered("typed-2"));
    let with = [("dismissed", "typed-1"), ("result", "image-1")];
    let with = with.map(|(key, value)| (key.to_owned(), value.into()));
    let (action, screen) = ("dismiss".into(), Some("inspect".into()));
    write(&mut sitting, 530, Acted { action, screen, with: with.into_iter().collect() });
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    let mut known = |seconds| {
        playing.seek_time(at(DAYS + seconds));
        let reel = playing.picture();
        let ids: Vec<&str> = reel.asked.iter().map(|asked| &*asked.id).collect();
        (ids.join(" "), reel.sittings.notes.len())
    };
    for (seconds, ids, notes) in [
        (499, "", 0),
        (505, "typed-1", 0),
        (525, "typed-1 typed-2", 1),
        (530, "typed-2", 1),
        (505, "typed-1", 0),
    ] {
        assert_eq!(known(seconds), (ids.to_owned(), notes), "{seconds}");
    }
    let first = playing.first();
    assert_eq!(first["caption-1"], at(60));
    assert_eq!(first["image-1"], at(DAYS + 530));
}

#[test]
fn keys_pressed_while_replaying_make_a_session_no_longer() {
    let sessions = tempfile::tempdir().unwrap();
    let (id, _log, mut sitting) = session(sessions.path());
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    playing.obey(&ReelOrder::End).unwrap();
    let before = playing.picture();
    assert_eq!((before.position, before.count, before.end), (7, 7, at(DAYS)));
    for seconds in [500, 501, 90_000] {
        write(&mut sitting, seconds, acted("replay", "xxx"));
    }
    let with = serde_json::Map::from_iter([("now".to_owned(), "replay".into())]);
    let (action, screen) = ("show-replay".into(), Some("train".into()));
    write(&mut sitting, 90_010, Acted { action, screen, with });
    assert!(playing.extend());
    let after = playing.picture();
    assert_eq!((after.position, after.count, after.end), (7, 7, before.end));
    assert_eq!(after.watched, before.watched);
    for (by, position) in [(-1, 6), (9, 7), (-9, 0)] {
        playing.obey(&ReelOrder::Step(by)).unwrap();
        assert_eq!(playing.picture().position, position);
    }
    assert!(playing.obey(&ReelOrder::Mark(false)).unwrap_err().contains("no earlier mark"));
}
