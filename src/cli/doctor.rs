//! `doctor`: what works here, what to do about the rest, and what is at work.

use super::at_work::{MachineNow, RunnerNow, runners};
use super::global::Global;
use super::text::safe;
use crate::doctor::{Check, State, Surroundings, examine};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// `doctor`
#[derive(Args)]
pub struct Doctor {}

/// `llm2clip.doctor/1`
#[derive(Serialize)]
struct DoctorDocument {
    format: &'static str,
    version: &'static str,
    worst: State,
    checks: Vec<Check>,
    machine: MachineNow,
    runners: Vec<RunnerNow>,
}

/// `llm2clip doctor`; 1 where something does not work.
pub fn doctor(global: &Global, _: &Doctor) -> anyhow::Result<ExitCode> {
    let roots = global.roots()?;
    let size = std::io::stdout().is_terminal().then(crossterm::terminal::size);
    let surroundings = Surroundings {
        config: global.config_file(),
        settings: global.settings(&roots),
        env: std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        size: size.and_then(Result::ok),
        sessions: roots.sessions,
        checkpoints: roots.checkpoints,
        hub: crate::hub::folder(),
        cuda: cfg!(feature = "cuda"),
        readonly: global.readonly,
    };
    let checks = examine(&surroundings);
    let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    let version = env!("CARGO_PKG_VERSION");
    let machine = MachineNow::look(&surroundings.sessions, &surroundings.checkpoints);
    let runners = runners(&surroundings.sessions);
    let format = "llm2clip.doctor/1";
    let document = DoctorDocument { format, version, worst, checks, machine, runners };
    global.print(&document, human)?;
    Ok(if worst == State::Broken { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn human(document: &DoctorDocument) -> String {
    let mut text = String::new();
    let mut group = "";
    for check in &document.checks {
        if check.group != group {
            let _ = writeln!(text, "{}{}", if group.is_empty() { "" } else { "\n" }, check.group);
            group = check.group;
        }
        let word = match check.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Warning => "warn",
            State::Broken => "BROKEN",
        };
        let _ = writeln!(text, "  {word:<6} {:<20} {}", check.name, safe(&check.found));
        if !check.advice.is_empty() {
            let _ = writeln!(text, "         {:<20} -> {}", "", safe(&check.advice));
        }
    }
    let _ = writeln!(text, "\nat work");
    if let Some(busy) = document.machine.busy() {
        let _ = writeln!(text, "  {:<27} {:.0} % of its time", "cores", busy * 100.0);
    }
    for runner in &document.runners {
        let process = runner.process.map_or_else(String::new, |process| format!(" pid {process}"));
        let after =
            runner.after.as_ref().map_or_else(String::new, |after| format!(" after {after}"));
        let words = format!("{}{process} lock {}{after}", runner.state, runner.lock);
        let _ = writeln!(text, "  {:<27} {}", safe(&runner.run), safe(&words));
    }
    if document.runners.is_empty() {
        let _ = writeln!(text, "  {:<27} none", "runners");
    }
    text
}
