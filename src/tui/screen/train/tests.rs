//! The Train screen of the committed session's run, as it is and as it would be while at work.

use super::TrainScreen;
use crate::session::event::{Ending, ResumePoint};
use crate::session::fold::StageProgress;
use crate::session::names::RunId;
use crate::session::sitting::{Marked, Place, SittingEvent};
use crate::session::system::tests::sampled;
use crate::session::{RunStatus, Time};
use crate::tui::app::App;
use crate::tui::app::tests::{app, press, shows};
use crate::tui::data::alerts::AlertKind;
use crate::tui::data::alerts::tests::stepped;
use crate::tui::data::history::DeviceHistory;
use crate::tui::data::library::{MachineSample, OpenRun};
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Msg, News, Work};
use crate::tui::screen::Screen;
use crate::tui::worker::read_session;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Its host is called `builder`.
const RUN: &str = "20261124-054028-causal-lm-62f551/causal-lm-1";
const NOW: &str = "2026-11-25T08:00:00Z";

fn id() -> RunId {
    let (session, run) = RUN.split_once('/').unwrap();
    RunId { session: session.parse().unwrap(), run: run.parse().unwrap() }
}

/// A workbench that looks at the run, and what it knows of it.
fn watching() -> (App, OpenRun, Vec<Cmd>) {
    let (mut app, id, now) = (app(), id(), NOW.parse().unwrap());
    app.watch(id.clone());
    let mut commands = app.update(Msg::Time(now));
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
    for news in read_session(&sessions, &id.session, &BTreeSet::from([id.clone()]), now) {
        commands.extend(app.update(Msg::News(news)));
    }
    let open = app.shared.library.open[&id].clone();
    (app, open, commands)
}

fn put(app: &mut App, open: &OpenRun) {
    app.update(Msg::News(News::Open(id(), Box::new(open.clone()))));
}

fn sample(host: &str, used: f64) -> Msg {
    let sample = MachineSample {
        host: host.to_owned(),
        cores: vec![used; 2],
        memory: (1, 4),
        ..MachineSample::default()
    };
    Msg::News(News::Machine(Box::new(sample)))
}

fn recorded() -> Arc<DeviceHistory> {
    let mut history = DeviceHistory::default();
    for at in 0..20 {
        history.apply(Time::from_millis(at * 2000).unwrap(), &sampled());
    }
    Arc::new(history)
}

#[test]
fn the_machine_beside_a_run_is_the_runs_own() {
    let (mut app, mut open, _) = watching();
    app.update(sample("builder", 0.59));
    // It is over, and nothing was recorded of its machine.
    let text = shows(&app, 140, 45);
    assert!(!text.contains("59 %") && !text.contains("cpu  "), "{text}");
    open.device = recorded();
    put(&mut app, &open);
    let text = shows(&app, 140, 45);
    assert!(text.contains("then   mean of 38 s on buil"), "{text}");
    assert!(text.contains("25 %") && !text.contains("59 %"), "{text}");
    // At work here, and at work elsewhere.
    open.status = RunStatus::Live;
    put(&mut app, &open);
    let text = shows(&app, 140, 45);
    assert!(text.contains("59 %") && !text.contains("25 %"), "{text}");
    // The first look at a machine tells nothing of its cores.
    let mut first = MachineSample { host: "builder".to_owned(), ..MachineSample::default() };
    (first.cores, first.first) = (vec![0.0; 2], true);
    app.update(Msg::News(News::Machine(Box::new(first))));
    let text = shows(&app, 140, 45);
    assert!(text.contains("cpu      –") && !text.contains("59 %"), "{text}");
    app.update(sample("laptop", 0.59));
    let text = shows(&app, 140, 45);
    assert!(text.contains("there  on builder") && text.contains("25 %"), "{text}");
    assert!(!text.contains("59 %"), "{text}");
}

