//! Runs, System and Log as someone looked at them, in a replay and in a film of it.

use crate::ids::{RunName, SessionId};
use crate::session::event::{
    Ending, Event, RunFinished, RunStarted, StageStarted, StepFinished, Warned,
};
use crate::session::header::Header;
use crate::session::names::{RunId, log_name, system_name};
use crate::session::sitting::{Acted, Pinned, SittingEvent, Subject, Tagged, sitting_name};
use crate::session::system::{Sampled, SystemEvent};
use crate::session::{Finite, LogWriter, Time};
use crate::tui::app::App;
use crate::tui::app::tests::{app, entry, press, shows};
use crate::tui::film::{Film, Look, Moment, text};
use crate::tui::msg::{Cmd, Msg, News, Work};
use crate::tui::screen::ScreenId;
use crate::tui::worker::reel::Playing;
use serde_json::{Value, json};
use std::path::Path;

pub(super) const SESSION: &str = "20261124-100000-night-bbbbbb";
const RUN: &str = "20261124-100000-night-bbbbbb/tiny-1";
const STEPS: i64 = 600;

pub(super) fn at(millis: i64) -> Time {
    Time::from_millis(millis).unwrap()
}

pub(super) fn begun(run: &str) -> Event {
    let started: RunStarted = serde_json::from_value(json!({"run": run, "segment": 1,
        "recipe": {"name": "tiny"}, "stages": [{"stage": "clip", "objective": "clip", "steps": 1000}],
        "program_version": "0", "host": "there", "pid": 4242, "device": "cpu", "threads": 2,
        "seed": 0}))
    .unwrap();
    started.into()
}

/// The step with that number: its loss falls by a thousandth each.
fn step(step: i64) -> Event {
    let finished: StepFinished = serde_json::from_value(json!({"stage": "clip", "step": step,
        "epoch": 0, "loss": 5.0 - step as f64 / 1000.0, "learning_rate": 0.001,
        "gradient_norm": {"all": 1.0}, "clipped": false, "memory_bytes": 1,
        "milliseconds": {"data": 1.0, "forward": 1.0, "backward": 1.0, "optimizer": 1.0}}))
    .unwrap();
    finished.into()
}

fn sampled(used: u64) -> SystemEvent {
    let share = |value| Finite::new(value).unwrap();
    Sampled {
        cores_used: share(0.25),
        busiest_core: share(0.75),
        cores: 2,
        memory_used: used,
        memory_total: 4000,
        process_bytes: 1,
        disk_free: [("checkpoints".to_owned(), 5000)].into(),
        gpus: Vec::new(),
    }
    .into()
}

pub(super) fn acted(action: &str, screen: &str, with: Value) -> SittingEvent {
    let Value::Object(with) = with else { panic!() };
    Acted { action: action.into(), screen: Some(screen.into()), with }.into()
}

/// A run of 600 steps and a later one, with samples, and a look at each screen meanwhile.
fn session(sessions: &Path) -> SessionId {
    let id: SessionId = SESSION.parse().unwrap();
    let folder = sessions.join(SESSION);
    std::fs::create_dir(&folder).unwrap();
    let tiny: RunName = "tiny-1".parse().unwrap();
    let later: RunName = "later-1".parse().unwrap();
    let log = |run: &RunName| {
        let header = Header::of_run(id.clone(), run.clone(), 1);
        LogWriter::create(&folder.join(log_name(run, 1)), &header, 1).unwrap()
    };
    let stage: StageStarted = serde_json::from_value(json!({"stage": "clip", "index": 0,
        "stages": 1, "objective": "clip", "steps": 1000, "from_step": 0,
        "trainable_parameters": 7, "frozen_parameters": 0}))
    .unwrap();
    let mut run = log(&tiny);
    run.append_at(at(1000), begun("tiny-1")).unwrap();
    run.append_at(at(1500), stage).unwrap();
    for number in 1..=STEPS {
        run.append_at(at(2000 + 10 * number), step(number)).unwrap();
    }
    run.append_at(at(9000), Warned { what: "too hot".into() }).unwrap();
    let (state, seconds) = (Ending::Done, Finite::new(29.0).unwrap());
    let end = RunFinished { state, reason: None, seconds, final_digest: None };
    run.append_at(at(30_000), end).unwrap();
    log(&later).append_at(at(7000), begun("later-1")).unwrap();
    let header = Header::of_system(id.clone(), tiny.clone(), 1);
    let mut system = LogWriter::create(&folder.join(system_name(&tiny, 1)), &header, 1).unwrap();
    for second in [4, 6, 8, 20] {
        system.append_as(at(second * 1000), sampled(second as u64 * 100)).unwrap();
    }
    let header = Header::of_sitting(id.clone());
    let mut sitting = LogWriter::create(&folder.join(sitting_name(1)), &header, 1).unwrap();
    let on = Subject::run("tiny-1");
    let elsewhere = "20261124-110000-day-cccccc/clip-1";
    let events: [(i64, SittingEvent); 7] = [
        (4000, Tagged { on: on.clone(), tag: "keep".into() }.into()),
        (4100, Pinned { on }.into()),
        (5000, acted("sort", "runs", json!({"selected": RUN, "sort": "loss", "run": "tiny-1"}))),
        (8500, acted("show-system", "runs", json!({"run": "tiny-1", "now": "system"}))),
        (
            9500,
            acted("show-log", "system", json!({"level": "notice", "run": "tiny-1", "now": "log"})),
        ),
        (11_000, acted("up", "log", json!({"level": "warning", "record": 603, "run": "tiny-1"}))),
        (
            12_000,
            acted(
                "show-runs",
                "log",
                json!({"selected": elsewhere, "filter": "name:tiny", "sort": "run", "now": "runs"}),
            ),
        ),
    ];
    for (millis, event) in events {
        sitting.append_as(at(millis), event).unwrap();
    }
    id
}

