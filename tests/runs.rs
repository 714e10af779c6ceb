//! Runs answer commands, wait their turn, and fork.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;
mod waiting;

use llm2clip::recipe::{Recipe, apply_set};
use llm2clip::runner::client::{Reply, send, wait_for_reply};
use llm2clip::runner::{
    Ended, Fork, Narrator, Outcome, Resumption, RunError, Stop, Voice, Wait, Workspace, fork,
    resume, start_run,
};
use llm2clip::session::control::{self, Command, Mailbox};
use llm2clip::session::folder::Session;
use llm2clip::session::follow::read_run;
use llm2clip::session::names::RunId;
use llm2clip::session::writer::LogWriter;
use llm2clip::session::{RunStatus, Time};
use training::{run, session, small, workspace};
use waiting::until;

fn quiet(log: LogWriter) -> Narrator {
    Narrator::new(Some(log), Voice::Quiet)
}

fn start(place: &Workspace, session: &Session, recipe: &Recipe) -> Result<Outcome, RunError> {
    start_run(place, session, recipe, quiet, &Stop::new(), Wait::No)
}

fn id(session: &Session, run: &str) -> RunId {
    RunId { session: session.id().clone(), run: run.parse().unwrap() }
}

fn status(session: &Session, run: &str) -> Option<RunStatus> {
    let run = read_run(session.folder(), &run.parse().unwrap()).ok()?;
    Some(run.status(Time::now()))
}

fn ask(place: &Workspace, run: &RunId, command: Command) -> Reply {
    let letter = send(&place.sessions, run, command).unwrap();
    wait_for_reply(&place.sessions, run, &letter, |_| {}).unwrap()
}

#[test]
fn a_paused_run_keeps_its_place_and_ends_as_if_it_had_not_been_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let recipe = small("clip", &["steps=400", "checkpoint_every=0", "validate_every=0"]);
    let expected = run(&place, &session(&place), &recipe).unwrap().final_digest;
    let disturbed = session(&place);
    let run = id(&disturbed, "clip-1");
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| start(&place, &disturbed, &recipe).unwrap());
        until("the first step", || {
            read_run(disturbed.folder(), &run.run)
                .is_ok_and(|run| run.state().stage_now().is_some_and(|stage| stage.step > 0))
        });
        assert_eq!(ask(&place, &run, Command::Pause), Reply::Applied);
        assert_eq!(status(&disturbed, "clip-1"), Some(RunStatus::Paused));
        assert_eq!(ask(&place, &run, Command::Pause), Reply::Applied);
        assert_eq!(ask(&place, &run, Command::Checkpoint), Reply::Applied);
        assert_eq!(ask(&place, &run, Command::Continue), Reply::Applied);
        assert_eq!(ask(&place, &run, Command::Stop), Reply::Applied);
        assert_eq!(runner.join().unwrap().ended, Ended::Stopped { signal: None });
    });
    assert_eq!(status(&disturbed, "clip-1"), Some(RunStatus::Stopped));
    let mailbox = Mailbox::new(disturbed.control_folder(&run.run));
    assert_eq!(mailbox.waiting().unwrap(), []);
    let error = send(&place.sessions, &run, Command::Pause).unwrap_err().to_string();
    assert!(error.contains("is stopped: expected a runner"), "{error}");
    let went = resume(&place, &disturbed, &run.run, quiet, &Stop::new()).unwrap();
    let Resumption::Went(outcome) = went else { panic!("it was not done") };
    assert_eq!(outcome.final_digest, expected);
}

#[test]
fn a_checkpoint_that_was_asked_for_stays_and_a_fork_can_begin_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let recipe = small("clip", &["steps=400", "checkpoint_every=7", "keep=0"]);
    let expected = run(&place, &session(&place), &recipe).unwrap().final_digest;
    let opened = session(&place);
    let run = id(&opened, "clip-1");
    let state = || read_run(opened.folder(), &run.run).unwrap().state().clone();
    let mut asked = 0;
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| start(&place, &opened, &recipe).unwrap());
        until("the first step", || {
            read_run(opened.folder(), &run.run)
                .is_ok_and(|run| run.state().stage_now().is_some_and(|stage| stage.step > 0))
        });
        assert_eq!(ask(&place, &run, Command::Pause), Reply::Applied);
        assert_eq!(ask(&place, &run, Command::Checkpoint), Reply::Applied);
        asked = state().stages[0].step;
        assert_eq!(ask(&place, &run, Command::Continue), Reply::Applied);
        assert_eq!(runner.join().unwrap().final_digest, expected);
    });
    assert!(asked < 400, "the run was over before it was asked");
    let kept: Vec<u64> = state().stages[0].checkpoints.iter().map(|saved| saved.step).collect();
    assert_eq!(kept, [asked, 400]);
    let fork_at = Fork {
        run: run.clone(),
        stage: None,
        step: Some(asked as usize),
        sets: Vec::new(),
        seed: None,
    };
    let stop = Stop::new();
    let forked = fork(&place, &opened, &recipe, &fork_at, quiet, &stop, Wait::No).unwrap();
    assert_eq!(forked.final_digest, expected);
}