#[test]
fn a_run_that_is_over_stands_still() {
    let (mut app, _, commands) = watching();
    assert!(!commands.contains(&Cmd::Work(Work::Sample(true))));
    assert!(!app.ticks());
    let before = shows(&app, 140, 45);
    app.update(sample("builder", 0.1));
    app.update(sample("builder", 0.9));
    assert_eq!(shows(&app, 140, 45), before);
}

#[test]
fn the_end_of_what_a_run_printed_is_beside_what_happened_or_in_its_place() {
    let (mut app, mut open, _) = watching();
    let lines = (0..40).map(|at| format!("printed line {at}"));
    open.console = Arc::new(lines.chain([String::new()]).collect());
    put(&mut app, &open);
    let text = shows(&app, 120, 40);
    assert!(text.contains("printed line 39") && text.contains("done after"), "{text}");
    let text = shows(&app, 80, 24);
    assert!(!text.contains("printed line") && text.contains("c console"), "{text}");
    press(&mut app, "c");
    let text = shows(&app, 80, 24);
    assert!(text.contains("printed line 39") && !text.contains("done after"), "{text}");
    press(&mut app, "c");
    assert!(shows(&app, 80, 24).contains("done after"));
    // Below one large chart too, and gone again.
    press(&mut app, "w");
    assert!(!shows(&app, 80, 24).contains("printed line"));
    press(&mut app, "c");
    let text = shows(&app, 80, 24);
    assert!(text.contains("printed line 39") && text.contains(" loss "), "{text}");
    press(&mut app, "c");
    assert!(!shows(&app, 80, 24).contains("printed line"));
}

#[test]
fn a_live_run_without_a_step_for_long_is_a_stall_while_it_lasts_and_leads_to_its_place() {
    let (mut app, mut open, _) = watching();
    open.alerts = Arc::new(stepped("causal-lm", 20));
    open.status = RunStatus::Live;
    put(&mut app, &open);
    app.update(Msg::Time(Time::from_millis(30_000).unwrap()));
    assert!(!shows(&app, 160, 40).contains("STALL"));
    app.update(Msg::Time(Time::from_millis(90_000).unwrap()));
    let text = shows(&app, 160, 40);
    assert!(text.contains("STALL  causal-lm @20 no step for 1 m 10 s; one takes 1.0 s"), "{text}");
    let values = |text: &str| text.matches(" loss ").count();
    press(&mut app, "n");
    let there = shows(&app, 160, 40);
    assert!(there.contains("▌00:00:20 STALL"), "{there}");
    // The crosshair stands at the step, with its values.
    assert!(values(&there) > values(&text), "{there}");
    // Held still, and over: no step is waited for.
    press(&mut app, "f");
    assert!(!shows(&app, 120, 40).contains("STALL"));
}

#[test]
fn one_row_of_alerts_leaves_room_on_a_small_terminal_and_is_cut_with_a_sign() {
    let (mut app, mut open, _) = watching();
    let mut alerts = stepped("causal-lm", 80);
    let warned = |text: &str| {
        let event = crate::session::event::Warned { what: text.to_owned() };
        crate::session::Record::new(1, Time::from_millis(99_000).unwrap(), event)
    };
    alerts.apply(&warned("first"));
    alerts.apply(&warned(&"a long story ".repeat(9)));
    open.alerts = Arc::new(alerts);
    put(&mut app, &open);
    let text = shows(&app, 80, 24);
    let line = text.lines().find(|line| line.contains("WARN")).unwrap();
    assert!(line.contains("a long story") && line.trim_end().ends_with('…'), "{line}");
    let from = text.lines().position(|line| line.contains("what happened")).unwrap();
    assert!(text.lines().nth(from + 1).unwrap().contains("finished in"), "{text}");
    assert!(text.lines().nth(from + 2).unwrap().contains("done after"), "{text}");
}

