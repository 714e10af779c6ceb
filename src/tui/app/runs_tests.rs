//! The Runs screen in the model: commands and their answers, tags, filters, forms that start runs.

use super::tests::{app, entry, press, shows};
use super::*;
use crate::session::RunStatus;
use crate::session::control::Command;
use crate::session::fold::{Answer, RunState};
use crate::tui::data::library::OpenRun;
use crate::tui::msg::News;
use std::sync::Arc;

const RUN: &str = "20261124-100000-night-bbbbbb/simcse-1";
const OTHER: &str = "20261124-110000-day-cccccc/clip-1";

/// A workbench on two runs, the newer of them selected.
fn two() -> App {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(OTHER, 6)))));
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    app
}

fn open(state: RunState) -> Box<OpenRun> {
    Box::new(OpenRun {
        state: Arc::new(state),
        alerts: Arc::default(),
        story: Arc::default(),
        console: Arc::default(),
        device: Arc::default(),
        reading: crate::tui::data::library::Reading::default(),
        oddities: crate::session::tail::Oddities::default(),
        status: RunStatus::Live,
    })
}

#[test]
fn the_answer_of_a_run_that_is_not_in_focus_is_heard_too() {
    let mut app = two();
    press(&mut app, "enter 1 down K");
    let run = entry(RUN, 5).id;
    let commands = press(&mut app, "y");
    let both = BTreeSet::from([run.clone(), entry(OTHER, 6).id]);
    assert!(commands.contains(&Cmd::Work(Work::Watch(both))), "{commands:?}");
    let sent = News::Sent { run: run.clone(), command: Command::Stop, id: "7".to_owned() };
    app.update(Msg::News(sent));
    let mut state = RunState::default();
    let (command, refused) = ("stop".to_owned(), Some("not now".to_owned()));
    state.answers.push(Answer { id: "7".to_owned(), command, refused });
    let commands = app.update(Msg::News(News::Open(run.clone(), open(state))));
    assert!(shows(&app, 80, 24).contains("stop refused: not now"));
    assert!(app.shared.requests.is_empty());
    assert!(matches!(&commands[..], [Cmd::Work(Work::Watch(one))] if !one.contains(&run)));
}

#[test]
fn a_command_that_could_not_be_sent_can_be_asked_again() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    press(&mut app, "K y");
    let (run, command) = (entry(RUN, 5).id, Command::Stop);
    let unsent = News::Unsent { run: run.clone(), command, why: "the disk is full".to_owned() };
    app.update(Msg::News(unsent));
    assert!(shows(&app, 80, 24).contains("the disk is full"));
    assert!(app.shared.requested(&run).is_empty());
    press(&mut app, "K");
    assert_eq!(press(&mut app, "y")[..1], [Cmd::Work(Work::Send(run, command))]);
}
