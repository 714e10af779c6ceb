//! The Replay screen at moments of a committed session, with a sitting beside it that is written here: of
//! the committed sessions none has one.

use super::{check, sessions, text};
use llm2clip::ids::SessionId;
use llm2clip::session::header::Header;
use llm2clip::session::sitting::{Acted, Marked, Place, SittingEvent, sitting_name};
use llm2clip::session::{LogWriter, Time};
use llm2clip::tui::film::{Film, Look, Moment};
use llm2clip::tui::screen::ScreenId;
use serde_json::{Value, json};
use std::path::Path;

/// A committed session with samples of its machine, and with a result.
const POCKET: &str = "20261124-164003-pocket-1aceb5/pocket-1";

/// A time of the day of that session.
fn at(clock: &str) -> Time {
    format!("2026-11-24T{clock}Z").parse().unwrap()
}

fn shown(screen: &str, from: &str, with: Value) -> SittingEvent {
    let Value::Object(mut with) = with else { panic!("what was looked at is an object") };
    with.insert("run".to_owned(), "pocket-1".into());
    with.insert("now".to_owned(), screen.into());
    Acted { action: format!("show-{screen}"), screen: Some(from.to_owned()), with }.into()
}

/// A look at one screen after the other while the run goes on, and at its result afterwards.
fn sit(sessions: &Path, session: &SessionId) {
    let path = sessions.join(session.as_str()).join(sitting_name(1));
    let mut log = LogWriter::create(&path, &Header::of_sitting(session.clone()), 1).unwrap();
    let run = Some("pocket-1".parse().unwrap());
    let stage = Some("clip".parse().unwrap());
    let place = Place { time: at("16:40:12"), run, stage, step: Some(85) };
    let label = "still falling".to_owned();
    let events: [(&str, SittingEvent); 6] = [
        ("16:40:08", shown("train", "runs", json!({"measure": "loss"}))),
        ("16:40:13", Marked { mark: "1-2".to_owned(), at: place, label }.into()),
        ("16:40:20", shown("runs", "train", json!({"selected": POCKET, "sort": "loss"}))),
        ("16:40:40", shown("system", "runs", json!({"selected": POCKET}))),
        ("16:41:00", shown("log", "system", json!({"level": "notice"}))),
        ("16:45:00", shown("compare", "log", json!({"result": "image-1", "row": 1}))),
    ];
    for (clock, event) in events {
        log.append_as(at(clock), event).unwrap();
    }
}

#[test]
fn a_replay_looks_as_it_did_at_moments_of_a_committed_session() {
    let folder = sessions(POCKET);
    let (session, _) = POCKET.split_once('/').unwrap();
    let session: SessionId = session.parse().unwrap();
    sit(folder.path(), &session);
    for (name, clock) in [
        ("replay", "16:40:12"),
        ("replay-runs", "16:40:21"),
        ("replay-system", "16:40:41"),
        ("replay-log", "16:41:01"),
        ("replay-compare", "16:45:00"),
    ] {
        for size in [(80, 24), (120, 40)] {
            let look = Look {
                theme: "dark".to_owned(),
                ascii: false,
                size,
                screen: ScreenId::Replay,
                at: Some(Moment::Time(at(clock))),
                keys: Vec::new(),
            };
            let film = Film::open(folder.path(), &session, &look).unwrap();
            check(&format!("{name}-{}x{}", size.0, size.1), &text(&film.frame()));
        }
    }
}