#[test]
fn the_best_validation_is_told_as_on_runs_and_another_checkpoint_that_is_kept() {
    let (mut app, mut open, _) = watching();
    for (width, height) in [(80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("best   loss ↓4.398 @1,000"), "{text}");
        assert!(!text.contains("kept is"), "{text}");
    }
    let state = Arc::make_mut(&mut open.state);
    state.stages[0].bests.truncate(1);
    put(&mut app, &open);
    let text = shows(&app, 120, 40);
    assert!(
        text.contains("best   loss ↓5.311 @250") && text.contains("kept is step 1,000"),
        "{text}"
    );
}

#[test]
fn what_was_zoomed_in_on_is_kept_on_coming_back_and_not_for_another_run() {
    let (mut app, _, _) = watching();
    let mut screen = TrainScreen::default();
    screen.entered(&app.shared);
    for action in [Action::StageNext, Action::ZoomIn, Action::Crosshair] {
        screen.act(action, &app.shared);
    }
    let seen = screen.looked_at(&app.shared);
    for key in ["stage", "window", "crosshair"] {
        assert!(seen.contains_key(key), "{key}: {seen:?}");
    }
    screen.entered(&app.shared);
    assert_eq!(screen.looked_at(&app.shared), seen);
    // Another run may not even have that stage.
    app.shared.focus = None;
    screen.entered(&app.shared);
    assert_eq!((screen.stage, screen.look.window, screen.look.crosshair), (None, None, None));
}

#[test]
fn of_the_committed_runs_those_whose_validation_rises_for_long_are_told_and_none_guesses() {
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
    let told = |run: &str| -> Vec<AlertKind> {
        let (session, name) = run.split_once('/').unwrap();
        let id = RunId { session: session.parse().unwrap(), run: name.parse().unwrap() };
        let watched = BTreeSet::from([id.clone()]);
        let news = read_session(&sessions, &id.session, &watched, NOW.parse().unwrap());
        let open = news.into_iter().rev().find_map(|news| match news {
            News::Open(of, open) if of == id => Some(open),
            _ => None,
        });
        let learns = |kind: &AlertKind| !matches!(kind, AlertKind::Chance | AlertKind::Rising);
        open.unwrap().alerts.kept.iter().map(|alert| alert.kind).filter(|k| !learns(k)).collect()
    };
    assert_eq!(told(RUN), []);
    assert_eq!(told("20261128-212300-tour-2d3428/tour-1"), []);
    assert_eq!(told("20261128-230958-smollm2-rows-41d52f/smollm2-rows-1"), [AlertKind::Rising]);
}

#[test]
fn a_mark_is_set_on_the_step_under_the_crosshair() {
    let (mut app, open, _) = watching();
    let mark = |app: &mut App| -> Place {
        let mut marked = press(app, "m enter").into_iter().filter_map(|command| match command {
            Cmd::Work(Work::Record(_, event)) => match *event {
                SittingEvent::Marked(Marked { at, .. }) => Some(at),
                _ => None,
            },
            _ => None,
        });
        marked.next().unwrap()
    };
    assert_eq!(mark(&mut app).step, Some(1000));
    press(&mut app, "i left left");
    let there = mark(&mut app);
    assert_eq!(there.step, Some(958));
    assert_eq!(there.stage, Some("causal-lm".parse().unwrap()));
    let began = open.state.segments[0].time;
    let elapsed = open.state.stages[0].value_at("elapsed", 958).unwrap();
    assert!((there.time.seconds_since(began) - elapsed).abs() < 5.0, "{there:?}");
    // Said once it stands in the record.
    assert!(!shows(&app, 120, 40).contains("is marked"));
    app.update(Msg::News(News::Marked(there)));
    assert!(shows(&app, 120, 40).contains("step 958 of causal-lm is marked"));
    // Of a clock axis too.
    press(&mut app, "x x x i left left left left");
    let there = mark(&mut app);
    assert!(there.step.is_some_and(|step| (800..1000).contains(&step)), "{there:?}");
}