/// A workbench on the Replay screen, with a run of another session beside.
fn bench() -> App {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry("20261124-110000-day-cccccc/clip-1", 6)))));
    app.update(Msg::News(News::Run(Box::new(entry("20261124-100000-night-bbbbbb/other-9", 5)))));
    press(&mut app, "5");
    app
}

/// What the Replay screen shows at a moment.
pub(super) fn seen(app: &mut App, playing: &mut Playing, millis: i64) -> String {
    playing.seek_time(at(millis));
    app.update(Msg::News(News::Reel(Some(Box::new(playing.picture())))));
    shows(app, 120, 44)
}

#[test]
fn runs_are_listed_as_far_as_they_had_come_when_they_were_looked_at() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = (bench(), Playing::open(sessions.path(), &id).unwrap());
    let text = seen(&mut app, &mut playing, 5000);
    for part in ["● live", "tiny-1", "300/1,000", "4.700", "keep", "1 of 1 runs", "there · cpu"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for part in ["later-1", "other-9", "clip-1", "resumes from its newest", "opens the chosen"] {
        assert!(!text.contains(part), "{part}\n{text}");
    }
    // The theme of now, and the run alone.
    press(&mut app, "ctrl-t");
    assert!(shows(&app, 120, 44).contains("300/1,000"));
    press(&mut app, "a");
    assert!(!shows(&app, 120, 44).contains("1 of 1 runs"));
    press(&mut app, "a");
    // The later run has begun; the run selected then is of another session, so none is.
    let text = seen(&mut app, &mut playing, 12_000);
    assert!(text.contains("1 of 2 runs match name:tiny"), "{text}");
    assert!(text.contains("600/1,000") && !text.contains("began"), "{text}");
}

#[test]
fn the_machine_is_shown_as_it_was_sampled_up_to_the_moment() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = (bench(), Playing::open(sessions.path(), &id).unwrap());
    let text = seen(&mut app, &mut playing, 8500);
    for part in [
        "there · cpu, 2 threads",
        "sampled 00:00 UTC",
        "2 cores",
        "busiest",
        "800 B of 4.0 kB",
        "5.0 kB free",
        "the machine during tiny-1, there",
        "3 samples",
        "pid 4242",
        "lock held",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("Looking at") && !text.contains("sent to this"), "{text}");
}

#[test]
fn the_log_is_shown_up_to_the_moment_with_what_was_told_long_before_it() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let (mut app, mut playing) = (bench(), Playing::open(sessions.path(), &id).unwrap());
    let text = seen(&mut app, &mut playing, 9500);
    for part in ["log of tiny-1", "tiny-1 began", "too hot", "all but steps, at the end"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("done after") && !text.contains("step 600 loss"), "{text}");
    let text = seen(&mut app, &mut playing, 11_000);
    assert!(text.contains("warnings and errors") && !text.contains("at the end"), "{text}");
    let line = text.lines().find(|line| line.contains("too hot")).unwrap();
    assert!(line.starts_with('▌'), "{text}");
}

#[test]
fn a_film_shows_a_moment_as_a_replay_does_and_screens_as_they_were_then() {
    let sessions = tempfile::tempdir().unwrap();
    let id = session(sessions.path());
    let frame = |screen, millis| {
        let look = Look {
            theme: "dark".into(),
            ascii: false,
            size: (120, 44),
            screen,
            at: Some(Moment::Time(at(millis))),
            keys: Vec::new(),
        };
        text(&Film::open(sessions.path(), &id, &look).unwrap().frame())
    };
    let replayed = frame(ScreenId::Replay, 5000);
    assert!(replayed.contains("1 of 1 runs") && replayed.contains("300/1,000"), "{replayed}");
    assert!(frame(ScreenId::Replay, 8500).contains("the machine during tiny-1"));
    assert!(frame(ScreenId::Replay, 9500).contains("log of tiny-1"));
    let runs = frame(ScreenId::Runs, 5000);
    assert!(runs.contains("300/1,000") && !runs.contains("later-1"), "{runs}");
    assert!(frame(ScreenId::System, 8500).contains("800 B of 4.0 kB"));
    assert_eq!(replayed, frame(ScreenId::Replay, 5000));
}

#[test]
fn what_is_looked_at_on_these_screens_is_recorded() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    let run = RunId { session: SESSION.parse().unwrap(), run: "tiny-1".parse().unwrap() };
    let recorded = |app: &mut App, keys: &str| {
        let records = press(app, keys).into_iter().filter_map(|command| match command {
            Cmd::Work(Work::Record(_, event)) => Some(*event),
            _ => None,
        });
        let mut acted = records.filter_map(|event| match event {
            SittingEvent::Acted(acted) => Some(acted.with),
            _ => None,
        });
        acted.next_back().unwrap()
    };
    let marked = recorded(&mut app, "2 1 space");
    assert_eq!(marked["marked"], json!([RUN]));
    let system = recorded(&mut app, "6");
    assert_eq!((&system["selected"], &system["now"]), (&json!(RUN), &json!("system")));
    let sent = recorded(&mut app, "C y");
    assert_eq!((&sent["command"], &sent["selected"]), (&json!("checkpoint"), &json!(RUN)));
    assert_eq!(app.shared.requested(&run).len(), 1);
}