#[test]
fn what_lay_in_the_mailbox_before_the_runner_started_is_refused_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let session = session(&place);
    let mailbox = session.control_folder(&"clip-1".parse().unwrap());
    let letter = control::send(&mailbox, Command::Stop).unwrap();
    let outcome = start(&place, &session, &small("clip", &[])).unwrap();
    assert_eq!(outcome.ended, Ended::Done);
    let run = read_run(session.folder(), &outcome.run).unwrap();
    let answer = run.state().answer(&letter).unwrap();
    assert!(answer.refused.as_ref().unwrap().contains("before this runner started"));
    assert_eq!(Mailbox::new(mailbox).waiting().unwrap(), []);
}

#[test]
fn a_queued_run_waits_for_the_other_one_and_hears_commands() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let session = session(&place);
    let before = id(&session, "first-1");
    // Held and without an end: a run at work.
    let mut first = session.start_run("first").unwrap();
    let started = serde_json::json!({
        "seq": 1, "time": "2026-11-24T03:50:43.123Z", "event": "run_started", "run": "first-1",
        "segment": 1, "recipe": {}, "stages": [], "program_version": "0", "host": "h", "pid": 1,
        "device": "cpu", "threads": 1, "seed": 0,
    });
    let record = llm2clip::session::Record::decode(started.to_string().as_bytes()).unwrap();
    first.log.append(record.event).unwrap();
    let recipe = small("clip", &[]);
    let queued = |stop: &Stop| {
        start_run(&place, &session, &recipe, quiet, stop, Wait::After(&before)).unwrap()
    };
    std::thread::scope(|scope| {
        let stopped = scope.spawn(|| queued(&Stop::new()));
        until("the queue", || status(&session, "clip-1") == Some(RunStatus::Queued));
        let one = id(&session, "clip-1");
        assert!(matches!(ask(&place, &one, Command::Checkpoint), Reply::Refused(_)));
        assert_eq!(ask(&place, &one, Command::Stop), Reply::Applied);
        assert_eq!(stopped.join().unwrap().ended, Ended::Stopped { signal: None });
        let waits = scope.spawn(|| queued(&Stop::new()));
        until("the queue", || status(&session, "clip-2") == Some(RunStatus::Queued));
        drop(first);
        assert_eq!(waits.join().unwrap().ended, Ended::Done);
    });
}

#[test]
fn a_fork_goes_on_from_a_checkpoint_and_outlives_the_run_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace(folder.path());
    let session = session(&place);
    let recipe = small("clip", &[]);
    let first = run(&place, &session, &recipe).unwrap();
    let of = |stage: Option<&str>, step, sets: &[&str]| Fork {
        run: id(&session, "clip-1"),
        stage: stage.map(str::to_owned),
        step,
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
        seed: None,
    };
    let go =
        |request: &Fork| fork(&place, &session, &recipe, request, quiet, &Stop::new(), Wait::No);
    let same = go(&of(Some("clip"), Some(2), &[])).unwrap();
    assert_eq!(same.final_digest, first.final_digest);
    let other = go(&of(Some("clip"), Some(2), &["lr=0.01"])).unwrap();
    assert_ne!(other.final_digest, first.final_digest);
    let longer = go(&of(None, None, &["steps=6"])).unwrap();
    assert_eq!(longer.stages[0].steps, 6);
    let state = read_run(session.folder(), &longer.run).unwrap().into_state();
    let start = state.started.unwrap();
    assert_eq!(start.forked_from, Some(format!("{}/clip-1", session.id())));
    assert_eq!(start.resumed_from.unwrap().step, 4);
    for wrong in [of(Some("mntp"), None, &[]), of(None, Some(3), &[]), of(None, None, &["steps=2"])]
    {
        assert!(go(&wrong).is_err(), "{wrong:?}");
    }
    std::fs::remove_dir_all(place.checkpoints.join(session.id().as_str()).join("clip-1")).unwrap();
    let again = Fork { run: id(&session, longer.run.as_str()), ..of(None, None, &["steps=8"]) };
    let recipe = apply_set(&recipe, "steps=6").unwrap();
    let next = fork(&place, &session, &recipe, &again, quiet, &Stop::new(), Wait::No).unwrap();
    assert_eq!(next.stages[0].steps, 8);
}