#[test]
fn a_run_that_stands_says_how_much_is_left_and_no_end() {
    let (mut app, mut open, _) = watching();
    let state = Arc::make_mut(&mut open.state);
    state.finished = None;
    let stage = &mut state.stages[0];
    (stage.step, stage.progress, stage.finished) = (500, StageProgress::Running, None);
    for (status, words) in [
        (RunStatus::Paused, "ends   not while paused"),
        (RunStatus::Queued, "ends   not while queued"),
    ] {
        open.status = status;
        put(&mut app, &open);
        for (width, height) in [(80, 24), (120, 40)] {
            let text = shows(&app, width, height);
            assert!(text.contains(words) && text.contains(" of work"), "{text}");
        }
    }
    open.status = RunStatus::Live;
    put(&mut app, &open);
    let text = shows(&app, 120, 40);
    assert!(text.contains("ends   ") && !text.contains("not while"), "{text}");
}

#[test]
fn the_panel_tells_the_stage_from_the_run_and_keeps_every_part_of_a_step() {
    let (mut app, mut open, _) = watching();
    let state = Arc::make_mut(&mut open.state);
    let finished = state.finished.as_mut().unwrap();
    (finished.state, finished.reason) = (Ending::Stopped, Some("stop".to_owned()));
    let mut next = state.stages[0].clone();
    (next.step, next.steps, next.tracks) = (0, 3000, std::collections::BTreeMap::new());
    state.stages.push(next);
    put(&mut app, &open);
    for (width, height) in [(80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("step   1,000/1,000 100 %"), "{text}");
        assert!(text.contains("run  ") && text.contains("  25 %"), "{text}");
        assert!(text.contains("ended on request: stop"), "{text}");
        for part in ["data ", "fwd ", "bwd ", "opt "] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn a_forks_charts_begin_where_it_does() {
    let (mut app, mut open, _) = watching();
    let state = Arc::make_mut(&mut open.state);
    let mut taken = state.stages[0].clone();
    (taken.stage, taken.step, taken.steps) = ("clip".parse().unwrap(), 300, 300);
    taken.tracks.clear();
    state.stages.insert(0, taken);
    state.current = Some(1);
    state.segments[0].resumed_from = Some(ResumePoint {
        stage: "causal-lm".parse().unwrap(),
        index: 1,
        step: 0,
        path: None,
        digest: None,
    });
    put(&mut app, &open);
    let screen = TrainScreen::default();
    let shown = super::charts::runs(&screen, &app.shared);
    assert_eq!(super::charts::span(&screen, &shown), (300.0, 1300.0));
    let text = shows(&app, 120, 40);
    assert!(text.contains("causal-lm, forked @0"), "{text}");
}

#[test]
fn the_large_chart_alone_says_which_run_and_stage_it_shows() {
    let (mut app, _, _) = watching();
    press(&mut app, "w");
    let text = shows(&app, 80, 24);
    assert!(text.contains("loss · ■ done causal-lm-1 · causal-lm (1 of 1)"), "{text}");
    press(&mut app, "]");
    assert!(shows(&app, 80, 24).contains("loss of causal-lm · ■ done causal-lm-1"));
    press(&mut app, "w");
    assert!(shows(&app, 80, 24).contains("loss of causal-lm"));
    press(&mut app, "v");
    assert!(shows(&app, 80, 24).contains("no step of this run was made again"));
}

#[test]
fn a_low_terminal_keeps_the_numbers_of_the_run_and_what_happened() {
    let (app, open, _) = watching();
    let stage = open.state.stage_now().unwrap();
    let step = format!("{}/", crate::tui::format::count(stage.step));
    for (width, height) in [(60, 12), (80, 12), (120, 10)] {
        let text = shows(&app, width, height);
        for words in ["progress", "step   ", &step, "what happened"] {
            assert!(text.contains(words), "{words} at {width}x{height}\n{text}");
        }
    }
}
